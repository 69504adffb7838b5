"""The distribution of a Gumbel variable plus a Normal one, from a table.

F(t, s) = E exp(-exp(-(t - s e))), e a standard Normal; L(t, s) = log(-log F(t, s)), which is -t at
s = 0. Everything an integral over Gumbel-Normal variables needs follows from L and its first two
derivatives in t: -log F = exp(L), F' / F = -L' exp(L), F'' / F = (F' / F)^2 - exp(L) (L'^2 + L'').
"""

import collections
import functools
import typing

import numpy as np
from keras import ops
from numpy.polynomial import chebyshev

from hetero_unc.gaussian.compiled import compiled, multiplies_in_half_precision
from hetero_unc.gaussian.gumbel_table import COEFFICIENTS
from hetero_unc.gaussian.gumbel_variables import LARGEST_SCALE, scale_variable, window

__all__ = [
    "FAST",
    "PLAIN",
    "Curves",
    "at_scale",
    "coefficients",
    "curve",
    "fast",
    "value",
    "with_coefficients",
]


def _powers(table):
    """Rows for Chebyshev polynomials -> rows for powers."""
    change = np.zeros((len(table), len(table)))
    for degree in range(len(table)):
        change[: degree + 1, degree] = chebyshev.cheb2poly([0] * degree + [1])
    return change @ table


# Powers take a third of the arithmetic of Clenshaw's recurrence and its derivatives, and keep their
# precision in float32: at no scale is a coefficient above 6.
TABLE = _powers(np.array(COEFFICIENTS)).astype("float32")
# Below it the softmax of Gaussian logits is the plain softmax to 1e-8, and L is -t to that.
SMALLEST_SCALE = 1e-4
ROWS = 128  # classes whose coefficients are made at once; cosines take twice their memory

AtScale = collections.namedtuple("AtScale", "coefficients centre width low high first stretch flat")


def at_scale(scale):
    """The table at given scales.

    Args:
        scale: Tensor `(..., C)`, float32, >= 0; above 40 the table's values at 40 are used.

    Returns:
        What the functions of t need of the scale, to be passed on as it is.
    """
    return with_coefficients(coefficients(scale), scale)


def coefficients(scale, unit=lambda function: function):
    """Coefficients of the powers of x at scales `(C, N)`: `(M, C, N)`; `unit` as in `Curves`."""
    if multiplies_in_half_precision():
        return _by_recurrence(_zeta(scale))
    angle = unit(_angle)(scale)
    parts = [_by_product(angle[i : i + ROWS]) for i in range(0, angle.shape[0], ROWS)]
    return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=1)


def with_coefficients(coefficients, scale):
    """`at_scale` where the coefficients are there already."""
    return AtScale(coefficients, *_window(scale))


def value(t, at):
    """L at t, of a shape that broadcasts with that of the scales."""
    x, *_, clipped = _chart(t, at)
    inside = at.coefficients[len(TABLE) - 1]
    for degree in range(len(TABLE) - 2, -1, -1):
        inside = inside * x + at.coefficients[degree]
    return ops.where(at.flat, -t, inside + ops.minimum(0.0, clipped - t))


def curve(t, at):
    """`(L, L', L'')` at t; beyond the table's window L goes on as a straight line.

    The line keeps a loss finite, and its gradient of the right sign.
    """
    x, v, root, clipped = _chart(t, at)
    polynomial, first, half_second = at.coefficients[len(TABLE) - 1], 0.0, 0.0
    for degree in range(len(TABLE) - 2, -1, -1):  # Horner's scheme and its derivatives
        half_second = half_second * x + first
        first = first * x + polynomial
        polynomial = polynomial * x + at.coefficients[degree]
    to_t = at.stretch / (at.width * root)  # dx / dt
    slope = first * to_t
    bend = 2.0 * half_second * ops.square(to_t) - slope * v / (at.width * ops.square(root))
    return (
        ops.where(at.flat, -t, polynomial + slope * (t - clipped)),
        ops.where(at.flat, -1.0, slope),
        ops.where(ops.logical_or(at.flat, t != clipped), 0.0, bend),
    )


def minus_log_cdf(u, loc, at):
    """-log F at t = u - loc."""
    return ops.exp(value(u - loc, at))


def ratios(u, loc, at):
    """`(-log F, F' / F, F'' / F)` at t = u - loc."""
    log_e, slope, bend = curve(u - loc, at)
    minus_log_cdf = ops.exp(log_e)
    curvature = minus_log_cdf * ((minus_log_cdf - 1.0) * ops.square(slope) - bend)
    return minus_log_cdf, -slope * minus_log_cdf, curvature


class Curves(typing.NamedTuple):
    """Functions of this module, or what stands for them; `unit` makes another of the kind."""

    at_scale: typing.Callable
    curve: typing.Callable
    minus_log_cdf: typing.Callable
    ratios: typing.Callable
    unit: typing.Callable


def _zeta(scale):
    return scale_variable(ops.minimum(scale, LARGEST_SCALE))


def _angle(scale):
    return ops.arccos(ops.clip(_zeta(scale), -1.0, 1.0))


def _by_product(angle):
    degrees = ops.convert_to_tensor(np.arange(TABLE.shape[1], dtype="float32")[:, None])
    product = ops.matmul(TABLE, ops.cos(degrees * ops.reshape(angle, (-1,))))
    return ops.reshape(product, (len(TABLE), *ops.shape(angle)))


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


def _window(scale):
    """The other parts of `AtScale`."""
    scale = ops.minimum(scale, LARGEST_SCALE)
    centre, width, low, high = window(scale)
    first, last = _asinh((low - centre) / width), _asinh((high - centre) / width)
    return centre, width, low, high, first, 2.0 / (last - first), scale < SMALLEST_SCALE


def _chart(t, at):
    clipped = ops.minimum(ops.maximum(t, at.low), at.high)
    v = (clipped - at.centre) / at.width
    root = ops.sqrt(1.0 + ops.square(v))
    # Not asinh(v) = log(v + root), which cancels for v < 0.
    y = ops.sign(v) * ops.log(ops.abs(v) + root)
    return (y - at.first) * at.stretch - 1.0, v, root, clipped


def _asinh(v):
    return ops.sign(v) * ops.log(ops.abs(v) + ops.sqrt(1.0 + ops.square(v)))


@functools.cache
def _compiled(function):
    return compiled(function)


def _fast_at_scale(scale):
    return AtScale(coefficients(scale, _compiled), *_compiled(_window)(scale))


PLAIN = Curves(at_scale, curve, minus_log_cdf, ratios, lambda function: function)
# Compiled by XLA on TensorFlow: long chains of arithmetic, which it fuses. Sums over them are left
# outside: XLA on CPU would compute the chain anew for each sum that reads it, in one thread.
FAST = Curves(
    _fast_at_scale, *(_compiled(one) for one in (curve, minus_log_cdf, ratios)), _compiled
)
# For many classes, where compiling the small parts costs memory and saves no time.
FAST_FOR_MANY = FAST._replace(at_scale=at_scale, unit=PLAIN.unit)
MANY = 256  # classes


def fast(num_classes):
    """`FAST`, or `FAST_FOR_MANY`."""
    return FAST if num_classes < MANY else FAST_FOR_MANY
