"""Accuracy where the truth is a vote: what a tie is worth, and how often people agree. NumPy only.

Of 3,579 items that ten people voted on, 157 may have no single winner: how they count moves the
accuracy by more than many a method does, so every convention has its own figure.
"""

import dataclasses

import numpy as np

from hetero_unc.checks import check_votes
from hetero_unc.metrics.disagreement import check_repeated_votes, check_votes_and_probabilities

__all__ = ["VoteAccuracy", "annotator_agreement", "strict_majority", "vote_accuracy"]


@dataclasses.dataclass(frozen=True)
class VoteAccuracy:
    """The same predictions under four conventions.

    Attributes
    ----------
    first_maximum : float
        The truth is the first of the classes with the most votes, as argmax has it: ties go to the
        classes that stand first.
    fractional : float
        A predicted class that shares the most votes with m - 1 others earns 1 / m.
    any_maximum : float
        It earns 1: an upper bound.
    strict_majority : float
        Accuracy over the items where one class has more than half of the votes; NaN without any.
    strict_majority_items : int
        How many those are.
    """

    first_maximum: float
    fractional: float
    any_maximum: float
    strict_majority: float
    strict_majority_items: int


def vote_accuracy(votes, y_prob):
    """Share of items whose most probable class has the most votes, under four conventions.

    Convention: of equal probabilities the first class is the predicted one; for tied votes see
    `VoteAccuracy`.

    Parameters
    ----------
    votes : array-like of int, shape (N, C)
        Number of votes for each class; every item has at least one.
    y_prob : array-like of float, shape (N, C)
        Predicted probabilities; rows sum to 1.

    Returns
    -------
    VoteAccuracy

    Raises
    ------
    ValueError
        If an argument breaks the rules above, or the shapes differ.

    Examples
    --------
    >>> y_prob = [[0.4, 0.6], [0.4, 0.6]]
    >>> result = vote_accuracy([[2, 2], [1, 3]], y_prob)
    >>> result.first_maximum, result.fractional, result.any_maximum, result.strict_majority
    (0.5, 0.75, 1.0, 1.0)
    """
    votes, y_prob = check_votes_and_probabilities(votes, y_prob)
    predicted = y_prob.argmax(axis=1)
    most = votes == votes.max(axis=1, keepdims=True)
    among_most = most[np.arange(len(votes)), predicted]
    first = votes.argmax(axis=1) == predicted
    strict = strict_majority(votes)
    return VoteAccuracy(
        first_maximum=float(first.mean()),
        fractional=float((among_most / most.sum(axis=1)).mean()),
        any_maximum=float(among_most.mean()),
        strict_majority=float(first[strict].mean()) if strict.any() else float("nan"),
        strict_majority_items=int(np.count_nonzero(strict)),
    )


def strict_majority(votes):
    """Which items have a class with more than half of their votes.

    Convention: exactly half is no majority.

    Parameters
    ----------
    votes
        As for `vote_accuracy`.

    Returns
    -------
    bool array of shape (N,)

    Raises
    ------
    ValueError
        If `votes` break the rules above.

    Examples
    --------
    >>> strict_majority([[2, 2, 0], [3, 1, 1]])
    array([False,  True])
    """
    votes = check_votes(votes)
    return 2 * votes.max(axis=1) > votes.sum(axis=1)


def annotator_agreement(votes):
    """Share of annotations that name the class with the most votes of the item's other annotators.

    Convention: a class that shares the most of the others' votes with m - 1 more earns 1 / m; each
    annotation counts alike; items with one vote are left out.

    What one person scores against the rest is the accuracy to hold a model's against, not 100 %. A
    model is held against all votes of an item, the annotator against one fewer.

    Parameters
    ----------
    votes : array-like of int, shape (N, C)
        Number of votes for each class; every item has at least one, one item at least 2.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError
        If `votes` break the rules above.

    Examples
    --------
    Of [3, 1], three voters face [2, 1] and agree, one faces [3, 0] and does not; of [1, 1], neither
    agrees with the other:

    >>> annotator_agreement([[3, 1], [1, 1]])
    0.5
    """
    votes = check_repeated_votes(votes, fewest=2, items=1)
    agreed = 0.0
    for label in range(votes.shape[1]):
        others = votes.copy()
        # An item without a vote for the label holds -1 here, and weighs 0 below.
        others[:, label] -= 1
        most = others == others.max(axis=1, keepdims=True)
        agreed += (votes[:, label] * most[:, label] / most.sum(axis=1)).sum()
    return float(agreed / votes.sum())
