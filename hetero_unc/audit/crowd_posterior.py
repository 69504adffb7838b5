"""What is known of the crowd's opinion of an item, and what one more vote would add.

Everything is exact for shares q ~ Dirichlet(a) with a = prior + votes, total A.
"""

import dataclasses

import numpy as np

__all__ = ["VoteValue", "contested_probability", "value_of_one_more_vote"]


@dataclasses.dataclass(frozen=True, eq=False)
class VoteValue:
    """What one more vote would do, item by item.

    Attributes
    ----------
    gain : float array of shape (N,)
        Expected rise of the chance that a member of the crowd agrees with the label, >= 0.
    label_change : float array of shape (N,)
        Probability that the label changes, in [0, 1].
    """

    gain: np.ndarray
    label_change: np.ndarray


def value_of_one_more_vote(dirichlet):
    """Expected value of one more vote, where an item's label is the class with the largest a.

    The vote is for class y with probability a_y / A. It changes the label where a_y + 1 exceeds the
    largest a, and then by (a_y + 1 - max a) / (A + 1); E[max] - max is the sum of the two.

    Parameters
    ----------
    dirichlet : float array of shape (N, C)
        a, positive.

    Returns
    -------
    VoteValue

    References
    ----------
    .. [1] Raiffa and Schlaifer (1961), Applied statistical decision theory, chapter 4 (expected
       value of sample information).
    .. [2] Frazier, Powell and Dayanik (2008), A knowledge-gradient policy for sequential
       information collection, https://doi.org/10.1137/070693424
    """
    dirichlet = np.asarray(dirichlet, dtype=np.float64)
    total = dirichlet.sum(axis=1, keepdims=True)
    ahead = np.maximum(dirichlet + 1 - dirichlet.max(axis=1, keepdims=True), 0.0)
    np.put_along_axis(ahead, dirichlet.argmax(axis=1)[:, None], 0.0, axis=1)
    chance = dirichlet / total
    gain = (chance * ahead).sum(axis=1) / (total[:, 0] + 1)
    return VoteValue(gain, np.where(ahead > 0, chance, 0.0).sum(axis=1))


def contested_probability(dirichlet, disagreement):
    """Probability that two members of the crowd differ at least so often: P(1 - sum q^2 >= d).

    Convention: mean and variance of sum_k q_k^2 are exact; between them the distribution is taken
    as that Beta on [1 / C, 1]. Against draws it is off by less than 0.1 where votes are counted in.

    Parameters
    ----------
    dirichlet : float array of shape (N, C)
        a, positive.
    disagreement : float
        d, in (0, 1).

    Returns
    -------
    float array of shape (N,)
        0 everywhere if d >= 1 - 1 / C, which no crowd reaches.
    """
    from scipy import special

    dirichlet = np.asarray(dirichlet, dtype=np.float64)
    classes = dirichlet.shape[1]
    if disagreement >= 1 - 1 / classes:
        return np.zeros(len(dirichlet))
    total = dirichlet.sum(axis=1)
    second = dirichlet * (dirichlet + 1)
    fourth = second * (dirichlet + 2) * (dirichlet + 3)
    of_second = total * (total + 1)
    mean = second.sum(axis=1) / of_second
    square = (
        np.square(second.sum(axis=1)) - np.square(second).sum(axis=1) + fourth.sum(axis=1)
    ) / (of_second * (total + 2) * (total + 3))
    smallest = 1 / classes
    scaled = np.clip((mean - smallest) / (1 - smallest), 1e-12, 1 - 1e-12)
    variance = np.maximum(square - mean**2, 0) / (1 - smallest) ** 2
    size = np.maximum(scaled * (1 - scaled) / np.maximum(variance, 1e-15) - 1, 1e-6)
    edge = (1 - disagreement - smallest) / (1 - smallest)
    return special.betainc(scaled * size, (1 - scaled) * size, edge)
