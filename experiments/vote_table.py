"""How a class's part of a vote integral is tabulated: coefficients, and their error.

python experiments/vote_table.py            fits, prints the error           under a minute
python experiments/vote_table.py --write    and writes hetero_unc/gaussian/vote_table.py

The part of a class with m votes is G_m(t; s) = E exp(-m x - exp(-x)), x = t - s e, e standard
Normal; `hetero_unc/gaussian/vote_kernel.py` says how G_m comes from two functions of (V, s) and
(t, s), which are fitted here by Chebyshev polynomials in an argument of theirs and in the scale:

- left of the split, R: the log of what Laplace's approximation of G_m leaves out, the same function
  of (V, s) for all m; fitted is R (1 + s^2) / s^2, in p = s^2 V / (s^2 V + 1 + 2 s);
- right of it, L = log(-log F), F = G_0; fitted is (L + t / sqrt(1 + s^2)) (1 + s^2) / s^2, in t.

Ground truth in float64: trapezoid sums over the Normal variable in the log domain, whose error for
such analytic functions is below 1e-12. Minimax weights in the argument, by Lawson's iteration: an
error of L is worth its effect on F.
"""

import argparse
import pathlib

import numpy as np
from numpy.polynomial import chebyshev

from hetero_unc.writing import write_text

TABLE = pathlib.Path(__file__).parents[1] / "hetero_unc" / "gaussian" / "vote_table.py"
DEGREE, SCALE_DEGREE = 13, 24
LARGEST_SCALE, SCALE_KNEE = 40.0, 2.5
POINTS, SCALES = 64, 56
LAWSON_STEPS, WEIGHT_FLOOR = 80, 1e-3
HEADER = '''"""Coefficients of `hetero_unc/gaussian/vote_kernel.py`; no hand made them.

Made by `python experiments/vote_table.py --write`, which prints their error:
{report}
"""

__all__ = ["LARGEST_SCALE", "LEFT", "RIGHT", "SCALE_KNEE"]

LARGEST_SCALE, SCALE_KNEE = {largest}, {knee}
# A row for each degree in the argument, a column for each in the scale.
LEFT = (
{left}
)
RIGHT = (
{right}
)
'''


def scale_of(zeta):
    """The scale in (0, 40) that the table's argument `zeta` in (-1, 1) stands for."""
    share = (zeta + 1) / 2 * LARGEST_SCALE / (LARGEST_SCALE + SCALE_KNEE)
    return SCALE_KNEE * share / (1 - share)


def split(scale):
    """`(V, t)` at which the two functions meet; V is 1 for a small scale."""
    half = scale**2 / 2
    place = np.log1p(half) / half
    return place, -(scale**2 * place + np.log(place))


def left_truth(place, scale):
    """R(V, s) for one V and one s."""
    width = 1 / np.sqrt(1 / scale**2 + place)
    step = min(0.12, 0.3 * width)
    low = -min(10 * scale, 60 / place + 10 * width)
    high = min(10 * scale, np.log1p(60 / place) + 1 + 10 * width)
    y = np.arange(np.floor(low / step), np.ceil(high / step) + 1) * step
    near = y * y / 2 + y**3 / 6 + y**4 / 24 + y**5 / 120 + y**6 / 720  # e^y - 1 - y
    excess = np.where(np.abs(y) < 1e-2, near, np.expm1(y) - y)
    total = np.exp(-(y**2) / (2 * scale**2) - place * excess).sum()
    return np.log(total * step / width / np.sqrt(2 * np.pi))


def right_truth(t, scale):
    """log(-log F(t; s)) for one t and one s."""
    step = min(0.1, 0.28 / scale)
    noise = np.arange(-40, 40, step)
    weight = np.exp(-(noise**2) / 2) * step / np.sqrt(2 * np.pi)
    power = np.exp(np.minimum(scale * noise - t, 50))
    beyond = (weight * -np.expm1(-power)).sum()
    if beyond < 0.5:
        return np.log(-np.log1p(-beyond))
    return np.log(-np.log((weight * np.exp(-power)).sum()))


def truth(argument, scale):
    """Both fitted functions and the weights of their errors, each `(POINTS,)`, for one scale."""
    square = scale**2
    place, start = split(scale)
    offset = 1 + 2 * scale
    lowest = square * place / (square * place + offset)
    p = lowest + (1 - lowest) * (argument + 1) / 2
    left = np.array([left_truth(offset * q / (1 - q) / square, scale) for q in p])
    end = np.hypot(14, 5 * scale)
    t = start + (end - start) * (argument + 1) / 2
    right = np.array([right_truth(each, scale) for each in t])
    share = square / (1 + square)
    return (
        (left / share, np.full(POINTS, share)),
        ((right + t / np.sqrt(1 + square)) / share, share * np.exp(right - np.exp(right))),
    )


def minimax(argument, values, weights):
    """Coefficients of the polynomial whose weighted error is smallest at its worst."""
    basis = chebyshev.chebvander(argument, DEGREE)
    importance = weights**2
    best = (np.inf, None)
    for _ in range(LAWSON_STEPS):
        root = np.sqrt(importance)
        found = np.linalg.lstsq(basis * root[:, None], values * root, rcond=None)[0]
        error = np.abs(basis @ found - values) * weights
        best = min(best, (error.max(), tuple(found)))
        importance = importance * (error / error.max() + 0.02)
        importance /= importance.max()
    return best[1]


def fit():
    """`(left, right, report)`: coefficients `(DEGREE + 1, SCALE_DEGREE + 1)`, lines of text."""
    argument = np.cos(np.pi * (np.arange(POINTS) + 0.5) / POINTS)
    zeta = np.cos(np.pi * (np.arange(SCALES) + 0.5) / SCALES)
    scales = scale_of(zeta)
    grids = [truth(argument, scale) for scale in scales]
    tables, report = [], []
    for side, name in enumerate(("R, left of the split", "F, right of it")):
        values = np.array([grid[side][0] for grid in grids])
        weights = np.array([grid[side][1] for grid in grids])
        shares = scales**2 / (1 + scales**2)
        floors = WEIGHT_FLOOR * shares[:, None]
        each = [minimax(argument, *pair) for pair in zip(values, weights + floors, strict=True)]
        table = chebyshev.chebfit(zeta, np.array(each), SCALE_DEGREE).T
        table = np.round(table, 9)
        smooth = chebyshev.chebvander(argument, DEGREE) @ table
        fitted = smooth @ chebyshev.chebvander(zeta, SCALE_DEGREE).T
        error = np.abs(fitted.T - values) * weights
        for low, high in ((0, 5), (5, 40)):
            worst = error[(scales > low) & (scales < high)].max()
            report.append(f"error of {name}, scale {low} to {high}: {worst:.1e} at most")
        tables.append(table)
    return *tables, report


def as_rows(table):
    """A table as text: lines of numbers, at most 100 characters each."""
    lines = []
    for row in table:
        lines.append("    (")
        line = "       "
        for value in row:
            word = f" {value:.9f},"
            if len(line + word) > 100:
                lines.append(line)
                line = "       "
            line += word
        lines += [line, "    ),"]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help=f"write {TABLE.name}")
    write = parser.parse_args().write
    left, right, report = fit()
    print("\n".join(report))
    if write:
        text = HEADER.format(
            report="\n".join(report),
            largest=LARGEST_SCALE,
            knee=SCALE_KNEE,
            left=as_rows(left),
            right=as_rows(right),
        )
        write_text(TABLE, text)


if __name__ == "__main__":
    main()
