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
    level, curves = level_of(accuracy), gumbel.fast(loc.shape[0])
    is_label = ops.one_hot(classes, loc.shape[0], axis=0, dtype="float32")
    loc_label, scale_label = (ops.sum(is_label * tensor, axis=0) for tensor in (loc, scale))
    at = curves.at_scale(scale)
    points, log_sums = pilot(loc, at, level, curves)
    at_label = gumbel.coefficients(scale_label[None], curves.unit)[:, 0]
    u, *of_label, peak, tail = curves.unit(_label_at_nodes)(
        points, log_sums, loc_label, scale_label, at_label, level
    )

    def terms(u, log_weight, own, curvature):
        minus_log_cdf, ratio, curvatures = curves.ratios(u[:, None], loc, at)
        share = ops.exp(log_weight - ops.sum(minus_log_cdf, axis=1))
        others = ops.sum(ratio, axis=1) - own
        return (
            ops.sum(share, axis=0),
            ops.sum(share[:, None] * ratio, axis=0),
            ops.sum(share[:, None] * curvatures, axis=0),
            ops.sum(share * curvature * others, axis=0),
        )

    sums = sum_over((u, *of_label), terms, loc.shape[0])
    return curves.unit(_loss_and_gradients)(*sums, is_label, scale, peak, tail)


def _label_at_nodes(points, log_sums, loc, scale, coefficients, level):
    """Nodes for int H r_y du, and the label's own part of what is integrated there.

    Args:
        points, log_sums: Of the pilot, `(n, N)`.
        loc, scale: Of the label, `(N,)`.
        coefficients: Of the table at that scale.
        level: `Level`.

    Returns:
        At the nodes, `(n, N)`: u; the log of weight and r_y, relative to the peak; r_y; q_y / r_y.
        The peak, the largest log H r_y at the pilot's points or beyond them, and the log of what is
        left of r_y beyond the last node, `(N,)`.
    """
    at = gumbel.with_coefficients(coefficients, scale)
    log_e, slope, _ = gumbel.curve(points - loc, at)
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
    nodes = nodes_between(low, points[0] + ops.sum(steps * middle, axis=0), high, level)
    tail = gumbel.value(high - loc, at)
    peak = ops.maximum(peak, tail)
    log_e, slope, bend = gumbel.curve(nodes.u - loc, at)
    own = ops.exp(log_e)
    return (
        nodes.u,
        ops.log(nodes.weight * -slope) + log_e - peak,
        -slope * own,
        ((own - 1.0) * ops.square(slope) - bend) / -slope,
        peak,
        tail,
    )


def _loss_and_gradients(total, to_loc, to_scale, label_to_scale, is_label, scale, peak, tail):
    """The loss `(N,)` and its gradients `(N, C)`, of the sums over nodes."""
    total = total + ops.exp(tail - peak)
    to_loc = (1.0 - is_label) * to_loc
    to_loc = to_loc - is_label * ops.sum(to_loc, axis=0, keepdims=True)
    to_scale = scale * (is_label * label_to_scale - (1.0 - is_label) * to_scale)
    gradients = (ops.transpose(part / total) for part in (to_loc, to_scale))
    return (-(peak + ops.log(total)), *gradients)
