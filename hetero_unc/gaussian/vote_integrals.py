"""The likelihood of votes under Gaussian logits, by one integral in one dimension.

The softmax is a race of Gumbel variables. For n votes, n_k of them for class k,

    E prod_k p_k^{n_k} = 1 / Gamma(n) int prod_k G_{n_k}(u - loc_k; scale_k) du,

with the G of `vote_kernel.py`: each vote's race is won at some u, and Gamma(n) counts the ways. The
integrand is log-concave. Its left end may be as sharp as a Gumbel variable and its right end as
wide as the widest class, hence Gauss-Legendre nodes, exponentially graded from the left end.
"""

import numpy as np
from keras import ops

from hetero_unc.checks import check_choice
from hetero_unc.gaussian.compiled import compiled, in_turn
from hetero_unc.gaussian.gaussian_arguments import check_gaussian
from hetero_unc.gaussian.gumbel_variables import LARGEST_SCALE
from hetero_unc.gaussian.own_gradient import with_own_gradient
from hetero_unc.gaussian.vote_kernel import log_kernel, prepare

__all__ = ["ACCURACIES", "log_expected_votes"]

# Name -> number of nodes, nats by which the integrand has dropped where they end.
ACCURACIES = {"fast": (16, 13.0), "standard": (24, 15.0), "high": (48, 18.0)}
# Numbers of one array: beyond, the nodes are gone through in turn.
NODES_TIMES_CLASSES = 1024
# Shares of an interval at which the mode is looked for, first roughly, then near a guess.
FIRST_STEPS = np.linspace(0, 1, 12)
LATER_STEPS = np.array([0.6, 0.92])
# Where the ends are looked for, in units of their distance if the integrand were Normal.
DISTANCES = np.concatenate([-np.geomspace(1.2, 0.03, 7), np.geomspace(0.8, 25, 7)])

# Not the sums over it: XLA on CPU would compute the kernel anew for each, in one thread.
fast_log_kernel = compiled(log_kernel)


def log_expected_votes(loc, scale, votes, *, accuracy="standard"):
    """log E prod_k softmax(z)_k^{votes_k}, z_k independent Normal(loc_k, scale_k).

    The log-likelihood of annotators who share the logits of an item, in the order in which they
    voted: the multinomial coefficient, which no parameter changes, is not part of it.

    In float32, held in tests: the error is 1e-5 relative to 1 + the value's size for scales up to
    5, and 1e-3 for scales up to 30, mixed at will, with hundreds of votes; of gradients, 1e-3
    relative to 1 + their size. Differentiable in loc and scale, once, by formulas of their own.

    Args:
        loc: Tensor `(N, C)`, in logit units.
        scale: Tensor `(N, C)`, standard deviations in [0, 40]; 0 gives the plain softmax.
        votes: Tensor `(N, C)` of counts >= 0, not looked at here: `hetero_unc.checks.check_votes`
            does that. A row without votes gives 0.
        accuracy: `"fast"` (16 nodes), `"standard"` (24) or `"high"` (48).

    Returns:
        Tensor `(N,)`, nats, <= 0.

    Raises:
        ValueError: As `hetero_unc.gaussian.expected_softmax`, and on votes of another shape.
    """
    check_choice(accuracy, tuple(ACCURACIES), name="accuracy")
    loc, scale = check_gaussian(loc, scale)
    votes = ops.convert_to_tensor(votes, dtype="float32")
    if len(votes.shape) != 2 or votes.shape[1] != loc.shape[1]:
        raise ValueError(
            "`votes` must have the shape of `loc`. "
            f"Received: votes.shape={tuple(votes.shape)}, loc.shape={tuple(loc.shape)}"
        )

    def value_and_gradient(loc, scale):
        return _value_and_gradient(loc, scale, votes, accuracy)

    return with_own_gradient(value_and_gradient)(loc, scale)


def _value_and_gradient(loc, scale, votes, accuracy):
    """The integral `(N,)` and its derivatives in loc and scale, `(N, C)`."""
    # Classes first: sums over them then run over whole rows of items and nodes.
    loc, scale, votes = (ops.transpose(each)[:, None] for each in (loc, scale, votes))
    total = ops.sum(votes, axis=0)  # (1, N)
    some = total > 0
    total = ops.where(some, total, 1.0)
    highest = ops.max(loc, axis=0, keepdims=True)
    loc = loc - highest
    # The tables' end; larger ones are refused where their values can be seen.
    scale = ops.minimum(scale, LARGEST_SCALE)
    classes = prepare(scale, votes)

    def log_integrand(u, rough=True):
        values = fast_log_kernel(u - loc, classes, rough)
        return (ops.sum(values[0], axis=0), *values[1:])

    nodes, drop = ACCURACIES[accuracy]
    mode, width = _mode(loc, scale, votes, total, log_integrand)
    left, right, peak = _ends(mode, width, drop, log_integrand)
    places, weights = _graded(left, mode, right, nodes, loc.dtype)
    sums = _sums(places, weights, peak, log_integrand, loc.shape[0])
    mass = sums[0]
    shares = ops.where(votes > 0, votes, total) / total
    value = ops.log(mass) + peak + ops.sum(votes * ops.log(shares), axis=0) + _stirling(total)
    to_loc = -sums[1] / mass
    to_scale = scale[:, 0] * sums[2] / mass
    zero = ops.zeros_like(to_loc)
    return (
        ops.where(some, value, 0.0)[0],
        ops.transpose(ops.where(some, to_loc, zero)),
        ops.transpose(ops.where(some, to_scale, zero)),
    )


