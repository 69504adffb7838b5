"""How far are expected probabilities from the truth: by the integrals, and by 1000 draws?

python -m benchmarks.exact_error [--quick]

Realistic rows: lognormal scales (mean of the log -0.7, standard deviation 1), loc with standard
deviations from 0.5 to 20, C of 2, 3, 10 and 100. The truth is computed here, in float64 and in
NumPy: adaptive quadrature of a logistic Normal for C = 2; for more classes an integral over the
maximum of Gumbel variables with many nodes, which is checked against the former and, for C = 3,
against dense Gauss-Hermite. The figure is the largest error over all classes and rows.
"""

import numpy as np
from scipy import integrate, special

from benchmarks.paired import main

LOC_SPREADS = (0.5, 2.0, 8.0, 20.0)
ROWS = {2: 2000, 3: 2000, 10: 1000, 100: 200}
QUICK_ROWS = {2: 200, 3: 200, 10: 100, 100: 20}
DRAWS = 1000
# Where two methods for the truth may differ: far below the errors that are measured.
AGREEMENT = 1e-9


def measure(quick):
    """Rows `exact_error` and, for the sequence that the losses draw, `exact_error_own_draws`."""
    rng = np.random.default_rng(0)
    errors = {"exact": [], "draws": [], "own draws": []}
    for num_classes, count in (QUICK_ROWS if quick else ROWS).items():
        loc, scale = realistic_rows(rng, num_classes, count)
        truth = expected_softmax_reference(loc, scale)
        errors["exact"].append(np.abs(exact_probabilities(loc, scale) - truth).max())
        errors["draws"].append(np.abs(plain_draws(rng, loc, scale) - truth).max())
        errors["own draws"].append(np.abs(own_draws(loc, scale) - truth).max())
    largest = {name: float(max(values)) for name, values in errors.items()}
    common = {"unit": "ratio of largest errors", "n": sum((QUICK_ROWS if quick else ROWS).values())}
    return [
        {
            "id": "exact_error",
            "ratio": largest["exact"] / largest["draws"],
            "errors": {"exact": largest["exact"], "1000 draws": largest["draws"]},
            **common,
        },
        {
            "id": "exact_error_own_draws",
            "claim": "the same: exact / 1000 draws of the losses' own sequence",
            "ratio": largest["exact"] / largest["own draws"],
            "errors": {"exact": largest["exact"], "own 1000 draws": largest["own draws"]},
            **common,
        },
    ]


def realistic_rows(rng, num_classes, count):
    """`(loc, scale)`, float32 `(count, C)`: float32 so that all methods see the same numbers."""
    spread = np.resize(LOC_SPREADS, count)[:, None]
    loc = spread * rng.normal(size=(count, num_classes))
    scale = rng.lognormal(-0.7, 1.0, size=(count, num_classes))
    return loc.astype("float32"), scale.astype("float32")


def exact_probabilities(loc, scale):
    """What the package's integrals say, `(N, C)`."""
    from keras import ops

    from hetero_unc.gaussian import expected_softmax

    return ops.convert_to_numpy(expected_softmax(loc, scale))


def plain_draws(rng, loc, scale):
    """The mean softmax of 1000 independent draws in float64, item by item."""
    means = [
        special.softmax(centre + width * rng.normal(size=(DRAWS, len(centre))), axis=-1).mean(0)
        for centre, width in zip(loc.astype(float), scale.astype(float), strict=True)
    ]
    return np.stack(means)


def own_draws(loc, scale):
    """The mean softmax of the draws that a loss with `estimator="draws"` takes."""
    from keras import ops

    from hetero_unc.gaussian import draw_logits
    from hetero_unc.losses import MarginalLikelihood

    sequence = MarginalLikelihood(estimator="draws").sequence
    logits = draw_logits(np.stack([loc, scale], axis=-1), DRAWS, seed=0, sequence=sequence)
    return ops.convert_to_numpy(ops.softmax(logits, axis=-1)).astype(float).mean(axis=0)


