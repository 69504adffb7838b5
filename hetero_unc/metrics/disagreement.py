"""How far annotators are from one another, and a forecast from them. NumPy only.

Each function returns one value an item; a mean over items and its interval are the caller's, with
`hetero_unc.metrics.bootstrap_interval`. Entropies in nats.
"""

import numpy as np

from hetero_unc.checks import check_label_distributions, check_probabilities, check_votes
from hetero_unc.metrics.decomposition import entropy

__all__ = [
    "disagreement",
    "jensen_shannon_distance",
    "jensen_shannon_divergence",
    "label_entropy",
    "total_variation_distance",
    "unbiased_disagreement",
    "vote_shares",
]


def vote_shares(votes):
    """Each item's votes as shares of its votes.

    Convention: a plain ratio, not smoothed; what nobody voted for has share 0.

    Parameters
    ----------
    votes : array-like of int, shape (N, C)
        Number of votes for each class, >= 0; every item has at least one.

    Returns
    -------
    float array of shape (N, C)
        Rows sum to 1.

    Raises
    ------
    ValueError
        If `votes` break the rules above.

    Examples
    --------
    >>> vote_shares([[3, 1], [0, 2]])
    array([[0.75, 0.25],
           [0.  , 1.  ]])
    """
    votes = check_votes(votes)
    return votes / votes.sum(axis=1, keepdims=True)


def disagreement(votes):
    """Chance that two votes on an item differ, drawn with replacement: d = 1 - sum_k share_k^2.

    Convention: a vote may meet itself, so with n votes it is too low, by the factor (n - 1) / n on
    average; `unbiased_disagreement` is not.

    Parameters
    ----------
    votes
        As for `vote_shares`.

    Returns
    -------
    float array of shape (N,)
        In [0, 1 - 1 / C]; 0 where all agree.

    Raises
    ------
    ValueError
        As for `vote_shares`.

    References
    ----------
    .. [1] Ghandeharioun, Eoff, Jou and Picard (2019), Characterizing sources of uncertainty to
       proxy calibration and disambiguate annotator and data bias, section 4.1,
       https://arxiv.org/abs/1909.09285

    Examples
    --------
    >>> disagreement([[1, 1], [2, 0]])
    array([0.5, 0. ])
    """
    return 1 - np.square(vote_shares(votes)).sum(axis=1)


def unbiased_disagreement(votes):
    """Chance that two different votes on an item differ: `disagreement` times n / (n - 1).

    Convention: drawn without replacement (the Gini-Simpson index's unbiased form), so that it
    estimates the crowd's disagreement without bias from any n >= 2 votes.

    Parameters
    ----------
    votes
        As for `vote_shares`.

    Returns
    -------
    float array of shape (N,)
        In [0, 1]; above 1 - 1 / C only by chance. NaN for an item with a single vote.

    Raises
    ------
    ValueError
        As for `vote_shares`.

    References
    ----------
    .. [1] Simpson (1949), Measurement of diversity, https://doi.org/10.1038/163688a0

    Examples
    --------
    >>> unbiased_disagreement([[1, 1], [3, 1], [1, 0]])
    array([1. , 0.5, nan])
    """
    votes = check_votes(votes)
    total = votes.sum(axis=1)
    pairs = np.where(total > 1, total * (total - 1.0), np.nan)
    return 1 - (votes * (votes - 1)).sum(axis=1) / pairs


def label_entropy(votes):
    """Entropy of the vote shares of each item.

    Convention: nats; the plug-in estimate, too low by about (classes voted for - 1) / (2 n) on
    average (Miller and Madow).

    Parameters
    ----------
    votes
        As for `vote_shares`.

    Returns
    -------
    float array of shape (N,)
        Nats, in [0, log min(C, n)] for n votes.

    Raises
    ------
    ValueError
        As for `vote_shares`.

    References
    ----------
    .. [1] Miller (1955), Note on the bias of information estimates, in Information theory in
       psychology: problems and methods.

    Examples
    --------
    >>> label_entropy([[1, 1], [2, 0]]).round(4)
    array([0.6931, 0.    ])
    """
    return entropy(vote_shares(votes))


