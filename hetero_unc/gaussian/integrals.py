"""The softmax of independent Normal logits, integrated to known accuracy without draws.

softmax(z)_k is the probability that z_k + G_k is the largest, G_k independent standard Gumbel
variables. With z_k Normal, z_k + G_k has the distribution function F_k(u) = F(u - loc_k, scale_k)
of `gumbel`; write r_k = F_k' / F_k and H = prod F_k, and every expectation is one integral:

    E[p_k]             int H r_k du
    E[p_j p_k], j != k int H r_j r_k du                             = -dE[p_k] / dloc_j
    D_k                int H r_k (sum_j r_j - r_k) du               =  dE[p_k] / dloc_k
    E[p_k^2]           E[p_k] - D_k
    E[logsumexp z]     int u H sum_j r_j du - Euler's gamma
    E[H(p)]            E[logsumexp z] - sum_k (loc_k E[p_k] + scale_k^2 D_k)      by Stein's lemma

`accuracy` is `"fast"` (16 nodes), `"standard"` (28) or `"high"` (48). In float32, held in tests,
the largest error of a probability is, over loc in +-50 and scales in 1e-6 to 30:

    accuracy    scales of one kind, around 0.5    scales mixed at will
    fast        5e-4                              2e-3
    standard    5e-6                              5e-5
    high        5e-6                              1e-5

Scales above 40 are refused where their values can be seen; in a compiled step they count as 40.
"""

import collections

import numpy as np
from keras import ops

from hetero_unc.gaussian import gumbel
from hetero_unc.gaussian.gaussian_arguments import check_gaussian
from hetero_unc.gaussian.integration_nodes import classes_first, level_of, plain_nodes, sum_over
from hetero_unc.gaussian.own_gradient import with_own_gradient

__all__ = [
    "SoftmaxMoments",
    "agreement_of",
    "entropy_of",
    "expected_agreement",
    "expected_entropy",
    "expected_log_sum_exp",
    "expected_products",
    "expected_softmax",
    "exportable_log_expected_softmax",
    "log_expected_softmax",
    "softmax_moments",
]

SoftmaxMoments = collections.namedtuple("SoftmaxMoments", "probabilities slopes log_sum_exp")


def expected_softmax(loc, scale, *, accuracy="standard"):
    """E[softmax(z)], z_k independent Normal(loc_k, scale_k).

    Args:
        loc: Tensor `(N, C)`, in logit units.
        scale: Tensor `(N, C)`, standard deviations in [0, 40]; 0 gives the plain softmax.
        accuracy: `"fast"`, `"standard"` or `"high"`.

    Returns:
        Tensor `(N, C)`, float32; rows sum to one.

    Raises:
        ValueError: On other shapes, C < 2, a loc that is not finite, a scale that is negative,
            above 40 or not finite, or an accuracy that is not known.
    """
    return ops.exp(log_expected_softmax(loc, scale, accuracy=accuracy))


def log_expected_softmax(loc, scale, *, accuracy="standard"):
    """log E[softmax(z)]: finite however rare a class.

    Errors count relative to the probability here: those of classes rarer than 1e-8 are of the order
    of the probability itself.

    Args:
        loc, scale, accuracy: As in `expected_softmax`.

    Returns:
        Tensor `(N, C)`, float32, nats, <= 0.

    Raises:
        ValueError: As `expected_softmax`.
    """
    level_of(accuracy)

    @ops.custom_gradient
    def value(loc, scale):
        # TensorFlow would otherwise trace a gradient of the nodes, which nobody asks for.
        loc, scale = ops.stop_gradient(loc), ops.stop_gradient(scale)
        log_probabilities, u, weight = _log_probabilities(loc, scale, accuracy, gumbel.FAST)

        def gradient(*args, upstream=None):
            upstream = args[0] if upstream is None else upstream
            return _log_probabilities_gradient(loc, scale, u, weight, log_probabilities, upstream)

        return log_probabilities, gradient

    return value(*check_gaussian(loc, scale))


def exportable_log_expected_softmax(loc, scale, *, accuracy="standard"):
    """`log_expected_softmax` in plain operations, which every exporter and server knows."""
    return _log_probabilities(loc, scale, accuracy, gumbel.PLAIN)[0]


