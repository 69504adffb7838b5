"""How numbers are written for people: one way for each quantity."""

import numpy as np

__all__ = ["format_nats", "format_percent", "format_spread"]


def format_percent(share, decimals=2):
    """A share as percent: 0.9933 -> "99.33 %", which no line end may break."""
    return f"{100 * share:.{decimals}f}\N{NO-BREAK SPACE}%"


def format_nats(value, *, tiny="<0.001"):
    """An entropy with three decimals; a rounding error below zero is 0.

    `tiny` is written for what would round to 0.000 and is not; None writes it as "4e-07".
    """
    value = max(float(value), 0.0)
    if 0 < value < 0.0005:
        return f"{value:.0e}" if tiny is None else tiny
    return f"{value:.3f}"


def format_spread(values, decimals):
    """Mean ± standard deviation (n - 1) of the values that are not None; "–" if there are none."""
    values = [value for value in values if value is not None]
    if not values:
        return "–"
    mean = f"{np.mean(values):.{decimals}f}"
    return f"{mean} ± {np.std(values, ddof=1):.{decimals}f}" if len(values) > 1 else mean