def _mode(loc, scale, votes, total, log_integrand):
    """Where the integrand is largest, and the width that its curvature gives, `(1, N)` each."""
    voted = votes > 0
    peaks = loc - ops.log(ops.where(voted, votes, 1.0))
    margin = 10 + float(np.log(loc.shape[0]))
    low = ops.min(ops.where(voted, peaks, np.inf), axis=0) - 1
    high = ops.max(ops.where(voted, peaks + 1, loc + 6 * scale + margin), axis=0)
    low = ops.minimum(low, high - 1)  # a row without votes has no lower end
    steps = ops.convert_to_tensor(FIRST_STEPS[:, None], dtype=loc.dtype)
    middle, width, low, high = _root(low + steps * (high - low), total, log_integrand)
    steps = ops.convert_to_tensor(LATER_STEPS[:, None], dtype=loc.dtype)
    left, right = low + steps * (middle - low), high - (1 - steps) * (high - middle)
    places = ops.concatenate([low, left, middle, right, high], axis=0)
    middle, width, _, _ = _root(places, total, log_integrand)
    return middle, width


def _root(places, total, log_integrand):
    """The zero of the integrand's log-slope, from places `(Q, N)` in order that enclose it.

    Returns the zero, the width that the curvature there gives, and the places on either side.
    """
    _, slopes, curves = log_integrand(places)
    slope, curve = ops.sum(slopes, axis=0), -ops.sum(curves, axis=0)
    # The slope is S - n, and log S is a straight line in u where there is no noise.
    excess = ops.log(ops.maximum(slope / total + 1, 1e-12))
    curve = ops.log(ops.maximum(curve, 1e-12))
    rising = slope > 0
    low = ops.max(ops.where(rising, places, places[:1]), axis=0, keepdims=True)
    high = ops.min(ops.where(rising, places[-1:], places), axis=0, keepdims=True)

    def at(place, values):
        return ops.max(ops.where(places == place, values, -np.inf), axis=0, keepdims=True)

    above, below = at(low, excess), at(high, excess)
    share = ops.clip(above / ops.maximum(above - below, 1e-6), 0.0, 1.0)
    bend = at(low, curve)
    width = ops.exp(-(bend + share * (at(high, curve) - bend)) / 2)
    return low + share * (high - low), width, low, high


def _ends(mode, width, drop, log_integrand):
    """Where the log of the integrand is `drop` below its peak, or a little further out.

    Returns the left end, the right end and the log of the peak, `(1, N)` each.
    """
    # On the left the curvature only grows, on the right it only falls.
    normal = float(np.sqrt(2 * drop)) * width
    places = mode + normal * ops.convert_to_tensor(DISTANCES[:, None], dtype=mode.dtype)
    value, slopes, _ = log_integrand(places)
    slope = ops.sum(slopes, axis=0)
    peak = ops.max(value, axis=0, keepdims=True)
    over = peak - drop - value
    # From outside, Newton's step stays outside, because the integrand is log-concave.
    reached = places + over / ops.where(slope == 0, 1.0, slope)
    outside, half = over > 0, len(DISTANCES) // 2
    left = ops.max(ops.where(outside, reached, places[:1])[:half], axis=0, keepdims=True)
    right = ops.min(ops.where(outside, reached, places[-1:])[half:], axis=0, keepdims=True)
    return left, right, peak


def _graded(left, mode, right, nodes, dtype):
    """Places and weights `(Q, N)`; the map sends the mode to the middle."""
    roots, weights = np.polynomial.legendre.leggauss(nodes)
    roots = ops.convert_to_tensor((roots[:, None] + 1) / 2, dtype=dtype)
    weights = ops.convert_to_tensor(weights[:, None] / 2, dtype=dtype)
    share = ops.clip((mode - left) / (right - left), 0.002, 0.49)
    grade = 2 * ops.log(1 / share - 1)
    unit = (right - left) / ops.expm1(grade)
    return left + unit * ops.expm1(grade * roots), weights * unit * grade * ops.exp(grade * roots)


def _sums(places, weights, peak, log_integrand, num_classes):
    """Integrals of the integrand and of its derivatives, over exp(peak).

    `(1, N)`, and `(C, N)` of G'/G and of G''/G.
    """
    nodes = places.shape[0]
    together = nodes
    while together > 1 and together * num_classes > NODES_TIMES_CLASSES:
        together //= 2

    def part(places, weights):
        value, first, second = log_integrand(places, rough=False)
        mass = weights * ops.exp(ops.minimum(value - peak, 50.0))
        return (
            ops.sum(mass, axis=0, keepdims=True),
            ops.sum(mass * first, axis=1),
            ops.sum(mass * (second + first * first), axis=1),
        )

    if together == nodes:
        return part(places, weights)

    def step(index, sums):
        start = (index * together, 0)
        size = (together, ops.shape(places)[1])
        new = part(ops.slice(places, start, size), ops.slice(weights, start, size))
        return tuple(a + b for a, b in zip(sums, new, strict=True))

    zeros = tuple(0 * each for each in part(places[:1], weights[:1]))
    return in_turn(0, nodes // together, step, zeros)


def _stirling(total):
    """n log n - n - log Gamma(n), without their cancellation."""
    after = total + 1
    remainder = ops.zeros_like(total)
    # The continued fraction of Stirling's remainder (DLMF 5.10.1), 7e-8 at most from 2 on.
    for each in (22999 / 22737, 195 / 371, 53 / 210, 1 / 30, 1 / 12):
        remainder = each / (after + remainder)
    remainder = remainder + (total + 0.5) * ops.log1p(1 / total) - 1
    return ops.log(total) / 2 - 0.5 * float(np.log(2 * np.pi)) - remainder
