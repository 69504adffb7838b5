"""One classifier's predictions of items that several people labelled, as a page takes them."""

import dataclasses
import functools

import numpy as np

from hetero_unc.metrics import disagreement, vote_shares
from hetero_unc.predictive import PredictiveSummary

__all__ = ["PARTS", "VotedRun", "sorts"]

# The doubts that the second seed tells apart -> its letters for them.
PARTS = {"aleatoric": "U_a", "epistemic": "U_e", "total": "U_t"}


@dataclasses.dataclass(frozen=True, eq=False)
class VotedRun:
    """What a page shows of one run on one split, and how it draws it.

    Attributes
    ----------
    name : str
        Of the method, in words.
    summary : PredictiveSummary
        Of the N items.
    predicted_disagreement : float array of shape (N,)
        The model's own forecast of `disagreement`.
    votes : int array of shape (N, C)
        Votes for each class.
    images : uint8 array of shape (N, H, W, 1)
    class_names : tuple of str
        Of the C classes.
    row : dict
        Its numbers, as in results.json; `intervals` holds [low, high] of some.
    colour, line, marker : str or tuple
        As in `hetero_unc.reports.figures.Series`.
    groups : int array of shape (N,), or None
        Identical images carry one value, and intervals draw them together. None: no two are.
    """

    name: str
    summary: PredictiveSummary
    predicted_disagreement: np.ndarray
    votes: np.ndarray
    images: np.ndarray
    class_names: tuple
    row: dict = dataclasses.field(default_factory=dict)
    colour: str = "blue"
    line: object = "-"
    marker: str = "o"
    groups: np.ndarray | None = None

    def __len__(self):
        return len(self.votes)

    @functools.cached_property
    def predicted(self):
        """The class of the largest mean probability, int of shape (N,)."""
        return self.summary.probabilities.argmax(axis=1)

    @functools.cached_property
    def majority(self):
        """The class with most votes, the first of equals, int of shape (N,)."""
        return self.votes.argmax(axis=1)

    @functools.cached_property
    def shares(self):
        """Shares of the votes, float of shape (N, C)."""
        return vote_shares(self.votes)

    @functools.cached_property
    def disagreement(self):
        """Chance that two votes of an item differ, drawn with replacement; float of shape (N,)."""
        return disagreement(self.votes)

    def number(self, key, decimals=3):
        """An entry of `row` as text, with its interval where there is one; "–" without it."""
        value = self.row.get(key)
        if value is None:
            return "–"
        interval = self.row.get("intervals", {}).get(key)
        between = f" [{interval[0]:.{decimals}f}, {interval[1]:.{decimals}f}]" if interval else ""
        return f"{value:.{decimals}f}{between}"

    def doubts(self):
        """Name in words -> values of shape (N,), of each part of doubt."""
        return {part: getattr(self.summary, part) for part in PARTS}


def sorts(doubt):
    """Whether a doubt tells items apart, and is not the same for nearly all, as of a network that
    ignores its input, or of the passes of one without dropout.

    By the rule that leaves its numbers out of the rows of results.
    """
    low, high = np.quantile(doubt, (0.05, 0.95))
    return bool(low < high)
