"""cleanlab's label score, as one more column beside our own.

References
----------
Northcutt, Jiang and Chuang (2021), Confident learning: estimating uncertainty in dataset labels,
https://arxiv.org/abs/1911.00068; Kuan and Mueller (2022), Model-agnostic label quality scoring to
detect real-world label errors (self-confidence).
"""

__all__ = ["label_quality"]


def label_quality(votes, y_prob):
    """cleanlab's self-confidence score of each item's plurality label.

    Parameters
    ----------
    votes : int array of shape (N, C)
    y_prob : float array of shape (N, C)

    Returns
    -------
    float array of shape (N,), or None
        In [0, 1], low where the label looks wrong; None where cleanlab is not installed.
    """
    try:
        from cleanlab.rank import get_label_quality_scores
    except ImportError:
        return None
    normalised = y_prob / y_prob.sum(axis=1, keepdims=True)
    return get_label_quality_scores(votes.argmax(axis=1), normalised, method="self_confidence")
