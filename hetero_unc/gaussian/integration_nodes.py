"""Where to evaluate the one-dimensional integrals over u, the largest of the Gumbel-Normal logits.

The integrand holds the factor H(u) = prod_j F_j(u) = exp(-S(u)), S = sum_j exp(L_j), which kills
everything below the start of any narrow class; higher up, only wider classes still move. So the
finest feature that matters sits at the lower end, and Gauss-Legendre nodes are graded towards it.
A pilot of a few points finds the ends. No gradient runs through nodes or weights: the integral does
not depend on them.

Here and in the modules that integrate, classes come before items, `(C, N)`: loops over the last
axis are those that a CPU runs several numbers at a time, and C is often ten.
"""

import collections
import functools

import numpy as np
from keras import ops

from hetero_unc.checks import check_choice
from hetero_unc.gaussian.compiled import in_turn

__all__ = [
    "ACCURACIES",
    "RIGHT",
    "classes_first",
    "crossing",
    "level_of",
    "nodes_between",
    "pilot",
    "plain_nodes",
    "sum_over",
]

Level = collections.namedtuple("Level", "nodes pilot left")
# Nodes, pilot points, and S at the lower end. One design: to raise one alone buys nothing.
LEVELS = {
    "fast": Level(16, 12, 14.0),
    "standard": Level(28, 16, 17.0),
    "high": Level(48, 24, 17.0),
}
ACCURACIES = tuple(LEVELS)
MIDDLE = 0.7  # S at the median of u, about log 2
# S at the upper end. Lower values would reach beyond the table, where L goes on as a straight line.
RIGHT = 1e-4
PILOT_GRADING = 4.0
WIDTH = 4096  # nodes times classes that are worked on at once

Nodes = collections.namedtuple("Nodes", "u weight end")


def level_of(accuracy):
    """The `Level` of that name; ValueError for another."""
    return LEVELS[check_choice(accuracy, ACCURACIES, name="accuracy")]


def classes_first(loc, scale):
    """Tensors `(N, C)` -> `(C, N)`, loc relative to its largest of the item."""
    # t = u - loc loses 3e-6 at |loc| = 50 in float32.
    shifted = loc - ops.max(loc, axis=-1, keepdims=True, initial=-np.inf)
    return ops.transpose(shifted), ops.transpose(scale)


def pilot(loc, at, level, curves):
    """Points that span all that can matter, denser at the lower end, and log S there: `(n, N)`."""
    points = curves.unit(_pilot_points)(loc, at.low, at.high, level.pilot)

    def sums(u):
        return ops.sum(curves.minus_log_cdf(u[:, None], loc, at), axis=1)

    together = _nodes_together(level.pilot, loc.shape[0])
    rows = [sums(points[i : i + together]) for i in range(0, level.pilot, together)]
    total = rows[0] if len(rows) == 1 else ops.concatenate(rows, axis=0)
    # E is at most 25: no exponent need be shifted. The floor is for points past the end.
    return points, ops.log(ops.maximum(total, 1e-35))


def _pilot_points(loc, low, high, count):
    low = ops.max(loc + low, axis=0, initial=-np.inf)
    high = ops.max(loc + high, axis=0, initial=-np.inf) + float(np.log(loc.shape[0]))
    grid = np.expm1(PILOT_GRADING * np.linspace(0, 1, count)) / np.expm1(PILOT_GRADING)
    return low + (high - low) * ops.convert_to_tensor(grid[:, None], dtype="float32")


def plain_nodes(loc, at, level, curves):
    """`Nodes` for integrals of H r_k over u, whatever the class."""
    points, log_sums = pilot(ops.stop_gradient(loc), _constant(at), level, curves)
    ends = (
        crossing(points, log_sums, float(np.log(target))) for target in (level.left, MIDDLE, RIGHT)
    )
    return nodes_between(*ends, level)


def crossing(points, falling, target):
    """Where a falling curve through the points `(n, N)` meets the target, linearly in between."""
    drop = ops.maximum(falling[:-1] - falling[1:], 1e-20)
    share = ops.clip((falling[:-1] - target) / drop, 0.0, 1.0)
    return points[0] + ops.sum((points[1:] - points[:-1]) * share, axis=0)


def nodes_between(low, middle, high, level):
    """`Nodes` on [low, high], half of them below the middle: u and weight `(n, N)`, end `(N,)`."""
    abscissae, weights = map(ops.convert_to_tensor, _gauss_legendre(level.nodes))
    share = ops.clip((middle - low) / (high - low), 0.002, 0.49)
    grading = 2.0 * ops.log(1.0 / share - 1.0)
    unit = (high - low) / ops.expm1(grading)
    stretched = grading * abscissae
    weight = unit * grading * ops.exp(stretched) * weights
    return Nodes(low + unit * ops.expm1(stretched), weight, high)


def sum_over(rows, terms, classes):
    """Sum of terms over nodes, of which no more are held at once than memory should pay for.

    Args:
        rows: Tuple of tensors `(n, N)`.
        terms: Function of `(k, N)` slices of `rows` to a tuple of tensors summed over k.
        classes: Integer C, the width of the arrays inside `terms`.

    Returns:
        The tuple of sums.
    """
    count = rows[0].shape[0]
    together = _nodes_together(count, classes)
    if together == count:
        return terms(*rows)
    parts = [ops.reshape(row, (count // together, together, -1)) for row in rows]

    def add(index, totals):
        return tuple(
            total + term
            for total, term in zip(totals, terms(*(part[index] for part in parts)), strict=True)
        )

    start = terms(*(part[0] for part in parts))
    return in_turn(1, count // together, add, start)


def _nodes_together(count, classes):
    """The largest divisor of `count` that memory should pay for."""
    most = max(1, WIDTH // classes)
    return max(size for size in range(1, count + 1) if count % size == 0 and size <= most)


def _constant(at):
    return type(at)(*map(ops.stop_gradient, at))


@functools.cache
def _gauss_legendre(count):
    abscissae, weights = np.polynomial.legendre.leggauss(count)
    return tuple(column.astype("float32")[:, None] for column in ((abscissae + 1) / 2, weights / 2))
