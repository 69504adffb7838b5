"""Binned confidence against accuracy: the curve, and the bins that every calibration error uses.

Bins, everywhere in this room. `equal_width`: (i/B, (i+1)/B], closed on the right, the first also at
0. `equal_mass`: a value with r smaller ones among N falls in bin floor(B r / N), so that ties stay
together, the order of the items cannot matter and without ties bins differ by one item at most.
"""

import dataclasses

import numpy as np

from hetero_unc.checks import check_choice, check_count, check_predictions

__all__ = ["BINNINGS", "ReliabilityCurve", "inner_edges", "reliability_curve"]

BINNINGS = ("equal_width", "equal_mass")


@dataclasses.dataclass(frozen=True)
class ReliabilityCurve:
    """One entry a bin, the empty ones included.

    Attributes
    ----------
    lower, upper : float arrays of shape (n_bins,)
        Edges of the bin; with equal mass the smallest and largest confidence in it, NaN where it is
        empty.
    count : int array of shape (n_bins,)
        Items in the bin.
    confidence, accuracy : float arrays of shape (n_bins,)
        Means over the bin's items; NaN where it is empty.
    """

    lower: np.ndarray
    upper: np.ndarray
    count: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray


def reliability_curve(y_true, y_prob, *, n_bins=15, binning="equal_width"):
    """Mean confidence and accuracy of the predicted class, bin by bin.

    Convention: equal-width bins are closed on the right, the first also at 0; equal-mass bins keep
    ties together; of equal probabilities the first class is the predicted one.

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
    ReliabilityCurve

    Raises
    ------
    ValueError
        If an argument breaks the rules above.

    References
    ----------
    .. [1] Guo, Pleiss, Sun and Weinberger (2017), On calibration of modern neural networks,
       https://arxiv.org/abs/1706.04599

    Examples
    --------
    >>> curve = reliability_curve([0, 1, 0], [[0.9, 0.1], [0.9, 0.1], [0.6, 0.4]], n_bins=5)
    >>> curve.count
    array([0, 0, 1, 0, 2])
    >>> curve.accuracy
    array([nan, nan, 1. , nan, 0.5])
    """
    return binned_curve(*top_label(y_true, y_prob), n_bins, binning)


def binned_curve(confidence, correct, n_bins, binning):
    """The curve of trials with a confidence and an outcome, 0 or 1 or their mean, each (M,)."""
    count, confidence_sum, correct_sum = sum_bins(confidence, correct, n_bins, binning)
    if binning == "equal_width":
        edges = np.concatenate([[0.0], inner_edges(n_bins), [1.0]])
        lower, upper = edges[:-1], edges[1:]
    else:
        bins = assign_bins(confidence, n_bins, binning)
        lower, upper = np.full(n_bins, np.nan), np.full(n_bins, np.nan)
        np.fmin.at(lower, bins, confidence)
        np.fmax.at(upper, bins, confidence)
    empty = count == 0
    divisor = np.where(empty, np.nan, count)
    return ReliabilityCurve(lower, upper, count, confidence_sum / divisor, correct_sum / divisor)


def inner_edges(n_bins):
    """The `n_bins` - 1 edges between bins of equal width on [0, 1]."""
    return np.linspace(0.0, 1.0, n_bins + 1)[1:-1]


def assign_bins(values, n_bins, binning):
    """Bin of each value, int of shape (N,), by the conventions of this module."""
    n_bins = check_count(n_bins, name="n_bins")
    check_choice(binning, BINNINGS, name="binning")
    if binning == "equal_width":
        return np.digitize(values, inner_edges(n_bins), right=True)
    smaller = np.searchsorted(np.sort(values), values, side="left")
    return smaller * n_bins // len(values)


def sum_bins(probability, outcome, n_bins, binning):
    """Per bin: number of items, sum of their probabilities, sum of their outcomes (0 or 1)."""
    bins = assign_bins(probability, n_bins, binning)
    count = np.bincount(bins, minlength=n_bins)
    probability_sum = np.bincount(bins, weights=probability, minlength=n_bins)
    return count, probability_sum, np.bincount(bins, weights=outcome, minlength=n_bins)


def mean_gap(probability, outcome, n_bins, binning):
    """Gap between mean probability and frequency, averaged over bins by their share of items."""
    _, probability_sum, outcome_sum = sum_bins(probability, outcome, n_bins, binning)
    return float(np.abs(outcome_sum - probability_sum).sum() / len(probability))


def top_label(y_true, y_prob):
    """Probability of the predicted class, and whether it is the true one, each of shape (N,)."""
    y_true, y_prob = check_predictions(y_true, y_prob)
    return y_prob.max(axis=1), (y_prob.argmax(axis=1) == y_true).astype(np.float64)
