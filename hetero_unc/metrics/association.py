"""Correlations of two measurements of the same items. NumPy and SciPy.

They return a plain number, so that `hetero_unc.metrics.bootstrap_interval` can resample them.
"""

import numpy as np

from hetero_unc.checks import as_array, check_array

__all__ = ["partial_correlation", "pearson", "spearman"]

# What rounding leaves of a variable that the others explain in full, as a share of its spread.
ROUNDING = 1e-9


def pearson(x, y):
    """Pearson's product-moment correlation.

    Convention: NaN, without a warning, where `x` or `y` is the same for all items, because there it
    is undefined.

    Parameters
    ----------
    x, y : array-like of float, shape (N,)
        The two measurements, item by item; N >= 2.

    Returns
    -------
    float
        In [-1, 1].

    Raises
    ------
    ValueError
        If an argument is not finite, not of one axis, or too short, or the lengths differ.

    References
    ----------
    .. [1] Pearson (1895), Note on regression and inheritance in the case of two parents,
       https://doi.org/10.1098/rspl.1895.0041

    Examples
    --------
    >>> round(pearson([1, 2, 3], [1, 2, 4]), 4)
    0.982
    """
    x, y = _check_pair(x, y)
    return _correlation(x, y)


def spearman(x, y):
    """Spearman's rank correlation: Pearson's of the ranks.

    Convention: tied values share the mean of their ranks; NaN where `x` or `y` is the same for all
    items.

    Parameters
    ----------
    x, y
        As for `pearson`.

    Returns
    -------
    float
        In [-1, 1].

    Raises
    ------
    ValueError
        As for `pearson`.

    References
    ----------
    .. [1] Spearman (1904), The proof and measurement of association between two things,
       https://doi.org/10.2307/1412159

    Examples
    --------
    >>> spearman([1, 2, 3], [1, 2, 40])
    1.0
    """
    from scipy import stats  # not at the top: importing the room must stay quick

    x, y = _check_pair(x, y)
    return _correlation(stats.rankdata(x), stats.rankdata(y))


def partial_correlation(x, y, given):
    """Correlation of what is left of `x` and of `y` once `given` has explained what it can.

    Convention: Pearson's correlation of the residuals of least squares on `given` and a constant;
    ranks put in give the partial rank correlation. NaN where `given` explains one of them in full.

    Parameters
    ----------
    x, y
        As for `pearson`.
    given : array-like of float, shape (N,) or (N, K)
        One or more further measurements of the items.

    Returns
    -------
    float
        In [-1, 1].

    Raises
    ------
    ValueError
        As for `pearson`; if `given` is not finite, not of one or two axes or of another length.

    Notes
    -----
    Only linear dependence on `given` is removed: what bends shows up as association.

    References
    ----------
    .. [1] Yule (1907), On the theory of correlation for any number of variables, treated by a new
       system of notation, https://doi.org/10.1098/rspa.1907.0028

    Examples
    --------
    >>> given = [1.0, 2.0, 3.0, 4.0]
    >>> round(partial_correlation([2.0, 1.0, 4.0, 3.0], [3.0, 1.0, 4.0, 6.0], given), 4)
    0.5571
    """
    x, y = _check_pair(x, y)
    given = as_array(given, name="given")
    given = check_array(given, name="given", ndim=2 if given.ndim == 2 else 1)
    given = given.astype(np.float64).reshape(len(given), -1)
    if len(given) != len(x):
        raise ValueError(
            f"`given` must be as long as `x`. Received: len(given)={len(given)}, len(x)={len(x)}"
        )
    centred = given - given.mean(axis=0)
    spread = np.abs(centred).max(axis=0)
    centred = centred / np.where(spread > 0, spread, 1.0)  # so that units cannot hide a column
    both = np.stack([x - x.mean(), y - y.mean()], axis=1)
    coefficients = np.linalg.lstsq(centred, both, rcond=None)[0]
    residuals = both - centred @ coefficients
    left = np.linalg.norm(residuals, axis=0)
    if (left <= ROUNDING * np.linalg.norm(both, axis=0)).any():
        return float("nan")
    return _correlation(*residuals.T)


def _correlation(x, y):
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    x, y = x - x.mean(), y - y.mean()
    # Scaled first: the squares of very small or large values would leave float64.
    x, y = x / np.abs(x).max(), y / np.abs(y).max()
    return float(np.clip(x @ y / np.sqrt((x @ x) * (y @ y)), -1.0, 1.0))


def _check_pair(x, y):
    x = check_array(x, name="x", ndim=1).astype(np.float64)
    y = check_array(y, name="y", ndim=1).astype(np.float64)
    if x.shape != y.shape:
        raise ValueError(
            f"`x` and `y` must have the same length. Received: len(x)={len(x)}, len(y)={len(y)}"
        )
    if len(x) < 2:
        raise ValueError(f"`x` must have at least 2 values. Received: shape={x.shape}")
    return x, y