def jensen_shannon_divergence(shares, y_prob):
    """Jensen-Shannon divergence of two distributions over the classes, item by item.

    Convention: natural logarithm; H[m] - H[shares] / 2 - H[y_prob] / 2 with m their mean; rows are
    divided by their sums first, as SciPy does.

    Parameters
    ----------
    shares : array-like of float, shape (N, C)
        Vote shares, or any distributions; rows sum to 1.
    y_prob : array-like of float, shape (N, C)
        Predicted probabilities; rows sum to 1.

    Returns
    -------
    float array of shape (N,)
        Nats, in [0, log 2]; 0 where the two are equal.

    Raises
    ------
    ValueError
        If an argument breaks the rules above, or the shapes differ.

    Notes
    -----
    With finitely many votes a perfect forecast is not at 0: `resampling_floor` says where it is.

    References
    ----------
    .. [1] Lin (1991), Divergence measures based on the Shannon entropy,
       https://doi.org/10.1109/18.61115

    Examples
    --------
    >>> jensen_shannon_divergence([[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [0.5, 0.5]]).round(4)
    array([0.6931, 0.    ])
    """
    shares, y_prob = check_shares(shares, y_prob)
    shares = shares / shares.sum(axis=1, keepdims=True)
    y_prob = y_prob / y_prob.sum(axis=1, keepdims=True)
    middle = (shares + y_prob) / 2
    divergence = (_relative_entropy(shares, middle) + _relative_entropy(y_prob, middle)) / 2
    return np.maximum(divergence, 0.0)


def jensen_shannon_distance(shares, y_prob):
    """Square root of `jensen_shannon_divergence`: a metric, and what FER+ figures are given in.

    Convention: that of `jensen_shannon_divergence`; `scipy.spatial.distance.jensenshannon`.

    Parameters
    ----------
    shares, y_prob
        As for `jensen_shannon_divergence`.

    Returns
    -------
    float array of shape (N,)
        In [0, sqrt(log 2)] = [0, 0.8326].

    Raises
    ------
    ValueError
        As for `jensen_shannon_divergence`.

    References
    ----------
    .. [1] Endres and Schindelin (2003), A new metric for probability distributions,
       https://doi.org/10.1109/TIT.2003.813506

    Examples
    --------
    >>> jensen_shannon_distance([[1.0, 0.0]], [[0.0, 1.0]]).round(4)
    array([0.8326])
    """
    return np.sqrt(jensen_shannon_divergence(shares, y_prob))


def total_variation_distance(shares, y_prob):
    """Half the summed absolute difference of two distributions over the classes, item by item.

    Convention: the largest difference that the two give to any set of classes.

    Parameters
    ----------
    shares, y_prob
        As for `jensen_shannon_divergence`.

    Returns
    -------
    float array of shape (N,)
        In [0, 1]; 0 where the two are equal.

    Raises
    ------
    ValueError
        As for `jensen_shannon_divergence`.

    References
    ----------
    .. [1] Gibbs and Su (2002), On choosing and bounding probability metrics,
       https://arxiv.org/abs/math/0209021

    Examples
    --------
    >>> total_variation_distance([[0.75, 0.25]], [[0.5, 0.5]])
    array([0.25])
    """
    shares, y_prob = check_shares(shares, y_prob)
    return np.abs(shares - y_prob).sum(axis=1) / 2


def check_shares(shares, y_prob):
    """Return `(shares, y_prob)` as distributions of one shape (N, C), float64."""
    shares = check_label_distributions(shares, name="shares").astype(np.float64)
    y_prob = check_probabilities(y_prob)
    if shares.shape != y_prob.shape:
        raise ValueError(
            "`shares` and `y_prob` must have the same shape. "
            f"Received: shares.shape={shares.shape}, y_prob.shape={y_prob.shape}"
        )
    return shares, y_prob


def check_votes_and_probabilities(votes, y_prob):
    """Return `(votes, y_prob)`: int64 and float64, both of shape (N, C)."""
    votes, y_prob = check_votes(votes), check_probabilities(y_prob)
    if votes.shape != y_prob.shape:
        raise ValueError(
            "`votes` and `y_prob` must have the same shape. "
            f"Received: votes.shape={votes.shape}, y_prob.shape={y_prob.shape}"
        )
    return votes, y_prob


def _relative_entropy(p, q):
    """sum p log(p / q) over the last axis; q > 0 wherever p > 0."""
    ratio = np.divide(p, q, out=np.ones_like(p), where=p > 0)
    return (p * np.log(ratio)).sum(axis=-1)
