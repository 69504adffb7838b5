"""Calibration against people: each annotation of an item is a trial of the item's forecast.

The bins are those of `hetero_unc.metrics.reliability`. Annotations of an item are not independent:
intervals resample items, with `hetero_unc.metrics.bootstrap_interval`. NumPy only.
"""

import numpy as np

from hetero_unc.metrics.decomposition import entropy
from hetero_unc.metrics.disagreement import (
    check_votes_and_probabilities,
    label_entropy,
    vote_shares,
)
from hetero_unc.metrics.distances import total_variation_distance
from hetero_unc.metrics.reliability import assign_bins, binned_curve, mean_gap

__all__ = [
    "annotations_as_items",
    "debiased_vote_calibration_error",
    "entropy_calibration_error",
    "total_variation_error",
    "vote_calibration_error",
    "vote_reliability_curve",
]


def vote_reliability_curve(votes, y_prob, *, n_bins=15, binning="equal_width"):
    """Mean confidence and share of annotations for the predicted class, bin by bin.

    Convention: a trial is an <annotation, item> pair, a success if the annotation names the
    predicted class; bins hold trials; else as for `reliability_curve`.

    Parameters
    ----------
    votes : array-like of int, shape (N, C)
        Number of votes for each class; every item has at least one.
    y_prob : array-like of float, shape (N, C)
        Predicted probabilities; rows sum to 1.
    n_bins : int, default=15
        Number of bins, >= 1.
    binning : {"equal_width", "equal_mass"}, default="equal_width"
        Bins of equal width on [0, 1], or of equally many annotations.

    Returns
    -------
    ReliabilityCurve
        `count` counts annotations, `accuracy` is their share for the predicted class.

    Raises
    ------
    ValueError
        If an argument breaks the rules above.

    References
    ----------
    .. [1] Ghandeharioun, Eoff, Jou and Picard (2019), section 4.3,
       https://arxiv.org/abs/1909.09285

    Examples
    --------
    >>> curve = vote_reliability_curve([[3, 1], [1, 1]], [[0.9, 0.1], [0.6, 0.4]], n_bins=2)
    >>> curve.count, curve.accuracy.round(3), curve.confidence.round(3)
    (array([0, 6]), array([  nan, 0.667]), array([nan, 0.8]))
    """
    return binned_curve(*_top_label_trials(votes, y_prob), n_bins, binning)


def vote_calibration_error(votes, y_prob, *, n_bins=15, binning="equal_width"):
    """Gap between confidence and share of annotations for the predicted class, over bins.

    Convention: trials and bins of `vote_reliability_curve`; bins are weighted by their annotations.

    Biased upward, the more so as annotations of an item are not independent; see
    `debiased_vote_calibration_error`.

    Parameters
    ----------
    votes, y_prob, n_bins, binning
        As for `vote_reliability_curve`.

    Returns
    -------
    float
        In [0, 1]; 0 is best. Against majority labels a forecast of the crowd's shares is
        under-confident by design; against annotations it is not.

    Raises
    ------
    ValueError
        As for `vote_reliability_curve`.

    References
    ----------
    .. [1] Guo, Pleiss, Sun and Weinberger (2017), On calibration of modern neural networks,
       https://arxiv.org/abs/1706.04599

    Examples
    --------
    >>> vote_calibration_error([[3, 1], [1, 3]], [[0.75, 0.25], [0.75, 0.25]])
    0.25
    """
    return mean_gap(*_top_label_trials(votes, y_prob), n_bins, binning)


def debiased_vote_calibration_error(
    votes, y_prob, *, n_bins=15, binning="equal_mass", squared=False
):
    """Root mean square of that gap, less what chance adds, with items as the independent units.

    Convention: with g_i the sum over an item's annotations of success - confidence, the squared sum
    over a bin is replaced by that over pairs of different items, sum_{i != j} g_i g_j, times
    m / (m - 1) for its m items; a bin of one item counts as 0, a negative sum is cut to 0 before
    the root is taken. With one annotation an item and equal confidences within a bin it is
    `debiased_calibration_error`.

    Parameters
    ----------
    votes, y_prob, n_bins
        As for `vote_reliability_curve`.
    binning : {"equal_width", "equal_mass"}, default="equal_mass"
        Bins of equally many annotations, or of equal width on [0, 1].
    squared : bool, default=False
        Return the squared error, not cut at 0: average this one over runs, not its root.

    Returns
    -------
    float
        In [0, 1], 0 is best; with `squared` in [-1, 1], and about 0 for a calibrated forecast.

    Raises
    ------
    ValueError
        As for `vote_reliability_curve`.

    References
    ----------
    .. [1] Kumar, Liang and Ma (2019), Verified uncertainty calibration, section 4.1 (one annotation
       an item), https://arxiv.org/abs/1909.10155

    Examples
    --------
    >>> y_prob = [[0.75, 0.25]] * 4
    >>> votes = [[1, 0], [1, 0], [1, 0], [0, 1]]
    >>> debiased_vote_calibration_error(votes, y_prob, squared=True)
    -0.0625
    """
    confidence, share, count = top_label_share(votes, y_prob)
    first = np.cumsum(count) - count
    bins = assign_bins(np.repeat(confidence, count), n_bins, binning)[first]
    gap = count * (share - confidence)
    items = np.bincount(bins, minlength=n_bins)
    gaps = np.bincount(bins, weights=gap, minlength=n_bins)
    squares = np.bincount(bins, weights=gap**2, minlength=n_bins)
    trials = np.bincount(bins, weights=count, minlength=n_bins)
    kept = items > 1
    items, gaps, squares, trials = items[kept], gaps[kept], squares[kept], trials[kept]
    square = ((gaps**2 - squares) * items / (items - 1) / trials).sum() / count.sum()
    return float(square if squared else np.sqrt(max(square, 0.0)))


