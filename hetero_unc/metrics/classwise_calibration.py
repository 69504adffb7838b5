"""How far the probability of each class, not only the predicted one, is from its frequency.

The bins are those of `hetero_unc.metrics.reliability`. NumPy only.
"""

import numpy as np

from hetero_unc.checks import check_predictions
from hetero_unc.metrics.reliability import mean_gap

__all__ = [
    "adaptive_calibration_error",
    "classwise_calibration_error",
    "thresholded_adaptive_calibration_error",
]


def classwise_calibration_error(y_true, y_prob, *, n_bins=15):
    """Gap between a class's probability and its frequency, over equal-width bins, then classes.

    The static calibration error (SCE) of the reference. Convention: bins are closed on the right,
    the first also at 0; within a class weighted by their share of the items; classes count alike.

    Parameters
    ----------
    y_true : array-like of int, shape (n_samples,)
        True class of each item, in [0, n_classes).
    y_prob : array-like of float, shape (n_samples, n_classes)
        Predicted probabilities; rows sum to 1.
    n_bins : int, default=15
        Number of bins of [0, 1], >= 1.

    Returns
    -------
    float
        In [0, 1]; 0 is best. With many classes most probabilities are near 0, and so is this.

    Raises
    ------
    ValueError
        If an argument breaks the rules above.

    References
    ----------
    .. [1] Nixon, Dusenberry, Zhang, Jerfel and Tran (2019), Measuring calibration in deep learning,
       https://arxiv.org/abs/1904.01685

    Examples
    --------
    >>> classwise_calibration_error([0, 1], [[0.75, 0.25], [0.75, 0.25]])
    0.25
    """
    y_true, y_prob = check_predictions(y_true, y_prob)
    gaps = [
        mean_gap(column, y_true == label, n_bins, "equal_width")
        for label, column in enumerate(y_prob.T)
    ]
    return float(np.mean(gaps))


def adaptive_calibration_error(y_true, y_prob, *, n_bins=15):
    """Gap between a class's probability and its frequency, over equal-mass bins, then classes.

    The adaptive calibration error (ACE) of the reference. Convention: bins of equally many items
    that keep ties together; within a class weighted by their share of the items, which without ties
    is the reference's 1 / n_bins; classes count alike.

    Parameters
    ----------
    y_true, y_prob
        As for `classwise_calibration_error`.
    n_bins : int, default=15
        Number of bins of each class, >= 1.

    Returns
    -------
    float
        In [0, 1]; 0 is best.

    Raises
    ------
    ValueError
        As for `classwise_calibration_error`.

    References
    ----------
    .. [1] Nixon, Dusenberry, Zhang, Jerfel and Tran (2019), https://arxiv.org/abs/1904.01685

    Examples
    --------
    >>> adaptive_calibration_error([0, 1], [[0.75, 0.25], [0.5, 0.5]])
    0.375
    """
    return thresholded_adaptive_calibration_error(y_true, y_prob, n_bins=n_bins, threshold=None)


def thresholded_adaptive_calibration_error(y_true, y_prob, *, n_bins=15, threshold=0.01):
    """`adaptive_calibration_error` of the probabilities above a threshold only (TACE).

    Convention: a probability equal to the threshold is left out; bins are of equally many of those
    kept; a class of which none is kept is left out of the mean over classes.

    Parameters
    ----------
    y_true, y_prob
        As for `classwise_calibration_error`.
    n_bins : int, default=15
        Number of bins of each class, >= 1.
    threshold : float or None, default=0.01
        In [0, 1); None keeps all, zeros included.

    Returns
    -------
    float
        In [0, 1]; 0 is best.

    Raises
    ------
    ValueError
        As for `classwise_calibration_error`; if `threshold` is not in [0, 1); if no probability is
        above it.

    References
    ----------
    .. [1] Nixon, Dusenberry, Zhang, Jerfel and Tran (2019), https://arxiv.org/abs/1904.01685

    Examples
    --------
    >>> thresholded_adaptive_calibration_error([0, 1], [[0.75, 0.25], [0.5, 0.5]], threshold=0.25)
    0.4375
    """
    y_true, y_prob = check_predictions(y_true, y_prob)
    if threshold is not None and not 0 <= threshold < 1:
        raise ValueError(f"`threshold` must lie in [0, 1). Received: threshold={threshold!r}")
    kept = np.full(y_prob.shape, True) if threshold is None else y_prob > threshold
    if not kept.any():
        raise ValueError(
            "`threshold` must be below some probability of `y_prob`. "
            f"Received: threshold={threshold!r}, the largest is {y_prob.max():.6g}"
        )
    gaps = [
        mean_gap(column[rows], y_true[rows] == label, n_bins, "equal_mass")
        for label, (column, rows) in enumerate(zip(y_prob.T, kept.T, strict=True))
        if rows.any()
    ]
    return float(np.mean(gaps))
