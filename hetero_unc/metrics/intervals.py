"""Intervals by resampling items, and the paired test: how sure a figure is. NumPy and SciPy.

Annotations of one item are not independent, so items are resampled, never annotations.
"""

import dataclasses

import numpy as np

from hetero_unc.checks import as_array, check_array, check_count

__all__ = ["Interval", "PairedTest", "bootstrap_interval", "paired_test"]


@dataclasses.dataclass(frozen=True)
class Interval:
    """An estimate and the interval around it.

    Attributes
    ----------
    estimate, low, high : float, or float arrays of one shape
        NaN where undefined.
    level : float
        Nominal coverage of the interval, in (0, 1).
    """

    estimate: float
    low: float
    high: float
    level: float


@dataclasses.dataclass(frozen=True)
class PairedTest:
    """Student's t-test of the mean difference of pairs.

    Attributes
    ----------
    mean_difference : float
        Mean of a - b.
    t : float
    degrees_of_freedom : int
        Number of pairs - 1.
    p_value : float
        Two-sided.
    effect_size : float
        Cohen's d_z: mean of a - b over its standard deviation (divisor n - 1).
    """

    mean_difference: float
    t: float
    degrees_of_freedom: int
    p_value: float
    effect_size: float


def bootstrap_interval(statistic, *arrays, groups=None, resamples=1000, level=0.95, seed=0):
    """Percentile interval of a statistic, by drawing items with replacement.

    Convention: as many items are drawn as there are, all arrays together; with `groups` as many
    groups as there are, each with all of its items. Quantiles are NumPy's, linear between draws.

    Parameters
    ----------
    statistic : callable
        `statistic(*arrays)` returns a number or an array of numbers; several figures in one array
        share the draws and their cost.
    *arrays : array-like of shape (N, ...)
        One entry an item; at least one array, all of one length.
    groups : array-like of shape (N,), optional
        Items that belong together, such as pixel-identical images, carry the same value.
    resamples : int, default=1000
        Number of draws of the whole data, >= 1.
    level : float, default=0.95
        Coverage aimed at, in (0, 1).
    seed : int, default=0
        Same seed, same interval.

    Returns
    -------
    Interval
        `estimate` is the statistic of all items as they are. `low` and `high` are NaN where the
        statistic is NaN in some draw, as a correlation is where all drawn items are alike.

    Raises
    ------
    ValueError
        If an argument breaks the rules above.

    References
    ----------
    .. [1] Efron and Tibshirani (1993), An introduction to the bootstrap, chapter 13.
    .. [2] Davison and Hinkley (1997), Bootstrap methods and their application, section 3.8
       (groups), https://doi.org/10.1017/CBO9780511802843

    Examples
    --------
    >>> interval = bootstrap_interval(np.mean, [0.0, 1.0, 0.0, 1.0])
    >>> interval.estimate, interval.low, interval.high
    (0.5, 0.0, 1.0)
    """
    arrays = _check_aligned(arrays)
    level = check_level(level)
    resamples = check_count(resamples, name="resamples")
    items = len(arrays[0])
    groups = np.arange(items) if groups is None else as_array(groups, name="groups")
    if groups.shape != (items,):
        raise ValueError(f"`groups` must have shape ({items},). Received: shape={groups.shape}")
    _, group_of_item, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    members = np.argsort(group_of_item, kind="stable")
    starts = np.cumsum(sizes) - sizes
    rng = np.random.default_rng(seed)

    def draw():
        drawn = rng.integers(len(sizes), size=len(sizes))
        ends = np.cumsum(sizes[drawn])
        shift = np.repeat(starts[drawn] - (ends - sizes[drawn]), sizes[drawn])
        rows = members[shift + np.arange(ends[-1])]
        return np.asarray(statistic(*(array[rows] for array in arrays)), dtype=np.float64)

    estimate = np.asarray(statistic(*arrays), dtype=np.float64)
    draws = np.stack([draw() for _ in range(resamples)])
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    if estimate.ndim == 0:
        estimate, low, high = float(estimate), float(low), float(high)
    return Interval(estimate, low, high, level)


def paired_test(a, b):
    """Student's paired t-test of two measurements of the same items.

    Convention: a - b, two-sided, items independent. With thousands of items any difference is
    significant: read the effect size.

    Parameters
    ----------
    a, b : array-like of float, shape (N,)
        The two measurements, item by item; N >= 2.

    Returns
    -------
    PairedTest

    Raises
    ------
    ValueError
        If an argument breaks the rules above, or all differences are equal but for the rounding of
        the values in their type, where t is undefined.

    References
    ----------
    .. [1] Student (1908), The probable error of a mean, https://doi.org/10.2307/2331554
    .. [2] Cohen (1988), Statistical power analysis for the behavioral sciences, section 2.3
       (effect size d_z).

    Examples
    --------
    >>> test = paired_test([3.0, 2.0, 4.0], [1.0, 1.0, 1.0])
    >>> test.mean_difference, test.degrees_of_freedom, test.effect_size
    (2.0, 2, 2.0)
    >>> round(test.t, 4), round(test.p_value, 4)
    (3.4641, 0.0742)
    """
    from scipy import special  # not at the top: importing the room must stay quick

    a, b = check_array(a, name="a", ndim=1), check_array(b, name="b", ndim=1)
    if a.shape != b.shape:
        raise ValueError(
            f"`a` and `b` must have the same length. Received: len(a)={len(a)}, len(b)={len(b)}"
        )
    if len(a) < 2:
        raise ValueError(f"`a` must have at least 2 values. Received: shape={a.shape}")
    rounding = _rounding(a) + _rounding(b)
    difference = a.astype(np.float64) - b.astype(np.float64)
    # One number that rounding could have made every difference of: 0.1 - 0.2 is not 0.2 - 0.3.
    if (difference - rounding).max() <= (difference + rounding).min():
        raise ValueError(
            "`a` - `b` must vary, or t is undefined. "
            f"Received: every difference is {difference[0]:.6g}, up to rounding"
        )
    effect_size = float(difference.mean() / difference.std(ddof=1))
    t = effect_size * np.sqrt(len(a))
    p_value = 2 * special.stdtr(len(a) - 1, -abs(t))
    return PairedTest(float(difference.mean()), float(t), len(a) - 1, float(p_value), effect_size)


def check_level(level):
    """Return the coverage of an interval as a float; raise ValueError unless in (0, 1)."""
    if isinstance(level, bool) or not isinstance(level, (int, float, np.number)):
        raise ValueError(f"`level` must be a number in (0, 1). Received: level={level!r}")
    if not 0 < level < 1:
        raise ValueError(f"`level` must lie in (0, 1). Received: level={level!r}")
    return float(level)


def _rounding(values):
    """How far rounding may put a value and its differences off, in the type it came in."""
    precision = max(np.finfo(values.dtype).eps, np.finfo(np.float64).eps)
    return precision * np.abs(values.astype(np.float64))


def _check_aligned(arrays):
    if not arrays:
        raise ValueError("`arrays` must hold at least one array. Received: none")
    arrays = [as_array(array, name="arrays") for array in arrays]
    lengths = [array.shape[0] if array.ndim else None for array in arrays]
    if None in lengths or len(set(lengths)) > 1 or lengths[0] == 0:
        raise ValueError(
            "`arrays` must have one entry an item, be of one length and not empty. "
            f"Received: shapes={[array.shape for array in arrays]}"
        )
    return arrays
