"""One classifier's predictions, as the sections of a report take them."""

import dataclasses
import functools

import numpy as np

from hetero_unc.predictive import PredictiveSummary

__all__ = ["ShownRun"]


@dataclasses.dataclass(frozen=True, eq=False)
class ShownRun:
    """What a page shows of one run, and how it draws it.

    Attributes
    ----------
    name : str
        Of the method, in words.
    summary : PredictiveSummary
        Of the N test items.
    colour, line, marker : str or tuple
        As in `hetero_unc.reports.figures.Series`.
    loc, scale : float arrays of shape (N, C), or None
        Gaussian logits of the test items, dropout off.
    shifted : PredictiveSummary or None
        Of items that belong to no class.
    history : dict of str to float array, or None
        Columns of `history.csv`.
    """

    name: str
    summary: PredictiveSummary
    colour: str = "blue"
    line: object = "-"
    marker: str = "o"
    loc: np.ndarray | None = None
    scale: np.ndarray | None = None
    shifted: PredictiveSummary | None = None
    history: dict | None = None

    @functools.cached_property
    def predicted(self):
        """The class of the largest mean probability, int of shape (N,)."""
        return self.summary.probabilities.argmax(axis=1)