def expected_log_sum_exp(loc, scale, *, accuracy="standard"):
    """E[log sum_k exp(z_k)].

    The error grows with the largest scale s of the row, to about 3e-5 s.

    Args:
        loc, scale, accuracy: As in `expected_softmax`.

    Returns:
        Tensor `(N,)`, float32, nats; at least the largest loc of the row.

    Raises:
        ValueError: As `expected_softmax`.
    """
    level_of(accuracy)

    def value_and_gradient(loc, scale):
        found = softmax_moments(loc, scale, accuracy, gumbel.FAST)
        # By Stein's lemma the last is scale_k E[p_k (1 - p_k)].
        return found.log_sum_exp, found.probabilities, scale * found.slopes

    return with_own_gradient(value_and_gradient)(*check_gaussian(loc, scale))


def expected_entropy(loc, scale, *, accuracy="standard"):
    """E[H(softmax(z))], the mean entropy of a draw.

    The error grows with the largest scale of the row, as that of `expected_log_sum_exp`.

    Args:
        loc, scale, accuracy: As in `expected_softmax`.

    Returns:
        Tensor `(N,)`, float32, nats, in [0, log C] up to that error.

    Raises:
        ValueError: As `expected_softmax`.
    """
    loc, scale = check_gaussian(loc, scale)
    return entropy_of(softmax_moments(loc, scale, accuracy), loc, scale)


def expected_agreement(loc, scale, *, accuracy="standard"):
    """E[sum_k softmax(z)_k^2]: the chance that two annotators who share the logits agree.

    Args:
        loc, scale, accuracy: As in `expected_softmax`.

    Returns:
        Tensor `(N,)`, float32, in [1 / C, 1].

    Raises:
        ValueError: As `expected_softmax`.
    """
    return agreement_of(softmax_moments(*check_gaussian(loc, scale), accuracy))


def expected_products(loc, scale, *, accuracy="standard"):
    """E[softmax(z)_j softmax(z)_k], the second moments of the probabilities.

    Args:
        loc, scale, accuracy: As in `expected_softmax`.

    Returns:
        Tensor `(N, C, C)`, float32, symmetric; each in [0, 1], all of an item summing to one.

    Raises:
        ValueError: As `expected_softmax`.
    """
    loc, scale = check_gaussian(loc, scale)
    moments, curves = softmax_moments(loc, scale, accuracy), gumbel.PLAIN
    loc, scale = classes_first(loc, scale)
    at = curves.at_scale(scale)
    nodes = plain_nodes(loc, at, level_of(accuracy), curves)

    def terms(u, weight):
        density, _, ratio = _densities(u, weight, loc, at, curves)
        return (ops.sum(density[:, :, None] * ratio[:, None], axis=0),)

    (products,) = sum_over((nodes.u, nodes.weight), terms, loc.shape[0] ** 2)
    products = ops.transpose(products, (2, 0, 1))
    same = ops.eye(loc.shape[0])
    return (1.0 - same) * products + same * (moments.probabilities - moments.slopes)[:, None]


def softmax_moments(loc, scale, accuracy, curves=gumbel.PLAIN):
    """What the other expectations are made of, from one set of nodes.

    Args:
        loc, scale: Tensors `(N, C)`, float32, checked.
        accuracy: As in `expected_softmax`.
        curves: `gumbel.PLAIN`, which gradients pass on every backend, or `gumbel.FAST`.

    Returns:
        `SoftmaxMoments`: `probabilities` E[p_k] and `slopes` dE[p_k] / dloc_k = E[p_k (1 - p_k)],
        both `(N, C)`; `log_sum_exp` `(N,)`. Differentiable, at fixed nodes.
    """
    highest = ops.max(loc, axis=-1, initial=-np.inf)
    loc, scale = classes_first(loc, scale)
    at = curves.at_scale(scale)
    nodes = plain_nodes(loc, at, level_of(accuracy), curves)

    def terms(u, weight):
        density, sum_of_ratios, ratio = _densities(u, weight, loc, at, curves)
        return (
            ops.sum(density, axis=0),
            ops.sum(density * (sum_of_ratios[:, None] - ratio), axis=0),
            ops.sum(density * u[:, None], axis=0),
        )

    probabilities, slopes, mean = sum_over((nodes.u, nodes.weight), terms, loc.shape[0])
    # Beyond the last node H is one, and what is left of a class decays like exp(L' u).
    log_left, slope, _ = gumbel.curve(nodes.end - loc, at)
    left = ops.exp(log_left)
    mass = ops.sum(probabilities + left, axis=0)
    mean = ops.sum(mean + left * (nodes.end - 1.0 / slope), axis=0)
    return SoftmaxMoments(
        ops.transpose((probabilities + left) / mass),
        ops.transpose(slopes / mass),
        mean / mass - float(np.euler_gamma) + highest,
    )


