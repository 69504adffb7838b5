"""Labels that contradict each other at a known rate."""

import numpy as np

from hetero_unc.checks import check_count, check_labels

__all__ = ["CONFUSABLE_PAIRS", "flip_labels_within_pairs"]

CONFUSABLE_PAIRS = ((1, 7), (3, 8), (4, 9), (5, 6))


def flip_labels_within_pairs(labels, pairs=CONFUSABLE_PAIRS, rate=0.2, *, seed, num_classes=10):
    """Give some labels of each pair of classes the other class of that pair.

    `rate` is a share of the labels of each class that stands in a pair, met as exactly as whole
    items allow (rounded to the nearest), so the rate of contradiction is known and not drawn.
    Classes in no pair keep all their labels: with the usual pairs, MNIST's 0 and 2, so that
    contested and uncontested items can be held against each other. Of all labels of MNIST,
    about 16 % then differ.

    Parameters
    ----------
    labels : array-like of int, shape (N,)
        In [0, num_classes).
    pairs : sequence of pairs of int
        No class twice.
    rate : float, default=0.2
        In [0, 1].
    seed : int
        At least 0; decides which items.
    num_classes : int, default=10

    Returns
    -------
    flipped : ndarray of int64, shape (N,)
        A new array.
    mask : ndarray of bool, shape (N,)
        True where `flipped` differs from `labels`.

    Raises
    ------
    ValueError
        Where an argument is not as above.

    Examples
    --------
    >>> flipped, mask = flip_labels_within_pairs([0, 1, 1, 7, 7], rate=0.5, seed=0)
    >>> int(mask[0]), int(mask[1:3].sum()), int(mask[3:].sum())
    (0, 1, 1)
    """
    num_classes = check_count(num_classes, name="num_classes", minimum=2)
    labels = check_labels(labels, num_classes)
    pairs = _check_pairs(pairs, num_classes)
    if not 0 <= rate <= 1:
        raise ValueError(f"`rate` must lie in [0, 1]. Received: rate={rate!r}")
    rng = np.random.default_rng(check_count(seed, name="seed", minimum=0))
    flipped = labels.copy()
    for pair in pairs:
        for given, other in (pair, pair[::-1]):
            items = np.flatnonzero(labels == given)
            chosen = rng.choice(items, size=round(rate * len(items)), replace=False)
            flipped[chosen] = other
    return flipped, flipped != labels


def _check_pairs(pairs, num_classes):
    pairs = [tuple(pair) for pair in pairs]
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError(f"`pairs` must hold two classes each. Received: pairs={pairs}")
    classes = [check_count(name, name="pairs", minimum=0) for pair in pairs for name in pair]
    if len(set(classes)) < len(classes) or max(classes, default=0) >= num_classes:
        raise ValueError(
            f"`pairs` must name each class in [0, {num_classes}) at most once. "
            f"Received: pairs={pairs}"
        )
    return pairs
