"""Numbers as JSON knows them: no NaN, no NumPy."""

import math

__all__ = ["absent", "interval_json", "number_json"]


def number_json(value):
    """A float, or None where it is NaN, infinite or None."""
    return None if value is None or not math.isfinite(value) else float(value)


def interval_json(interval):
    """An `Interval` as a dict of `estimate`, `low`, `high` and `level`."""
    return {name: number_json(value) for name, value in vars(interval).items()}


def absent(why):
    """A section that is not there, and why, in a sentence."""
    return {"absent": why}
