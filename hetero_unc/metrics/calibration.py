"""How far the confidence in the predicted class is from its accuracy. NumPy only.

The bins are those of `hetero_unc.metrics.reliability`; an empty bin counts for nothing.
"""

import numpy as np

from hetero_unc.metrics.reliability import mean_gap, sum_bins, top_label

__all__ = [
    "debiased_calibration_error",
    "expected_calibration_error",
    "maximum_calibration_error",
    "root_mean_square_calibration_error",
]


def expected_calibration_error(y_true, y_prob, *, n_bins=15, binning="equal_width"):
    """Gap between confidence and accuracy, averaged over bins by their share of the items (ECE).

    Convention: equal-width bins are closed on the right, the first also at 0; equal-mass bins keep
    ties together; of equal probabilities the first class is the predicted one.

    Biased upward: a calibrated model scores above 0 by about sqrt(n_bins / n_samples); see
    `debiased_calibration_error`.

    Parameters
    ----------
    y_true : array-like of int, shape (n_samples,)
        True class of each item, in [0, n_classes).
    y_prob : array-like of float, shape (n_samples, n_classes)
        Predicted probabilities; rows sum to 1.
    n_bins : int, default=15
        Number of bins, >= 1.
    binning : {"equal_width", "equal_mass"}, default="equal_width"
        Bins of equal width on [0, 1], or of equally many items.

    Returns
    -------
    float
        In [0, 1]; 0 is best.

    Raises
    ------
    ValueError
        If an argument breaks the rules above.

    See Also
    --------
    hetero_unc.training.streaming_metrics.ExpectedCalibrationError : The same while training.

    References
    ----------
    .. [1] Naeini, Cooper and Hauskrecht (2015), Obtaining well calibrated probabilities using
       Bayesian binning (equal mass), https://doi.org/10.1609/aaai.v29i1.9602
    .. [2] Guo, Pleiss, Sun and Weinberger (2017), On calibration of modern neural networks
       (equal width), https://arxiv.org/abs/1706.04599

    Examples
    --------
    >>> expected_calibration_error([0, 1], [[0.75, 0.25], [0.75, 0.25]])
    0.25
    """
    confidence, correct = top_label(y_true, y_prob)
    return mean_gap(confidence, correct, n_bins, binning)


def maximum_calibration_error(y_true, y_prob, *, n_bins=15, binning="equal_width"):
    """Gap between confidence and accuracy in the worst bin (MCE).

    Convention: that of `expected_calibration_error`; a bin of one item counts as much as any other.

    Parameters
    ----------
    y_true, y_prob, n_bins, binning
        As for `expected_calibration_error`.

    Returns
    -------
    float
        In [0, 1]; 0 is best; at least the expected calibration error of the same bins.

    Raises
    ------
    ValueError
        As for `expected_calibration_error`.

    References
    ----------
    .. [1] Naeini, Cooper and Hauskrecht (2015), https://doi.org/10.1609/aaai.v29i1.9602

    Examples
    --------
    >>> maximum_calibration_error([0, 1, 0], [[0.75, 0.25], [0.75, 0.25], [0.5, 0.5]])
    0.5
    """
    confidence, correct = top_label(y_true, y_prob)
    count, confidence_sum, correct_sum = sum_bins(confidence, correct, n_bins, binning)
    return float((np.abs(correct_sum - confidence_sum) / np.maximum(count, 1)).max())


def root_mean_square_calibration_error(y_true, y_prob, *, n_bins=15, binning="equal_width"):
    """Root of the squared gap between confidence and accuracy, averaged over bins (RMS).

    Convention: that of `expected_calibration_error`; bins are weighted by their share of the items.

    Parameters
    ----------
    y_true, y_prob, n_bins, binning
        As for `expected_calibration_error`; the reference uses `binning="equal_mass"`.

    Returns
    -------
    float
        In [0, 1]; 0 is best; between the expected and the maximum calibration error of the same
        bins. Biased upward like both.

    Raises
    ------
    ValueError
        As for `expected_calibration_error`.

    References
    ----------
    .. [1] Hendrycks, Mazeika and Dietterich (2019), Deep anomaly detection with outlier exposure,
       https://arxiv.org/abs/1812.04606

    Examples
    --------
    >>> root_mean_square_calibration_error([0, 1], [[0.75, 0.25], [0.75, 0.25]])
    0.25
    """
    confidence, correct = top_label(y_true, y_prob)
    count, confidence_sum, correct_sum = sum_bins(confidence, correct, n_bins, binning)
    squares = (correct_sum - confidence_sum) ** 2 / np.maximum(count, 1)
    return float(np.sqrt(squares.sum() / len(confidence)))


def debiased_calibration_error(y_true, y_prob, *, n_bins=15, binning="equal_mass", squared=False):
    """Root mean square calibration error, less what chance adds to a calibrated model's.

    Convention: bins of `expected_calibration_error`; from a bin's squared gap its
    accuracy (1 - accuracy) / (count - 1) is subtracted, a bin of one item counts as 0, and a
    negative sum is cut to 0 before the root is taken.

    Parameters
    ----------
    y_true, y_prob, n_bins
        As for `expected_calibration_error`.
    binning : {"equal_width", "equal_mass"}, default="equal_mass"
        Bins of equally many items, as in the reference, or of equal width on [0, 1].
    squared : bool, default=False
        Return the squared error, not cut at 0: unbiased where the confidences within a bin are
        equal, and too low by their variance / count where they are not. Average this one over runs,
        not its root.

    Returns
    -------
    float
        In [0, 1], 0 is best; with `squared` in [-1, 1], and about 0 for a calibrated model.

    Raises
    ------
    ValueError
        As for `expected_calibration_error`.

    References
    ----------
    .. [1] Kumar, Liang and Ma (2019), Verified uncertainty calibration, section 4.1,
       https://arxiv.org/abs/1909.10155
    .. [2] Bröcker (2012), Estimating reliability and resolution of probability forecasts through
       decomposition of the empirical score, https://doi.org/10.1007/s00382-011-1191-1

    Examples
    --------
    >>> y_prob = [[0.75, 0.25]] * 4
    >>> debiased_calibration_error([0, 0, 0, 1], y_prob, squared=True)
    -0.0625
    >>> debiased_calibration_error([1, 1, 1, 1], y_prob)
    0.75
    """
    confidence, correct = top_label(y_true, y_prob)
    count, confidence_sum, correct_sum = sum_bins(confidence, correct, n_bins, binning)
    kept = count > 1
    count, confidence_sum, correct_sum = count[kept], confidence_sum[kept], correct_sum[kept]
    accuracy = correct_sum / count
    chance = accuracy * (1 - accuracy) / (count - 1)
    square = ((accuracy - confidence_sum / count) ** 2 - chance) @ count / len(confidence)
    return float(square if squared else np.sqrt(max(square, 0.0)))
