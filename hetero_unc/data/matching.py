"""Predictions and votes of the same items, brought together by id."""

import dataclasses
import os

import numpy as np

from hetero_unc.data.image_folder import SUFFIXES
from hetero_unc.data.predictions import Predictions
from hetero_unc.data.vote_table import VoteTable

__all__ = ["Matched", "match"]


@dataclasses.dataclass(frozen=True, eq=False)
class Matched:
    """Predictions and votes whose row i is about the same item, and what had no counterpart.

    Attributes
    ----------
    predictions : Predictions
        Of the matched items, in the order of the predictions, with ids and classes.
    vote_table : VoteTable
        Of the same items in the same order, its classes in the order of the predictions. Its split
        calls "training" what the predictions say the model was trained on.
    predictions_without_votes, votes_without_predictions : tuple of str
        Ids that stand on one side only.
    matched_without_suffix : int
        How many ids differ in the suffix of an image file, such as "a/1" and "a/1.png".
    by_position : bool
        True where items were matched by their position and not by id.
    classes_by_position : bool
        True where the predictions name no classes, so that columns were matched by position.
    """

    predictions: Predictions
    vote_table: VoteTable
    predictions_without_votes: tuple[str, ...]
    votes_without_predictions: tuple[str, ...]
    matched_without_suffix: int
    by_position: bool
    classes_by_position: bool


def match(predictions, vote_table, *, by_position=False):
    """Bring predictions and votes of the same items together.

    Items are matched by id; where an id of the votes is none of the predictions', by id without the
    suffix of an image file, if that tells one prediction from all others. Classes are matched by
    name where the predictions name them, and by position where they do not.

    Parameters
    ----------
    predictions : Predictions
    vote_table : VoteTable
    by_position : bool, default=False
        Take row i of one for row i of the other, whatever their ids; the votes' ids are kept. Rows
        of the file without a vote have then shifted those after them, so there must be none.

    Returns
    -------
    Matched

    Raises
    ------
    ValueError
        Where the predictions have no ids, no id is on both sides, or the classes differ; by
        position, where the numbers of items differ, or items without votes or bad rows were left
        out of the vote table.
    """
    classes, columns = _match_classes(predictions, vote_table)
    if by_position:
        _check_positions(predictions, vote_table)
        ours = theirs = np.arange(len(predictions))
        ids = vote_table.ids
        without_suffix = 0
    else:
        ours, theirs, without_suffix = _match_ids(predictions, vote_table)
        ids = vote_table.ids[theirs]
    alone, unpredicted = np.ones(len(predictions), bool), np.ones(len(vote_table), bool)
    alone[ours], unpredicted[theirs] = False, False
    votes = vote_table.take(theirs)
    # The predictions may be most of what memory holds: they are copied only if some are left out.
    predicted = predictions.take(ours) if alone.any() else predictions
    annotations = votes.annotations
    if annotations is not None:
        new_column = np.argsort(columns)
        annotations = dataclasses.replace(annotations, labels=new_column[annotations.labels])
    return Matched(
        predictions=dataclasses.replace(predicted, ids=ids, classes=classes),
        vote_table=dataclasses.replace(
            votes,
            classes=classes,
            votes=votes.votes[:, columns],
            annotations=annotations,
            split=_split(votes.split, predicted.trained_on),
        ),
        predictions_without_votes=tuple(predictions.ids[alone].tolist()) if alone.any() else (),
        votes_without_predictions=tuple(vote_table.ids[unpredicted].tolist()),
        matched_without_suffix=without_suffix,
        by_position=by_position,
        classes_by_position=predictions.classes is None,
    )


def _match_classes(predictions, vote_table):
    """Names of the classes, and the vote table's column of each, in the predictions' order."""
    named, voted = predictions.classes, vote_table.classes
    count = predictions.probabilities.shape[2]
    if named is None:
        if count != len(voted):
            raise ValueError(
                f"`predictions` and `vote_table` must have the same classes. Received: {count} "
                f"columns of probabilities without names, {len(voted)} classes of votes: "
                f"{_listed(voted)}"
            )
        return voted, np.arange(count)
    unvoted = [name for name in named if name not in voted]
    unknown = [name for name in voted if name not in named]
    if unvoted or unknown:
        raise ValueError(
            "`predictions` and `vote_table` must have the same classes; `classes` and `undecided` "
            f"of read_votes say which columns are classes. Received: only in the predictions: "
            f"{_listed(unvoted)}; only in the votes: {_listed(unknown)}"
        )
    return named, np.array([voted.index(name) for name in named])


def _match_ids(predictions, vote_table):
    """Rows of the predictions and of the votes of the same id, and how many differ in a suffix."""
    if predictions.ids is None:
        raise ValueError(
            "`predictions` must have ids to be matched with votes; by_position=True "
            "(--by-position) says that they stand in the same order. Received: ids=None"
        )
    predicted, voted = predictions.ids.tolist(), vote_table.ids.tolist()
    row_of = {name: row for row, name in enumerate(voted)}
    rows = np.array([row_of.get(name, -1) for name in predicted])
    alike = _differing_in_suffix(predicted, voted)
    for ours, theirs in alike:
        rows[ours] = theirs
    ours = np.flatnonzero(rows >= 0)
    if not len(ours):
        raise ValueError(
            "`predictions` and `vote_table` must have ids in common. Received: predictions of "
            f"{_listed(predictions.ids[:3])}, ...; votes on {_listed(vote_table.ids[:3])}, ..."
        )
    return ours, rows[ours], len(alike)


def _differing_in_suffix(predicted, voted):
    """Pairs of rows whose ids, equal to none of the other side, are so without their suffixes."""
    both = set(predicted) & set(voted)
    if len(both) in (len(predicted), len(voted)):
        return []
    named = [{}, {}]
    for ids, rows_of in zip((predicted, voted), named, strict=True):
        for row, name in enumerate(ids):
            stem, suffix = os.path.splitext(name)
            stem = stem if suffix.lower() in SUFFIXES else name
            # An id that has its counterpart takes part too: two files of one stem are no stem's.
            rows_of.setdefault(stem, []).append(-1 if name in both else row)
    return [
        (ours[0], named[1][stem][0])
        for stem, ours in named[0].items()
        if len(ours) == len(named[1].get(stem, ())) == 1 and ours[0] >= 0 <= named[1][stem][0]
    ]


def _split(split, trained_on):
    """The split of the votes, or none, with "training" for what the model was trained on."""
    if trained_on is None or not trained_on.any():
        return split
    return np.where(trained_on, "training", "" if split is None else split)


def _check_positions(predictions, vote_table):
    left_out = len(vote_table.without_votes) + vote_table.bad_rows
    if len(predictions) != len(vote_table) or left_out:
        raise ValueError(
            "`predictions` and `vote_table` must have the same items in the same order to be "
            f"matched by position. Received: {len(predictions)} predictions, {len(vote_table)} "
            f"items with votes, {left_out} left out because they had none or were bad rows"
        )


def _listed(names):
    shown = ", ".join(f"{str(name)!r:.40}" for name in names[:8])
    return (shown + (", ..." if len(names) > 8 else "")) or "none"
