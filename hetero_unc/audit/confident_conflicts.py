"""Single labels that a confident forecast contradicts."""

import numpy as np

__all__ = ["confident_conflicts"]


def confident_conflicts(votes, y_prob):
    """Which items with one vote are forecast as another class with the confidence of its own items.

    A single vote says nothing of how sure people are, and a model that was trained on such labels
    expects some of them to be wrong: `CrowdModel.label_error` is then too low. Confident learning
    asks instead whether the forecast gives the predicted class as much as it gives it, on average,
    where the label says so too.

    Parameters
    ----------
    votes : int array of shape (N, C)
    y_prob : float array of shape (N, C)

    Returns
    -------
    boolean array of shape (N,)
        False for items with more than one vote, and where no single label names the predicted
        class.

    References
    ----------
    .. [1] Northcutt, Jiang and Chuang (2021), Confident learning: estimating uncertainty in dataset
       labels, section 3.1, https://arxiv.org/abs/1911.00068
    """
    single = votes.sum(axis=1) == 1
    labelled = np.where(single[:, None], votes, 0)
    number = labelled.sum(axis=0)
    threshold = np.full(votes.shape[1], np.inf)
    np.divide((labelled * y_prob).sum(axis=0), number, out=threshold, where=number > 0)
    predicted = y_prob.argmax(axis=1)
    rows = np.arange(len(votes))
    sure = y_prob[rows, predicted] >= threshold[predicted]
    return single & sure & (votes[rows, predicted] == 0)
