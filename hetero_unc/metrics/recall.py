"""Accuracy class by class: what an average over items hides. NumPy only."""

import numpy as np

from hetero_unc.checks import check_predictions

__all__ = ["balanced_accuracy", "class_recall"]


def class_recall(y_true, y_prob):
    """Share of each class's items that are predicted as it.

    Convention: of equal probabilities the first class is the predicted one.

    Parameters
    ----------
    y_true : array-like of int, shape (n_samples,)
        True class of each item, in [0, n_classes).
    y_prob : array-like of float, shape (n_samples, n_classes)
        Predicted probabilities; rows sum to 1.

    Returns
    -------
    float array of shape (n_classes,)
        In [0, 1]; NaN for a class that no item has.

    Raises
    ------
    ValueError
        If an argument breaks the rules above.

    Examples
    --------
    >>> class_recall([0, 0, 1], [[0.9, 0.1, 0.0], [0.2, 0.8, 0.0], [0.3, 0.7, 0.0]])
    array([0.5, 1. , nan])
    """
    y_true, y_prob = check_predictions(y_true, y_prob)
    classes = y_prob.shape[1]
    items = np.bincount(y_true, minlength=classes)
    hits = np.bincount(y_true[y_prob.argmax(axis=1) == y_true], minlength=classes)
    return hits / np.where(items > 0, items, np.nan)


def balanced_accuracy(y_true, y_prob):
    """Mean recall over the classes that occur: rare classes count as much as common ones.

    Convention: that of `class_recall`; classes without an item are left out.

    Parameters
    ----------
    y_true, y_prob
        As for `class_recall`.

    Returns
    -------
    float
        In [0, 1]; 1 is best; 1 / (classes that occur) for always the same one of them.

    Raises
    ------
    ValueError
        As for `class_recall`.

    References
    ----------
    .. [1] Brodersen, Ong, Stephan and Buhmann (2010), The balanced accuracy and its posterior
       distribution, https://doi.org/10.1109/ICPR.2010.764

    Examples
    --------
    >>> balanced_accuracy([0, 0, 1], [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]])
    0.75
    """
    return float(np.nanmean(class_recall(y_true, y_prob)))
