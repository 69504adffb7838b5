"""The variables in which log(-log F(t, s)) is close to a polynomial.

Arithmetic only, so that the same lines serve tensors and the float64 arrays of the script that
makes the table.
"""

__all__ = ["LARGEST_SCALE", "scale_variable", "window"]

LARGEST_SCALE = 40.0


def window(scale):
    """Where the table holds, and how t is stretched there.

    Args:
        scale: Array or tensor, s >= 0.

    Returns:
        `(centre, width, low, high)`, each of the shape of `scale`. Between t = low, where F is
        about exp(-25), and t = high, L is a polynomial in asinh((t - centre) / width). That turns
        the parabola on the left and the straight line on the right into slow curves: a polynomial
        in t itself takes more than 20 degrees for what this takes 12.
    """
    square = scale * scale
    spread = (square + 1.645) ** 0.5  # 1.645 is the variance of a Gumbel variable
    centre = 1.3 * spread * square / (square + 1.0)
    low = -(3.2 + 6.5 * square / (scale + 0.6))
    high = (144.0 + 19.36 * square) ** 0.5
    return centre, 2.0 * spread, low, high


def scale_variable(scale):
    """The variable of the table for s in [0, LARGEST_SCALE]: in [-1, 1]."""
    return 2.0 * (scale / (scale + 1.5)) * ((LARGEST_SCALE + 1.5) / LARGEST_SCALE) - 1.0
