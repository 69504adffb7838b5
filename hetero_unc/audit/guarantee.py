"""A threshold on doubt that keeps the risk of what is accepted, with a stated probability.

Learn-then-Test: each candidate threshold is a hypothesis "the accepted are wrong more often than
the target", tested by the exact binomial tail of the validation items that it accepts. Candidates
are tested from the strictest on, in a few runs that share the error budget; a run ends at its first
failure, which bounds the probability of any false rejection.

References
----------
Angelopoulos, Bates, Candès, Jordan and Lei (2021), Learn then Test: calibrating predictive
algorithms to achieve risk control, section 2.3 and its example on selective classification,
https://arxiv.org/abs/2110.01052; Geifman and El-Yaniv (2017), Selective classification for deep
neural networks, https://arxiv.org/abs/1705.08500
"""

import dataclasses

import numpy as np

from hetero_unc.checks import check_array

__all__ = ["Guarantee", "candidate_thresholds", "plurality_losses", "risk_bound", "risk_threshold"]

RUNS = 3
CANDIDATES = 100


@dataclasses.dataclass(frozen=True)
class Guarantee:
    """A threshold, and what the validation items say of it.

    Attributes
    ----------
    threshold : float or None
        Largest doubt that is accepted; None where no candidate passed.
    accepted : int
        Validation items at or below it.
    risk : float
        Their share of wrong predictions; NaN if none are accepted.
    """

    threshold: float | None
    accepted: int
    risk: float


def plurality_losses(votes, predicted, *, seed=0):
    """1 where the prediction is not the class with most votes, else 0, (N,).

    Convention: tied classes are settled by lot, which keeps the expected loss of 1 - 1 / ties and
    lets each loss be 0 or 1.

    Parameters
    ----------
    votes : int array of shape (N, C)
    predicted : int array of shape (N,)
    seed : int, default=0

    Returns
    -------
    int array of shape (N,)
    """
    lots = np.random.default_rng(seed).random(votes.shape)
    drawn = np.where(votes == votes.max(axis=1, keepdims=True), lots, -1.0).argmax(axis=1)
    return (drawn != predicted).astype(np.int64)


def candidate_thresholds(doubt):
    """Up to 100 values at equal steps of coverage, ascending, of items that do not validate.

    Parameters
    ----------
    doubt : float array of shape (N,)
        Of items independent of those that the thresholds are tested on.
    """
    return np.unique(np.quantile(doubt, np.arange(1, CANDIDATES + 1) / CANDIDATES, method="higher"))


def risk_threshold(doubt, losses, candidates, *, target_risk, confidence):
    """The largest candidate that is shown to keep the risk.

    Over repetitions of the validation items, the share of wrong predictions among all items of
    `doubt <= threshold` exceeds the target in at most 1 - confidence of them. It holds for items
    drawn as the validation items were, and for nothing else.

    Parameters
    ----------
    doubt : float array of shape (N,)
        Of validation items; small is sure.
    losses : array of 0 and 1, shape (N,)
        1 where the prediction is wrong.
    candidates : float array
        Ascending; may depend on anything but the validation items.
    target_risk, confidence : float
        In (0, 1).

    Returns
    -------
    Guarantee

    Raises
    ------
    ValueError
        If the arrays differ in length, or a loss is neither 0 nor 1.
    """
    from scipy import special  # not at the top: importing the room must stay quick

    doubt = check_array(doubt, name="doubt", ndim=1)
    losses = check_array(losses, name="losses", ndim=1)
    if doubt.shape != losses.shape:
        raise ValueError(
            "`doubt` and `losses` must have the same length. "
            f"Received: len(doubt)={len(doubt)}, len(losses)={len(losses)}"
        )
    if not np.isin(losses, (0, 1)).all():
        raise ValueError(f"`losses` must be 0 or 1. Received: values up to {losses.max():.6g}")
    order = np.argsort(doubt)
    accepted = np.searchsorted(doubt[order], candidates, side="right")
    wrong = np.concatenate([[0], np.cumsum(losses[order])])[accepted]
    # P(Binomial(accepted, target) <= wrong): small where the risk must be below the target.
    p_value = np.where(accepted > 0, special.bdtr(wrong, np.maximum(accepted, 1), target_risk), 1.0)

    # So few accepted that even no error proves nothing: no run may start there. Expected from the
    # candidates' positions, because the number itself belongs to the validation items.
    budget = (1 - confidence) / RUNS
    expected = len(doubt) * np.arange(1, len(candidates) + 1) / len(candidates)
    first = np.searchsorted(expected, 1.2 * np.log(budget) / np.log1p(-target_risk))
    passed = np.append(p_value <= budget, False)
    best = -1
    # The runs start at equal ratios of coverage, the last at half of the items: a few confident
    # errors end the first, and what is accepted beyond half is reached on the way.
    for start in np.geomspace(first + 1, max(first + 1, len(candidates) / 2), RUNS).astype(int) - 1:
        if start < len(candidates) and passed[start]:
            best = max(best, start + int(np.argmin(passed[start:])) - 1)
    if best < 0:
        return Guarantee(None, 0, float("nan"))
    return Guarantee(
        float(candidates[best]), int(accepted[best]), float(wrong[best] / accepted[best])
    )


def risk_bound(wrong, accepted, *, confidence):
    """Upper limit of a share of errors: `wrong` of `accepted`, one-sided (Clopper and Pearson).

    Parameters
    ----------
    wrong, accepted : array-like of float
        `0 <= wrong <= accepted`; expected counts may be fractional.
    confidence : float
        In (0, 1).

    Returns
    -------
    float array
        In [0, 1]; 1 where everything or nothing is accepted and all of it wrong.
    """
    from scipy import special

    wrong, accepted = np.asarray(wrong, dtype=float), np.asarray(accepted, dtype=float)
    open_ended = wrong >= accepted
    limit = special.betaincinv(wrong + 1, np.where(open_ended, 1.0, accepted - wrong), confidence)
    return np.where(open_ended, 1.0, limit)