def entropy_of(moments, loc, scale):
    """E[H(p)] `(N,)` of `SoftmaxMoments`, by Stein's lemma."""
    known = ops.sum(loc * moments.probabilities + ops.square(scale) * moments.slopes, axis=-1)
    return ops.clip(moments.log_sum_exp - known, 0.0, float(np.log(loc.shape[-1])))


def agreement_of(moments):
    """E[sum_k p_k^2] `(N,)` of `SoftmaxMoments`."""
    return ops.sum(moments.probabilities - moments.slopes, axis=-1)


def _densities(u, weight, loc, at, curves):
    """`weight * H * r_j`, `sum_j r_j` and `r_j` at nodes `(k, N)`."""
    minus_log_cdf, ratio, _ = curves.ratios(u[:, None], loc, at)
    weight = weight * ops.exp(-ops.sum(minus_log_cdf, axis=1))
    return weight[:, None] * ratio, ops.sum(ratio, axis=1), ratio


def _log_probabilities(loc, scale, accuracy, curves):
    loc, scale = classes_first(loc, scale)
    at = curves.at_scale(scale)
    nodes = plain_nodes(loc, at, level_of(accuracy), curves)
    # A rare class is summed relative to its own largest term, or it would vanish in float32. Where
    # that lies, three points tell well enough.
    at_end = gumbel.value(nodes.end - loc, at)
    highest = at_end
    for u, log_cdf in ((nodes.u[0], 14.0), (nodes.u[nodes.u.shape[0] // 2], 0.7)):
        highest = ops.maximum(highest, gumbel.value(u - loc, at) - log_cdf)

    def terms(u, weight):
        log_e, slope, _ = curves.curve(u[:, None] - loc, at)
        log_cdf = -ops.sum(ops.exp(log_e), axis=1, keepdims=True)
        return (ops.sum(-slope * weight[:, None] * ops.exp(log_e + log_cdf - highest), axis=0),)

    (total,) = sum_over((nodes.u, nodes.weight), terms, loc.shape[0])
    log_probabilities = ops.transpose(highest + ops.log(total + ops.exp(at_end - highest)))
    return ops.log_softmax(log_probabilities, axis=-1), nodes.u, nodes.weight


def _log_probabilities_gradient(loc, scale, u, weight, log_probabilities, upstream):
    """With A = sum_k g_k r_k / P_k and R = sum_k r_k, g the upstream gradient:

    d/dloc_j = int H r_j (g_j R / P_j - A) du, d/dscale_j = scale_j int H q_j (A - g_j R / P_j) du.
    """
    loc, scale = classes_first(loc, scale)
    log_probabilities, upstream = ops.transpose(log_probabilities), ops.transpose(upstream)
    at = gumbel.FAST.at_scale(scale)

    def terms(u, weight):
        log_e, slope, bend = gumbel.FAST.curve(u[:, None] - loc, at)
        minus_log_cdf = ops.exp(log_e)
        ratio = -slope * minus_log_cdf
        # F'' / F, over -log F.
        curvature = (minus_log_cdf - 1.0) * ops.square(slope) - bend
        log_cdf = -ops.sum(minus_log_cdf, axis=1, keepdims=True)
        # H r_k / P_k, of which 1 / P_k alone may overflow.
        share = weight[:, None] * ops.exp(log_e + log_cdf - log_probabilities) * upstream
        own = share * ops.sum(ratio, axis=1, keepdims=True)
        others = ops.sum(-slope * share, axis=1, keepdims=True)
        return (
            ops.sum(-slope * own - ratio * others, axis=0),
            ops.sum(curvature * (minus_log_cdf * others - own), axis=0),
        )

    to_loc, to_scale = sum_over((u, weight), terms, loc.shape[0])
    return ops.transpose(to_loc), ops.transpose(scale * to_scale)
