"""log G_m(t; s) = log E exp(-m x - exp(-x)), x = t - s e, e standard Normal, and two derivatives.

What a class with m votes, loc l and scale s puts into a vote integral at u is G_m(u - l; s);
without votes it is G_0 = F, the distribution function of a Gumbel plus a Normal variable.

Left of a split in t, Laplace's approximation of G_m and what it leaves out. With V > 0 the solution
of log V + s^2 V = m s^2 - t,

    log G_m = m log V - V - s^2 (m - V)^2 / 2 - log(1 + s^2 V) / 2 + R(V, s),

where R is one smooth function for all m: it tends to 0 for s -> 0, and to the remainder of
Stirling's formula for s -> infinity. Nothing cancels, however many votes there are. Right of the
split, where R would have to undo the approximation,

    log G_m = m^2 s^2 / 2 - m t - exp(L(t - m s^2, s)),  L = log(-log F).

R and L are Chebyshev polynomials with coefficients from `vote_table.py`. Derivatives in the scale
follow from those in t: dG/ds = s G''.
"""

import numpy as np
from keras import ops
from numpy.polynomial import chebyshev

from hetero_unc.gaussian.vote_table import LARGEST_SCALE, LEFT, RIGHT, SCALE_KNEE

__all__ = ["log_kernel", "prepare"]

ROUGH_DEGREE = 6


def _powers(table, degree):
    """Coefficients of Chebyshev polynomials -> those of powers, up to `degree`."""
    change = np.zeros((degree + 1, degree + 1))
    for each in range(degree + 1):
        change[: each + 1, each] = chebyshev.cheb2poly([0] * each + [1])
    return change @ np.array(table)[: degree + 1]


# Powers keep their precision here, in float32 too: no coefficient is above 10.
FINE = np.concatenate([_powers(table, len(table) - 1) for table in (LEFT, RIGHT)])
ROUGH = np.concatenate([_powers(table, ROUGH_DEGREE) for table in (LEFT, RIGHT)])
# Beyond it the kernel is below exp(-1e13), and squares of V stay within float32.
LARGEST_LOG = 30.0


