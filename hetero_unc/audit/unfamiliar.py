"""Where passes contradict one another more than they do for items like those of validation."""

import dataclasses

import numpy as np

from hetero_unc.formats import format_percent

__all__ = ["UnfamiliarRule", "find_unfamiliar"]

FEWEST_REFERENCES = 50
# Entropies below this are rounding errors of float32 passes.
ROUNDING = 1e-7
# Passes that share less than this of the entropy of knowing nothing hardly contradict one another,
# however seldom that is: where nearly all items are certain, a fence lies low.
SMALLEST_SHARE = 0.05


@dataclasses.dataclass(frozen=True, eq=False)
class UnfamiliarRule:
    """Which items stand out, by which rule.

    Attributes
    ----------
    unfamiliar : boolean array of shape (N,)
    threshold : float or None
        Smallest epistemic uncertainty that was flagged, or that would be, nats.
    false_alarm_rate : float or None
        Share of false alarms among the flagged items, as far as it is known.
    how : str
        The rule in a sentence.
    """

    unfamiliar: np.ndarray
    threshold: float | None
    false_alarm_rate: float | None
    how: str


def find_unfamiliar(epistemic, validation, candidates, *, classes, validation_given, false_alarms):
    """Flag the items of largest epistemic uncertainty.

    With a validation split of its own, each candidate gets a conformal p-value: its rank among the
    validation items. Benjamini and Hochberg's rule on these keeps the expected share of false
    alarms among the flagged at or below `false_alarms`, for validation items that are all familiar
    and exchangeable with the familiar candidates. Where validation is a random half of one pool,
    unfamiliar items hide in it too, and ranks cannot tell: then Tukey's fence on the logarithm is
    used, where it is above a twentieth of log C, and the false alarms are not known.

    Parameters
    ----------
    epistemic : float array of shape (N,)
        Nats.
    validation, candidates : boolean arrays of shape (N,)
        Items compared with, and items that may be flagged by rank.
    classes : int
        C, which the entropy of knowing nothing, log C, depends on.
    validation_given : bool
        Whether the split came with the votes.
    false_alarms : float
        In (0, 1).

    Returns
    -------
    UnfamiliarRule

    References
    ----------
    .. [1] Bates, Candès, Lei, Romano and Sesia (2023), Testing for outliers with conformal
       p-values, https://arxiv.org/abs/2104.08279
    .. [2] Benjamini and Hochberg (1995), Controlling the false discovery rate,
       https://doi.org/10.1111/j.2517-6161.1995.tb02031.x
    .. [3] Tukey (1977), Exploratory data analysis, section 2E.
    """
    none = np.zeros(len(epistemic), dtype=bool)
    reference = np.sort(epistemic[validation])
    if epistemic.max() <= ROUNDING:
        how = "The passes do not differ, so nothing is known of what is unfamiliar to the model."
        return UnfamiliarRule(none, None, None, how)
    if len(reference) < FEWEST_REFERENCES:
        how = f"Fewer than {FEWEST_REFERENCES} validation items: too few to say what is unfamiliar."
        return UnfamiliarRule(none, None, None, how)
    if not validation_given:
        lower, upper = np.quantile(np.log(np.maximum(reference, ROUNDING)), [0.25, 0.75])
        fence = float(np.exp(upper + 1.5 * (upper - lower)))
        threshold = max(fence, SMALLEST_SHARE * float(np.log(classes)))
        how = (
            "Items whose passes differ far more than those of most items: beyond Tukey's fence of "
            "the logarithm of the epistemic uncertainty, and above "
            f"{format_percent(SMALLEST_SHARE, 0)} of the entropy of knowing nothing."
        )
        return UnfamiliarRule(epistemic > threshold, threshold, None, how)
    rank = len(reference) - np.searchsorted(reference, epistemic[candidates], side="left")
    p_value = (1 + rank) / (1 + len(reference))
    ordered = np.sort(p_value)
    within = np.flatnonzero(ordered <= false_alarms * np.arange(1, len(ordered) + 1) / len(ordered))
    how = (
        "Items whose passes differ more than those of nearly all validation items: conformal "
        f"p-values, Benjamini and Hochberg's rule at {false_alarms:g}."
    )
    if not len(within):
        return UnfamiliarRule(none, None, false_alarms, how)
    unfamiliar = none.copy()
    unfamiliar[np.flatnonzero(candidates)[p_value <= ordered[within[-1]]]] = True
    return UnfamiliarRule(unfamiliar, float(epistemic[unfamiliar].min()), false_alarms, how)
