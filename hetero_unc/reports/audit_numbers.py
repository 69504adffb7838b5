"""How the audit's page writes its numbers: any of them, and either end, may be unknown."""

from hetero_unc.formats import format_percent

__all__ = ["UNKNOWN", "write_count", "write_interval", "write_number", "write_range", "write_share"]

UNKNOWN = "–"


def write_number(value, decimals=3):
    """A number with `decimals` decimals."""
    return UNKNOWN if value is None else f"{value:.{decimals}f}"


def write_share(value, decimals=1):
    """A share in percent."""
    return UNKNOWN if value is None else format_percent(value, decimals)


def write_count(value):
    """A count with commas; what is no whole number, because of ties, with one decimal."""
    if value is None:
        return UNKNOWN
    return f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"


def write_interval(interval, write=write_number):
    """An estimate and, in brackets, its interval.

    Parameters
    ----------
    interval : dict of `estimate`, `low`, `high`, or None
    write : callable
        Takes one number, which may be None.
    """
    if not interval or interval["estimate"] is None:
        return UNKNOWN
    ends = write_range(interval, write)
    # The unit stands once, so that tables stay narrow.
    ends = ends.replace("\N{NO-BREAK SPACE}%", "")
    return write(interval["estimate"]) + (f" ({ends})" if ends else "")


def write_range(interval, write=write_number):
    """The interval alone, empty where an end is unknown."""
    if not interval or interval["low"] is None or interval["high"] is None:
        return ""
    return f"{write(interval['low'])} to {write(interval['high'])}"
