"""Makes the table behind the exact softmax of Gaussian logits: hetero_unc/gaussian/gumbel_table.py.

F(t, s) = E exp(-exp(-(t - s e))), e a standard Normal, is the distribution function of a Gumbel
variable plus a Normal one. The table holds Chebyshev coefficients of L = log(-log F), which is
smooth and falls in t with slopes between -1 and 0, in the variables of `gumbel_variables`.

    python experiments/gumbel_table.py            print the error of each degree
    python experiments/gumbel_table.py --write    and write the table of the degree in use
"""

import argparse
import textwrap
from pathlib import Path

import numpy as np
from numpy.polynomial import chebyshev
from scipy.special import logsumexp

from hetero_unc.gaussian.gumbel_variables import LARGEST_SCALE, scale_variable, window
from hetero_unc.writing import write_text

TARGET = Path(__file__).resolve().parents[1] / "hetero_unc" / "gaussian" / "gumbel_table.py"
DEGREES = ((10, 28), (12, 28), (14, 28), (16, 28))
IN_USE = (14, 28)
ABSCISSAE, SCALES = 240, 72
# Errors of L count as errors of F = exp(-exp(L)), plus this much where F is all but flat.
FLOOR = 0.03

TEMPLATE = '''"""Chebyshev coefficients of log(-log F(t, s)); see `gumbel`.

Written by `python experiments/gumbel_table.py --write`; not to be edited. Largest error of F over
t and 0 < s <= {largest:g}: {error:.1e}.
"""

__all__ = ["COEFFICIENTS"]

# Row m, column l: the coefficient of T_m in the variable of t and T_l in the variable of s.
# fmt: off
COEFFICIENTS = (
{rows}
)
'''


def log_minus_log_cdf(t, scale):
    """L(t, s) in float64: a trapezoid rule over e, in the log domain.

    Args:
        t: Array `(n,)`.
        scale: Float s > 0.

    Returns:
        Array `(n,)`, exact to about 1e-13.
    """
    # The integrand is analytic in a strip whose width falls as 1 / s: so must the step.
    step = min(0.4, 0.28 / scale)
    e = np.arange(-40, 40 + step, step)
    log_weight = -np.square(e) / 2 - np.log(2 * np.pi) / 2 + np.log(step)
    with np.errstate(over="ignore", divide="ignore"):
        x = np.subtract.outer(np.asarray(t, float), scale * e)
        log_f = logsumexp(log_weight - np.exp(-x), axis=-1)
        # Where F is close to one, log F is read off its complement.
        log_complement = np.where(x > 30, -x, np.log(-np.expm1(-np.exp(-x))))
        log_q = np.minimum(logsumexp(log_weight + log_complement, axis=-1), -1e-16)
        near_one = np.where(log_q < -30, log_q, np.log(-np.log1p(-np.exp(log_q))))
        return np.where(log_f < -0.3, np.log(-log_f), near_one)


def t_of(x, scale):
    """t for x in [-1, 1], the variable of the table."""
    centre, width, low, high = window(scale)
    first, last = (np.arcsinh((end - centre) / width) for end in (low, high))
    return centre + width * np.sinh(first + (x + 1) / 2 * (last - first))


def scale_of(zeta):
    """s for zeta in [-1, 1], the inverse of `scale_variable`."""
    share = (zeta + 1) / (scale_variable(1.5) + 1) / 2  # s / (s + 1.5), a half at s = 1.5
    return 1.5 * share / (1 - share)


def fit_in_t(scale, degree):
    """Coefficients `(degree + 1,)` in t at one scale: weighted minimax by Lawson's iteration."""
    x = np.cos(np.pi * (np.arange(ABSCISSAE) + 0.5) / ABSCISSAE)
    target = log_minus_log_cdf(t_of(x, scale), scale)
    weight = np.exp(target - np.exp(target)) + FLOOR
    basis = chebyshev.chebvander(x, degree)
    lawson, best, smallest = np.ones_like(x), None, np.inf
    for _ in range(60):
        rows = weight * np.sqrt(lawson)
        found = np.linalg.lstsq(basis * rows[:, None], target * rows, rcond=None)[0]
        error = np.abs(basis @ found - target) * weight
        if error.max() < smallest:
            best, smallest = found, error.max()
        lawson *= error / error.max() + 1e-3
        lawson /= lawson.mean()
    return best


def fit(degree_t, degree_s):
    """Coefficients `(degree_t + 1, degree_s + 1)`."""
    zeta = np.cos(np.pi * (np.arange(SCALES) + 0.5) / SCALES)
    columns = [fit_in_t(scale_of(one), degree_t) for one in zeta]
    basis = chebyshev.chebvander(zeta, degree_s)
    return np.linalg.lstsq(basis, np.array(columns), rcond=None)[0].T


def largest_errors(table):
    """Largest errors of F and of L over t and s, at points that the fit has not seen."""
    x = np.linspace(-1, 1, 700)
    error_f = error_l = 0.0
    for zeta in np.linspace(-0.999, 1, 90):
        scale = scale_of(zeta)
        exact = log_minus_log_cdf(t_of(x, scale), scale)
        in_t = table @ chebyshev.chebvander(np.array([zeta]), table.shape[1] - 1)[0]
        found = chebyshev.chebval(x, in_t)
        difference = np.abs(np.exp(-np.exp(found)) - np.exp(-np.exp(exact)))
        error_f = max(error_f, difference.max())
        error_l = max(error_l, np.abs(found - exact).max())
    return error_f, error_l


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the table in use")
    options = parser.parse_args()
    print("degree in t, in s   error of F   error of L   sum of |coefficients|")
    for degrees in [IN_USE] if options.write else DEGREES:
        # Rounded before its error is measured: the file holds what was measured.
        table = np.round(fit(*degrees), 10)
        error_f, error_l = largest_errors(table)
        print(f"{degrees!s:>18}   {error_f:10.1e}   {error_l:10.1e}   {np.abs(table).sum():.1f}")
    if options.write:
        rows = "\n".join(
            textwrap.fill(
                f"{tuple(map(float, row))},", 96, initial_indent=" " * 4, subsequent_indent=" " * 5
            )
            for row in table
        )
        write_text(
            TARGET,
            TEMPLATE.format(rows=rows, error=error_f, largest=LARGEST_SCALE),
        )


if __name__ == "__main__":
    main()
