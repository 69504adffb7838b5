"""Conditions on the numbers of an audit, for a build that is to stop: `ece_votes>0.05`."""

import dataclasses
import operator
import re

from hetero_unc.audit.routing import ROUTES

__all__ = ["NAMES", "Condition", "parse_condition"]

# The headline numbers of every audit; some are None where they cannot be told.
NAMES = (
    "accuracy",
    "random_vote_agreement",
    "krippendorff_alpha",
    "ece_votes",
    "ece_votes_equal_mass",
    "calibration_debiased",
    "calibration_worst_bin",
    "overconfidence",
    "total_variation",
    "entropy_calibration",
    "log_loss_votes",
    "brier_votes",
    "risk_accepted",
    "coverage",
    "disagreement_correlation",
    *ROUTES,
)

COMPARISONS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
FORM = re.compile(r"\s*(\w+)\s*(>=|<=|>|<)\s*(\S+)\s*")


@dataclasses.dataclass(frozen=True)
class Condition:
    """`name comparison bound`, true of some audits and not of others."""

    name: str
    comparison: str
    bound: float

    def holds(self, numbers):
        """Whether it is true of `numbers`, a dict of each of `NAMES` to float or None.

        Raises
        ------
        ValueError
            If this audit could not tell the number.
        """
        if numbers[self.name] is None:
            raise ValueError(
                f"`{self.name}` could not be told from these predictions and votes, so the "
                f"condition cannot be judged. Received: {self}"
            )
        return COMPARISONS[self.comparison](numbers[self.name], self.bound)

    def __str__(self):
        return f"{self.name}{self.comparison}{self.bound:g}"


def parse_condition(text):
    """Read a condition such as `ece_votes>0.05`.

    Raises
    ------
    ValueError
        If `text` is none.

    Examples
    --------
    >>> parse_condition("accuracy < 0.9")
    Condition(name='accuracy', comparison='<', bound=0.9)
    """
    found = FORM.fullmatch(text)
    try:
        name, comparison, bound = found.groups()
        condition = Condition(name, comparison, float(bound))
    except (AttributeError, ValueError):
        raise ValueError(
            f"A condition must have the form NAME>NUMBER, with >, <, >= or <=. Received: {text!r}"
        ) from None
    if name not in NAMES:
        raise ValueError(f"A condition must name one of {', '.join(NAMES)}. Received: {text!r}")
    return condition