def prepare(scale, votes):
    """What `log_kernel` needs of each class, whatever t is.

    Args:
        scale: Tensor, >= 0.
        votes: Tensor of the same shape and type, >= 0.

    Returns:
        Dict of tensors of that shape, and `"left"`, `"right"` with an axis of degrees in front.
    """
    square = scale * scale
    share = square / (1 + square)
    none = votes == 0
    count = ops.where(none, 1.0, votes)
    half = square / 2
    # log(1 + h) / h, the V of the split.
    split = ops.where(half < 1e-3, 1 - half / 2, ops.log1p(half) / ops.maximum(half, 1e-3))
    offset = 1 + 2 * scale
    lowest = square * split / (square * split + offset)
    start = -(square * split + ops.log(split))
    end = ops.sqrt(14.0**2 + 25 * square)
    fine, rough = _in_scale(scale, FINE), _in_scale(scale, ROUGH)
    return {
        "votes": votes,
        "none": none,
        "count": count,
        "scale": scale,
        "square": square,
        "share": share,
        "slope": 1 / ops.sqrt(1 + square),
        "pull": square * count,
        "log_pull": ops.log(ops.maximum(square * count, 1e-30)),
        "shift": ops.log(count) + ops.where(none, square, 0.0),
        "split": split,
        "offset": offset,
        "lowest": lowest,
        "left_rate": 2 / (1 - lowest),
        "start": start,
        "right_rate": 2 / (end - start),
        "fine": (fine[: len(FINE) // 2], fine[len(FINE) // 2 :]),
        "rough": (rough[: len(ROUGH) // 2], rough[len(ROUGH) // 2 :]),
    }


def _in_scale(scale, table):
    """The coefficients of polynomials for each scale: `(rows of table, ...)`."""
    capped = ops.minimum(scale, LARGEST_SCALE)
    zeta = 2 * (1 + SCALE_KNEE / LARGEST_SCALE) * capped / (capped + SCALE_KNEE) - 1
    basis = [ops.ones_like(zeta), zeta]
    while len(basis) < table.shape[1]:
        basis.append(2 * zeta * basis[-1] - basis[-2])
    table = ops.convert_to_tensor(table, dtype=scale.dtype)
    return ops.tensordot(table, ops.stack(basis), axes=1)


def log_kernel(t, classes, rough=False):
    """log G_m(t; s) - m log m + m, and its first and second derivative in t.

    Args:
        t: Tensor whose shape broadcasts with those of `classes`.
        classes: Dict of `prepare`.
        rough: Whether errors of 0.01 or so do not matter.

    Returns:
        Three tensors.
    """
    votes, none, count, share = (classes[name] for name in ("votes", "none", "count", "share"))
    log_ratio = _log_ratio(t, classes)  # log(V / m), or log V without votes
    excess = ops.expm1(log_ratio)
    ratio = ops.maximum(excess + 1, 1e-30)
    place = count * ratio  # V
    tilt = ops.where(none, place, count * excess)  # V - m
    weight = classes["pull"] * ratio  # s^2 V
    lag = 1 / (1 + weight)  # -d log V / dt

    p = weight / (weight + classes["offset"])
    in_left = (p - classes["lowest"]) * classes["left_rate"] - 1
    moved = t - votes * classes["square"]
    in_right = (moved - classes["start"]) * classes["right_rate"] - 1
    in_table = ops.minimum(in_right, 1.0)
    is_left = place > classes["split"]
    argument = ops.where(is_left, ops.clip(in_left, -1.0, 1.0), in_table)
    value, first, second = (
        share * each for each in _horner(argument, is_left, *classes["rough" if rough else "fine"])
    )

    rise = classes["left_rate"] * p * (1 - p)  # d argument / d log V
    bent = weight * lag
    slope = first * rise - bent / 2
    curve = second * rise * rise + first * rise * (1 - 2 * p) - bent * lag / 2
    stretch = ops.where(none, -place, count * (log_ratio - excess))
    left = (
        stretch - ops.square(classes["scale"] * tilt) / 2 - ops.log1p(weight) / 2 + value,
        tilt - lag * slope,
        lag * (lag * (curve - bent * slope) - place),
    )

    rate = classes["right_rate"]
    grade = first * rate - classes["slope"]  # dL/dt
    log_power = value + first * (in_right - in_table) - classes["slope"] * moved
    power = ops.exp(ops.minimum(log_power, 10.0))
    turn = ops.where(in_right < 1, second * rate * rate, 0.0)
    right = (
        -votes * (moved + votes * classes["square"] / 2 + classes["shift"] - 1) - power,
        -votes - power * grade,
        -power * (grade * grade + turn),
    )
    return tuple(ops.where(is_left, *pair) for pair in zip(left, right, strict=True))


def _log_ratio(t, classes):
    """The d that solves d + a (exp(d) - 1) = -t - shift: log(V / m), with a = s^2 m."""
    target = -t - classes["shift"]
    pull, log_pull = classes["pull"], classes["log_pull"]
    # Lambert's W of exp(z), within a few percent: Winitzki's approximation.
    z = target + pull + log_pull
    soft = ops.softplus(z)
    power = soft * (1 - ops.log1p(soft) / (2 + soft))
    start = ops.where(z > 1, ops.log(ops.maximum(power, 1e-30)) - log_pull, target + pull - power)
    solution = ops.minimum(start, LARGEST_LOG)
    # Halley's step cubes the error: 4e-7 / (1 + s^2 V) is left.
    weight = pull * ops.exp(solution)
    step = (solution + weight - pull - target) / (1 + weight)
    solution = solution - step / (1 - step * weight / (2 * (1 + weight)))
    return ops.minimum(solution, LARGEST_LOG)


def _horner(x, is_left, left, right):
    """A polynomial and its first two derivatives; each element has its own coefficients."""
    value = ops.where(is_left, left[-1], right[-1])
    first = half = ops.zeros_like(x)
    for degree in range(left.shape[0] - 2, -1, -1):
        half = half * x + first
        first = first * x + value
        value = value * x + ops.where(is_left, left[degree], right[degree])
    return value, first, 2 * half
