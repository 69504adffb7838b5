"""What annotators said about items: counts of votes, and single annotations where they are known.

`read_votes` makes one from a file or a data frame; from arrays it is made by hand.
"""

import dataclasses

import numpy as np

from hetero_unc.checks import as_array, check_count, check_labels, check_votes
from hetero_unc.data.names import check_class_names, check_ids, check_texts

__all__ = ["Annotations", "VoteTable"]


@dataclasses.dataclass(frozen=True, eq=False)
class Annotations:
    """Who said what about which item: M votes, one by one.

    Attributes
    ----------
    items : int64 array of shape (M,)
        Row of the vote table, in [0, N).
    annotators : str array of shape (M,)
        Who voted; "" where that is not known, so that two "" need not be one person.
    labels : int64 array of shape (M,)
        Class, in [0, C).
    """

    items: np.ndarray
    annotators: np.ndarray
    labels: np.ndarray

    def __len__(self):
        return len(self.items)


@dataclasses.dataclass(frozen=True, eq=False)
class VoteTable:
    """Votes of annotators for N items and C classes, checked when put together.

    Attributes
    ----------
    ids : str array of shape (N,)
        Path or id of each item, each there once. Integers given are kept as their digits.
    classes : tuple of str, length C
        Names of the classes, in the order of the columns of `votes`.
    votes : int64 array of shape (N, C)
        How many annotators chose each class: >= 0, at least one vote a row.
    annotations : Annotations, optional
        The same votes one by one, where the annotators are known; they add up to `votes`.
    split : str array of shape (N,), optional
        Which part of the data each item belongs to, such as "train"; "" where that is left open.
    groups : dict of str to str array of shape (N,)
        What else is known of each item, such as {"age": ...}; "" where it is not known.
    undecided : int64 array of shape (N,), optional
        Answers such as "can't tell" that are votes for no class; zeros if not given.
    without_votes : tuple of str
        Ids of items that were listed without a vote for any class. They are in no other field.
    ignored_columns : tuple of str
        Columns of the file that were not used.
    bad_rows : int
        How many rows of the file were skipped because they could not be used.

    Raises
    ------
    ValueError
        Where these do not fit together.
    """

    ids: np.ndarray
    classes: tuple[str, ...]
    votes: np.ndarray = dataclasses.field(repr=False)
    annotations: Annotations | None = dataclasses.field(default=None, repr=False)
    split: np.ndarray | None = dataclasses.field(default=None, repr=False)
    groups: dict[str, np.ndarray] = dataclasses.field(default_factory=dict, repr=False)
    undecided: np.ndarray | None = dataclasses.field(default=None, repr=False)
    without_votes: tuple[str, ...] = ()
    ignored_columns: tuple[str, ...] = ()
    bad_rows: int = 0

    def __post_init__(self):
        classes = check_class_names(self.classes)
        votes = check_votes(self.votes)
        items = len(votes)
        if votes.shape[1] != len(classes):
            raise ValueError(
                f"`votes` must have a column for each of the {len(classes)} classes. "
                f"Received: shape={votes.shape}"
            )
        undecided = (
            np.zeros(items)
            if self.undecided is None
            else as_array(self.undecided, name="undecided")
        )
        if (
            undecided.shape != (items,)
            or undecided.dtype.kind not in "iuf"
            or ((undecided < 0) | (undecided != np.floor(undecided))).any()
        ):
            raise ValueError(
                f"`undecided` must be {items} counts >= 0. Received: dtype={undecided.dtype}, "
                f"shape={undecided.shape}"
            )
        checked = {
            "ids": check_ids(self.ids, items),
            "classes": classes,
            "votes": votes,
            "undecided": undecided.astype(np.int64),
            "groups": {
                str(name): check_texts(values, items, name=f"groups[{name!r}]")
                for name, values in self.groups.items()
            },
            "without_votes": tuple(map(str, self.without_votes)),
            "ignored_columns": tuple(map(str, self.ignored_columns)),
            "bad_rows": check_count(self.bad_rows, name="bad_rows", minimum=0),
        }
        if self.split is not None:
            checked["split"] = check_texts(self.split, items, name="split")
        if self.annotations is not None:
            checked["annotations"] = _check_annotations(self.annotations, votes)
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def __len__(self):
        return len(self.ids)

    def left_out(self):
        """What of the source is not in the table, as sentences; an empty list for nothing."""
        sentences = []
        if self.without_votes:
            sentences.append(f"{len(self.without_votes):,} items without a vote were left out.")
        if self.bad_rows:
            sentences.append(f"{self.bad_rows:,} rows of the votes could not be used.")
        return sentences

    def take(self, rows):
        """The table of some of its items.

        Parameters
        ----------
        rows : array of int
            Rows in [0, N), each at most once; the new table is in their order.

        Returns
        -------
        VoteTable
            With the annotations of these items only, in the order they had.
        """
        rows = np.asarray(rows, dtype=np.int64)
        annotations = self.annotations
        if annotations is not None:
            new_row = np.full(len(self), -1)
            new_row[rows] = np.arange(len(rows))
            items = new_row[annotations.items]
            kept = items >= 0
            annotations = Annotations(
                items[kept], annotations.annotators[kept], annotations.labels[kept]
            )
        return dataclasses.replace(
            self,
            ids=self.ids[rows],
            votes=self.votes[rows],
            annotations=annotations,
            split=None if self.split is None else self.split[rows],
            groups={name: values[rows] for name, values in self.groups.items()},
            undecided=self.undecided[rows],
        )


def _check_annotations(annotations, votes):
    items, classes = votes.shape
    rows = check_labels(annotations.items, max(items, 2), name="annotations.items")
    labels = check_labels(annotations.labels, classes, name="annotations.labels")
    annotators = check_texts(annotations.annotators, len(rows), name="annotations.annotators")
    if len(labels) != len(rows) or rows.max() >= items:
        raise ValueError(
            "`annotations` must have one label for each item named, all of them rows of `votes`. "
            f"Received: {len(rows)} items up to {rows.max()}, {len(labels)} labels, {items} rows"
        )
    counted = np.bincount(rows * classes + labels, minlength=votes.size).reshape(votes.shape)
    if (counted != votes).any():
        row = int(np.flatnonzero((counted != votes).any(axis=1))[0])
        raise ValueError(
            f"`annotations` must add up to `votes`. Received: row {row} has votes "
            f"{votes[row].tolist()} and annotations {counted[row].tolist()}"
        )
    return Annotations(rows, annotators, labels)
