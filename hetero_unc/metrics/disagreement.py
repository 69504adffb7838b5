"""How far annotators are from one another. NumPy only.

Each function returns one value an item; a mean over items and its interval are the caller's, with
`hetero_unc.metrics.bootstrap_interval`. Entropies in nats.
"""

import numpy as np

from hetero_unc.checks import check_probabilities, check_votes
from hetero_unc.metrics.decomposition import entropy

__all__ = [
    "disagreement",
    "label_entropy",
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


def check_votes_and_probabilities(votes, y_prob):
    """Return `(votes, y_prob)`: int64 and float64, both of shape (N, C)."""
    votes, y_prob = check_votes(votes), check_probabilities(y_prob)
    if votes.shape != y_prob.shape:
        raise ValueError(
            "`votes` and `y_prob` must have the same shape. "
            f"Received: votes.shape={votes.shape}, y_prob.shape={y_prob.shape}"
        )
    return votes, y_prob


def check_repeated_votes(votes, *, fewest, items):
    """Return the rows of `votes` (N, C) with at least `fewest` votes, int64; at least `items`."""
    votes = check_votes(votes)
    votes = votes[votes.sum(axis=1) >= fewest]
    if len(votes) < items:
        raise ValueError(
            f"`votes` must have at least {items} item{'s' if items > 1 else ''} with {fewest} "
            f"votes or more. Received: {len(votes)}"
        )
    return votes
