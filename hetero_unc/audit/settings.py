"""What somebody may decide about an audit. Nothing here was tuned on the data it is used on."""

import dataclasses

from hetero_unc.checks import check_count

__all__ = ["AuditSettings"]

SHARES = (
    "target_risk",
    "risk_confidence",
    "contested_disagreement",
    "false_alarms",
    "label_error",
    "label_change",
    "conformal_level",
    "level",
)


@dataclasses.dataclass(frozen=True)
class AuditSettings:
    """Thresholds and sizes of an audit.

    Attributes
    ----------
    target_risk : float, default=0.05
        Largest share of wrong predictions among those accepted, in (0, 1).
    risk_confidence : float, default=0.9
        Probability, over validation items, with which the risk is to be kept, in (0, 1).
    contested_disagreement : float, default=0.4
        An item is contested where two people would disagree at least this often, in (0, 1).
    false_alarms : float, default=0.1
        Share of false alarms aimed at in the lists of contested and unfamiliar items.
    label_error : float, default=0.05
        A label is suspected where it is wrong with at least this probability, in (0, 1): what one
        more look costs, in wrong labels. The most probable stand first.
    label_change : float, default=0.1
        One more vote is asked for where it would change the label at least this often.
    conformal_level : float, default=0.9
        Coverage aimed at by the conformal sets.
    level : float, default=0.95
        Coverage of the intervals.
    bins : int, default=15
        Bins of the calibration errors.
    resamples : int, default=1000
        Resamples of the items for an interval.
    seed : int, default=0
        Of resamples, of the halves made where there is no split, of lots between tied classes.

    Raises
    ------
    ValueError
        If a share is outside (0, 1) or a count below its minimum.
    """

    target_risk: float = 0.05
    risk_confidence: float = 0.9
    contested_disagreement: float = 0.4
    false_alarms: float = 0.1
    label_error: float = 0.05
    label_change: float = 0.1
    conformal_level: float = 0.9
    level: float = 0.95
    bins: int = 15
    resamples: int = 1000
    seed: int = 0

    def __post_init__(self):
        for name in SHARES:
            value = getattr(self, name)
            if isinstance(value, (bool, str)) or not 0 < value < 1:
                raise ValueError(f"`{name}` must lie in (0, 1). Received: {name}={value!r}")
        check_count(self.bins, name="bins")
        check_count(self.resamples, name="resamples", minimum=2)
        check_count(self.seed, name="seed", minimum=0)
