"""Predictions and votes of the same items, brought together by id."""

import dataclasses

from hetero_unc.data.predictions import Predictions
from hetero_unc.data.vote_table import VoteTable

__all__ = ["Matched"]


@dataclasses.dataclass(frozen=True, eq=False)
class Matched:
    """Predictions and votes whose row i is about the same item, and what had no counterpart.

    Attributes
    ----------
    predictions : Predictions
        Of the matched items, in the order of the predictions, with ids and classes.
    vote_table : VoteTable
        Of the same items in the same order, its classes in the order of the predictions.
    predictions_without_votes, votes_without_predictions : tuple of str
        Ids that stand on one side only.
    by_position : bool
        True where items were matched by their position and not by id.
    classes_by_position : bool
        True where the predictions name no classes, so that columns were matched by position.
    """

    predictions: Predictions
    vote_table: VoteTable
    predictions_without_votes: tuple[str, ...]
    votes_without_predictions: tuple[str, ...]
    by_position: bool
    classes_by_position: bool
