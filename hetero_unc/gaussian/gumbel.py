"""The distribution of a Gumbel variable plus a Normal one, from a table.

F(t, s) = E exp(-exp(-(t - s e))), e a standard Normal; L(t, s) = log(-log F(t, s)), which is -t at
s = 0. Everything an integral over Gumbel-Normal variables needs follows from L and its first two
derivatives in t: -log F = exp(L), F' / F = -L' exp(L), F'' / F = (F' / F)^2 - exp(L) (L'^2 + L'').
"""

import collections
import typing

import numpy as np
from keras import ops

from hetero_unc.gaussian.compiled import compiled, multiplies_in_half_precision
from hetero_unc.gaussian.gumbel_table import COEFFICIENTS
from hetero_unc.gaussian.gumbel_variables import LARGEST_SCALE, scale_variable, window

__all__ = ["FAST", "PLAIN", "Curves", "at_scale", "curve", "value"]

TABLE = np.array(COEFFICIENTS, "float32")
# Below it the softmax of Gaussian logits is the plain softmax to 1e-8, and L is -t to that.
SMALLEST_SCALE = 1e-4

AtScale = collections.namedtuple("AtScale", "coefficients centre width low high first stretch flat")


def at_scale(scale):
    """The table at given scales.

    Args:
        scale: Tensor `(..., C)`, float32, >= 0; above 40 the table's values at 40 are used.

    Returns:
        What `value` and `curve` need of the scale, to be passed on as it is.
    """
    scale = ops.minimum(scale, LARGEST_SCALE)
    centre, width, low, high = window(scale)
    first, last = _asinh((low - centre) / width), _asinh((high - centre) / width)
    return AtScale(
        _coefficients(scale_variable(scale)),
        centre,
        width,
        low,
        high,
        first,
        2.0 / (last - first),
        scale < SMALLEST_SCALE,
    )


def value(t, at):
    """L at t, of a shape that broadcasts with that of the scales."""
    x, *_, clipped = _chart(t, at)
    twice, now, before = 2.0 * x, 0.0, 0.0
    for degree in range(len(TABLE) - 1, 0, -1):
        now, before = at.coefficients[degree] + twice * now - before, now
    inside = at.coefficients[0] + x * now - before
    return ops.where(at.flat, -t, inside + ops.minimum(0.0, clipped - t))


def curve(t, at):
    """`(L, L', L'')` at t; beyond the table's window L goes on as a straight line.

    The line keeps a loss finite, and its gradient of the right sign.
    """
    x, v, root, clipped = _chart(t, at)
    twice = 2.0 * x
    l0 = l1 = d0 = d1 = e0 = e1 = 0.0
    for degree in range(len(TABLE) - 1, 0, -1):  # Clenshaw's recurrence and its derivatives
        e0, e1 = twice * e0 - e1 + 4.0 * d0, e0
        d0, d1 = twice * d0 - d1 + 2.0 * l0, d0
        l0, l1 = twice * l0 - l1 + at.coefficients[degree], l0
    polynomial = x * l0 - l1 + at.coefficients[0]
    first = l0 + x * d0 - d1
    second = 2.0 * d0 + x * e0 - e1
    to_t = at.stretch / (at.width * root)  # dx / dt
    slope = first * to_t
    bend = second * ops.square(to_t) - slope * v / (at.width * ops.square(root))
    return (
        ops.where(at.flat, -t, polynomial + slope * (t - clipped)),
        ops.where(at.flat, -1.0, slope),
        ops.where(ops.logical_or(at.flat, t != clipped), 0.0, bend),
    )


class Curves(typing.NamedTuple):
    """`value` and `curve`, or what stands for them."""

    value: typing.Callable
    curve: typing.Callable


PLAIN = Curves(value, curve)
# Compiled by XLA on TensorFlow: long chains of arithmetic, which it fuses. Sums over them are left
# outside: XLA on CPU would compute the chain anew for each sum that reads it, in one thread.
FAST = Curves(compiled(value), compiled(curve))


def _chart(t, at):
    clipped = ops.minimum(ops.maximum(t, at.low), at.high)
    v = (clipped - at.centre) / at.width
    root = ops.sqrt(1.0 + ops.square(v))
    # Not asinh(v) = log(v + root), which cancels for v < 0.
    y = ops.sign(v) * ops.log(ops.abs(v) + root)
    return (y - at.first) * at.stretch - 1.0, v, root, clipped


def _asinh(v):
    return ops.sign(v) * ops.log(ops.abs(v) + ops.sqrt(1.0 + ops.square(v)))


def _coefficients(zeta):
    """Coefficients of T_m(x) at each scale, `(M, ...)`."""
    return (_by_recurrence if multiplies_in_half_precision() else _by_product)(zeta)


def _by_product(zeta):
    angle = ops.arccos(ops.clip(ops.reshape(zeta, (-1,)), -1.0, 1.0))
    degrees = np.arange(TABLE.shape[1], dtype="float32")[:, None]
    product = ops.matmul(TABLE, ops.cos(degrees * angle))
    return ops.reshape(product, (len(TABLE), *ops.shape(zeta)))


def _by_recurrence(zeta):
    """The same without a matrix product: Clenshaw's recurrence.

    In a loop, because XLA would otherwise compute the coefficients anew for every node.
    """
    columns = ops.convert_to_tensor(TABLE.T.reshape(*TABLE.T.shape, *[1] * len(zeta.shape)))
    zeta = zeta[None]
    nothing = ops.zeros_like(columns[0] * zeta)

    def step(index, state):
        now, before = state
        return columns[TABLE.shape[1] - 1 - index] + 2.0 * zeta * now - before, now

    now, before = ops.fori_loop(0, TABLE.shape[1] - 1, step, (nothing, nothing))
    return columns[0] + zeta * now - before