def total_variation_error(votes, y_prob):
    """Mean total variation distance between vote shares and forecast (instance-level, DistCE).

    Convention: items count alike. Votes are few, so a right forecast is not at 0:
    `calibrated_null` says where it is.

    Parameters
    ----------
    votes, y_prob
        As for `vote_reliability_curve`.

    Returns
    -------
    float
        In [0, 1]; 0 is best.

    Raises
    ------
    ValueError
        As for `vote_reliability_curve`.

    References
    ----------
    .. [1] Baan, Aziz, Plank and Fernández (2022), Stop measuring calibration when humans disagree,
       https://arxiv.org/abs/2210.16133

    Examples
    --------
    >>> total_variation_error([[3, 1], [2, 2]], [[0.5, 0.5], [0.5, 0.5]])
    0.125
    """
    votes, y_prob = check_votes_and_probabilities(votes, y_prob)
    return float(total_variation_distance(vote_shares(votes), y_prob).mean())


def entropy_calibration_error(votes, y_prob):
    """Mean absolute difference between the entropies of vote shares and forecast (EntCE).

    Convention: nats, items count alike. The entropy of few votes is too low on average (see
    `label_entropy`), so a right forecast is not at 0: `calibrated_null` says where it is. The sign,
    too sure or too doubtful, is in `entropy(y_prob) - label_entropy(votes)`.

    Parameters
    ----------
    votes, y_prob
        As for `vote_reliability_curve`.

    Returns
    -------
    float
        In [0, log C]; 0 is best, and is reached too by a forecast of the right doubt about the
        wrong classes.

    Raises
    ------
    ValueError
        As for `vote_reliability_curve`.

    References
    ----------
    .. [1] Baan, Aziz, Plank and Fernández (2022), https://arxiv.org/abs/2210.16133

    Examples
    --------
    >>> round(entropy_calibration_error([[4, 0], [2, 2]], [[0.5, 0.5], [0.5, 0.5]]), 4)
    0.3466
    """
    votes, y_prob = check_votes_and_probabilities(votes, y_prob)
    return float(np.abs(entropy(y_prob) - label_entropy(votes)).mean())


def annotations_as_items(votes, y_prob):
    """Every annotation as an item of its own: labels and forecasts for any metric of this room.

    Convention: items in order, within an item classes in order, a class as often as it has votes.

    Parameters
    ----------
    votes, y_prob
        As for `vote_reliability_curve`.

    Returns
    -------
    y_true : int64 array of shape (M,)
        M is the number of votes of all items.
    y_prob : float64 array of shape (M, C)

    Raises
    ------
    ValueError
        As for `vote_reliability_curve`.

    Examples
    --------
    >>> y_true, y_prob = annotations_as_items([[2, 1], [0, 1]], [[0.75, 0.25], [0.5, 0.5]])
    >>> y_true, len(y_prob)
    (array([0, 0, 1, 1]), 4)
    """
    votes, y_prob = check_votes_and_probabilities(votes, y_prob)
    labels = np.tile(np.arange(votes.shape[1]), len(votes))
    return np.repeat(labels, votes.ravel()), np.repeat(y_prob, votes.sum(axis=1), axis=0)


def _top_label_trials(votes, y_prob):
    """Confidence and share of successes of each annotation, the item's share for all of its own."""
    confidence, share, count = top_label_share(votes, y_prob)
    return np.repeat(confidence, count), np.repeat(share, count)


def top_label_share(votes, y_prob):
    """Probability of the predicted class, its share of the votes, their number, each (N,)."""
    votes, y_prob = check_votes_and_probabilities(votes, y_prob)
    count = votes.sum(axis=1)
    predicted = y_prob.argmax(axis=1)
    return y_prob.max(axis=1), votes[np.arange(len(votes)), predicted] / count, count
