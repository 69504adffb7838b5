"""Votes spoilt at a known rate, and what the crowd's shares then are. NumPy only."""

import numpy as np

from hetero_unc.checks import check_count, check_probabilities, check_votes

__all__ = ["add_label_noise", "noisy_shares"]


def add_label_noise(votes, rate, *, seed):
    """Votes of which some became votes for another class.

    Convention: each vote on its own, with chance `rate`, for any of the other classes alike. At one
    seed the votes that change at a rate also change, to the same class, at every higher rate.

    Parameters
    ----------
    votes : array-like of int, shape (N, C)
        Number of votes for each class, >= 0; every item has at least one.
    rate : float
        In [0, 1].
    seed : int
        At least 0.

    Returns
    -------
    int64 array of shape (N, C)
        Rows have as many votes as before.

    Raises
    ------
    ValueError
        If an argument breaks the rules above.

    Examples
    --------
    >>> add_label_noise([[10, 0], [0, 4]], 1.0, seed=0)
    array([[ 0, 10],
           [ 4,  0]])
    """
    votes = check_votes(votes)
    if not 0 <= rate <= 1:
        raise ValueError(f"`rate` must lie in [0, 1]. Received: rate={rate!r}")
    rng = np.random.default_rng([check_count(seed, name="seed", minimum=0), 0])
    items, classes = votes.shape
    item, given = np.nonzero(votes)
    item, given = np.repeat(item, votes[item, given]), np.repeat(given, votes[item, given])
    chance, step = rng.random(len(item)), rng.integers(1, classes, size=len(item))
    said = np.where(chance < rate, (given + step) % classes, given)
    return np.bincount(item * classes + said, minlength=votes.size).reshape(items, classes)


def noisy_shares(shares, rate):
    """Chance of each class after `add_label_noise`, where it was `shares` before.

    Convention: (1 - rate) p + rate (1 - p) / (C - 1), exactly; its entropy is the true aleatoric
    doubt that a model should then find.

    Parameters
    ----------
    shares : array-like of float, shape (N, C)
        Rows sum to 1.
    rate : float
        In [0, 1].

    Returns
    -------
    float array of shape (N, C)

    Raises
    ------
    ValueError
        If an argument breaks the rules above.

    Examples
    --------
    >>> noisy_shares([[1.0, 0.0, 0.0]], 0.2)
    array([[0.8, 0.1, 0.1]])
    """
    shares = check_probabilities(shares, name="shares")
    if not 0 <= rate <= 1:
        raise ValueError(f"`rate` must lie in [0, 1]. Received: rate={rate!r}")
    return (1 - rate) * shares + rate * (1 - shares) / (shares.shape[1] - 1)