def expected_softmax_reference(loc, scale):
    """E softmax(z) in float64, `(N, C)`; for two and three classes checked by other methods."""
    loc, scale = loc.astype(float), scale.astype(float)
    by_gumbel = np.stack([gumbel_integral(*row) for row in zip(loc, scale, strict=True)])
    if loc.shape[1] == 2:
        first = [logistic_normal(*row) for row in zip(loc, scale, strict=True)]
        adaptive = np.stack([first, 1 - np.array(first)], axis=-1)
        _check_agreement(by_gumbel, adaptive, "adaptive quadrature")
        return adaptive
    if loc.shape[1] == 3:
        # Gauss-Hermite loses its digits where a softmax of wide Normals is nearly a step.
        narrow = np.flatnonzero(scale.max(axis=1) < 1)[:20]
        dense = [gauss_hermite(*row) for row in zip(loc[narrow], scale[narrow], strict=True)]
        _check_agreement(by_gumbel[narrow], np.stack(dense), "Gauss-Hermite")
    return by_gumbel


def logistic_normal(loc, scale):
    """P of the first of two classes: E sigmoid(m + s e), by adaptive quadrature."""
    mean, deviation = loc[0] - loc[1], np.hypot(*scale)

    def integrand(noise):
        density = np.exp(-0.5 * noise**2) / np.sqrt(2 * np.pi)
        return special.expit(mean + deviation * noise) * density

    step = np.clip(-mean / deviation, -9, 9)  # where the sigmoid turns
    return integrate.quad(integrand, -10, 10, points=[step], epsabs=1e-12, limit=500)[0]


def gauss_hermite(loc, scale, nodes=60):
    """E softmax(z) of three classes by a product rule of `nodes`^3 points."""
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    weights = weights / weights.sum()
    noise = np.stack(np.meshgrid(points, points, points, indexing="ij"), axis=-1)
    softmax = special.softmax(loc + scale * noise, axis=-1)
    return np.einsum("i,j,k,ijkc->c", weights, weights, weights, softmax, optimize=True)


def gumbel_integral(loc, scale):
    """E softmax(z): the chance that z_k + G_k is the largest, G iid Gumbel.

    With F_k the distribution function of z_k + G_k and f_k its density, this is the integral of f_k
    times the product of the other F_j. Both integrals, over the maximum and inside F, are trapezoid
    sums of analytic functions that vanish at both ends: errors fall exponentially in 1 / step.
    """
    tail = 38.0  # exp(-38) < 1e-16
    low = np.max(loc - 9 * scale - 4)
    high = np.max(loc + 9 * scale) + tail
    step = 0.2
    maximum = np.arange(low, high, step)
    log_distribution = np.empty((len(loc), len(maximum)))
    density = np.empty_like(log_distribution)
    for index, (centre, width) in enumerate(zip(loc, scale, strict=True)):
        noise_step = min(0.4, 0.25 / width)
        noise = np.arange(-9, 9 + noise_step, noise_step)
        weight = np.exp(-0.5 * noise**2)
        weight /= weight.sum()
        exponential = np.exp(-np.clip(maximum[:, None] - centre - width * noise, -7, None))
        gumbel = np.exp(-exponential)
        log_distribution[index] = np.log(np.maximum(gumbel @ weight, 1e-300))
        density[index] = (exponential * gumbel) @ weight
    others = np.exp(log_distribution.sum(axis=0) - log_distribution)
    probabilities = step * (density * others).sum(axis=1)
    if abs(probabilities.sum() - 1) > AGREEMENT:
        raise ArithmeticError(f"The reference sums to {probabilities.sum()}, not to 1")
    return probabilities


def _check_agreement(one, other, name):
    gap = np.abs(one - other).max()
    if not gap < AGREEMENT:
        raise ArithmeticError(f"The reference differs from {name} by {gap:.2g}")


if __name__ == "__main__":
    main(measure)
