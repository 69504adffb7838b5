"""Conditions on the numbers of an audit, for a build that is to stop: `ece_votes>0.05`."""

import dataclasses
import operator
import re

__all__ = ["Condition", "parse_condition"]

COMPARISONS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
FORM = re.compile(r"\s*(\w+)\s*(>=|<=|>|<)\s*(\S+)\s*")


@dataclasses.dataclass(frozen=True)
class Condition:
    """`name comparison bound`, true of some audits and not of others."""

    name: str
    comparison: str
    bound: float

    def holds(self, numbers):
        """Whether it is true of `numbers`, a dict of str to float or None.

        Raises
        ------
        ValueError
            If there is no such number, or this audit could not tell it.
        """
        if self.name not in numbers:
            raise ValueError(
                f"A condition must name one of {', '.join(sorted(numbers))}. Received: {self}"
            )
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
        return Condition(name, comparison, float(bound))
    except (AttributeError, ValueError):
        raise ValueError(
            f"A condition must have the form NAME>NUMBER, with >, <, >= or <=. Received: {text!r}"
        ) from None
