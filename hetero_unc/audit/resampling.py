"""Bootstrap of figures that are made of sums over items: all figures share their draws.

A mean, a ratio, a binned calibration error, a correlation: each is a function of sums of columns,
so that one matrix product serves every draw of every figure.
"""

import numpy as np

from hetero_unc.metrics.intervals import Interval

__all__ = ["as_interval", "no_interval", "resampled_sums"]

DRAWS_AT_ONCE = 50


def resampled_sums(columns, *, resamples, seed=0):
    """Sums of columns over items drawn with replacement.

    Parameters
    ----------
    columns : float array of shape (N, M)
    resamples : int
        B, number of draws of N items each.
    seed : int, default=0

    Returns
    -------
    float array of shape (1 + B, M)
        Row 0 holds the sums over the items as they are.

    References
    ----------
    .. [1] Efron and Tibshirani (1993), An introduction to the bootstrap, section 20.3 (weights).
    """
    columns = np.asarray(columns, dtype=np.float64)
    items = len(columns)
    rng = np.random.default_rng(seed)
    sums = np.empty((1 + resamples, columns.shape[1]))
    sums[0] = columns.sum(axis=0)
    for start in range(1, 1 + resamples, DRAWS_AT_ONCE):
        stop = min(start + DRAWS_AT_ONCE, 1 + resamples)
        times = np.stack(
            [
                np.bincount(rng.integers(items, size=items, dtype=np.int32), minlength=items)
                for _ in range(stop - start)
            ]
        )
        sums[start:stop] = times.astype(np.float64) @ columns
    return sums


def as_interval(figures, *, level):
    """Percentile interval of a figure that was worked out for each row of `resampled_sums`.

    Parameters
    ----------
    figures : float array of shape (1 + B,)
        Of the items as they are, then of the draws; NaN where undefined.
    level : float
        Coverage, in (0, 1).

    Returns
    -------
    Interval
        With NaN limits where fewer than half of the draws are defined.
    """
    figures = np.asarray(figures, dtype=np.float64)
    drawn = figures[1:][np.isfinite(figures[1:])]
    if 2 * len(drawn) < len(figures) - 1:
        return no_interval(figures[0], level=level)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(figures[0]), float(low), float(high), level)


def no_interval(estimate, *, level):
    """An estimate of which nobody knows how sure it is."""
    return Interval(float(estimate), float("nan"), float("nan"), level)
