"""The log of the expected softmax at one class, and its gradient, in one sweep.

With the notation of `integrals` and y the class, omega = H r_y / P_y:

    d(-log P_y) / dloc_j   =  int omega r_j du,         j != y;    d/dloc_y   = minus their sum
    d(-log P_y) / dscale_j = -scale_j int omega q_j du, j != y;    d/dscale_y =
                             scale_y int omega (q_y / r_y) (sum_j r_j - r_y) du

where q_j = F_j'' / F_j. The nodes follow the integrand of y itself, so that a rare class is
integrated where it has its mass, below the others.
"""

import numpy as np
from keras import ops

from hetero_unc.gaussian import gumbel
from hetero_unc.gaussian.gaussian_arguments import check_gaussian
from hetero_unc.gaussian.integration_nodes import (
    RIGHT,
    classes_first,
    crossing,
    level_of,
    nodes_between,
    pilot,
    sum_over,
)
from hetero_unc.gaussian.own_gradient import with_own_gradient

__all__ = ["negative_log_expected_softmax"]

DEPTH = 16.0  # nats below the peak of the integrand, where integration starts


def negative_log_expected_softmax(loc, scale, classes, *, accuracy="standard"):
    """-log E[softmax(z)_y], z_k independent Normal(loc_k, scale_k): Kendall and Gal (2017), eq. 12.

    Args:
        loc: Tensor `(N, C)`, in logit units.
        scale: Tensor `(N, C)`, standard deviations in [0, 40]; 0 gives the plain cross-entropy.
        classes: Tensor `(N,)` of integers in 0 to C - 1.
        accuracy: As in `hetero_unc.gaussian.expected_softmax`.

    Returns:
        Tensor `(N,)`, nats, finite. For P_y > 1e-4 value and gradient are right to 1e-3 relative;
        rarer classes lose digits.

    Raises:
        ValueError: As `expected_softmax`.
    """
    level_of(accuracy)
    classes = ops.cast(classes, "int32")

    def value_and_gradient(loc, scale):
        return _value_and_gradient(loc, scale, classes, accuracy)

    return with_own_gradient(value_and_gradient)(*check_gaussian(loc, scale))


def _value_and_gradient(loc, scale, classes, accuracy):
    loc, scale = classes_first(loc, scale)
    is_label = ops.one_hot(classes, loc.shape[0], axis=0, dtype="float32")
    of_label = [ops.sum(is_label * tensor, axis=0) for tensor in (loc, scale)]
    curves = gumbel.FAST
    at, at_label = gumbel.at_scale(scale), gumbel.at_scale(of_label[1])
    nodes, peak = _label_nodes(loc, at, of_label[0], at_label, level_of(accuracy), curves)
    tail = gumbel.value(nodes.end - of_label[0], at_label)
    peak = ops.maximum(peak, tail)

    def terms(u, weight):
        log_e, slope, bend = curves.curve(u[:, None] - loc, at)
        minus_log_cdf = ops.exp(log_e)
        ratio = -slope * minus_log_cdf
        curvature = minus_log_cdf * ((minus_log_cdf - 1.0) * ops.square(slope) - bend)
        log_e, slope, bend = curves.curve(u - of_label[0], at_label)
        own = ops.exp(log_e)
        share = weight * -slope * ops.exp(log_e - ops.sum(minus_log_cdf, axis=1) - peak)
        label_curvature = ((own - 1.0) * ops.square(slope) - bend) / -slope
        by_label = share * label_curvature
        return (
            ops.sum(share, axis=0),
            ops.sum(share[:, None] * ratio, axis=0),
            ops.sum(share[:, None] * curvature, axis=0),
            # Summed over the classes last: within the nodes it would be a second pass over them.
            ops.sum(by_label[:, None] * ratio, axis=0),
            ops.sum(by_label * slope * own, axis=0),
        )

    total, to_loc, to_scale, label_to_scale, minus_own = sum_over(
        (nodes.u, nodes.weight), terms, loc.shape[0]
    )
    label_to_scale = ops.sum(label_to_scale, axis=0) + minus_own
    total = total + ops.exp(tail - peak)
    to_loc = (1.0 - is_label) * to_loc
    to_loc = to_loc - is_label * ops.sum(to_loc, axis=0, keepdims=True)
    to_scale = scale * (is_label * label_to_scale - (1.0 - is_label) * to_scale)
    gradients = (ops.transpose(part / total) for part in (to_loc, to_scale))
    return (-(peak + ops.log(total)), *gradients)


def _label_nodes(loc, at, loc_label, at_label, level, curves):
    """`Nodes` for int H r_y du, and the largest log H r_y at the pilot's points, `(N,)`."""
    points, log_sums = pilot(loc, at, level, curves)
    log_e, slope, _ = curves.curve(points - loc_label, at_label)
    height = log_e + ops.log(-slope) - ops.exp(log_sums)  # log-concave in u
    peak = ops.max(height, axis=0, initial=-np.inf)
    steps = points[1:] - points[:-1]
    before_peak = ops.cumsum(ops.cast(height == peak, "float32"), axis=0)[:-1] == 0.0
    missing = (peak - DEPTH - height[:-1]) / ops.maximum(height[1:] - height[:-1], 1e-20)
    passed = ops.where(before_peak, ops.clip(missing, 0.0, 1.0), 0.0)
    low = points[0] + ops.sum(steps * passed, axis=0)
    high = crossing(points, log_sums, float(np.log(RIGHT)))
    area = ops.exp(height - peak)
    area = steps * (area[1:] + area[:-1]) / 2.0
    below = ops.cumsum(area, axis=0) - area
    half = ops.sum(area, axis=0) / 2.0
    middle = ops.clip((half - below) / ops.maximum(area, 1e-30), 0.0, 1.0)
    return nodes_between(low, points[0] + ops.sum(steps * middle, axis=0), high, level), peak
