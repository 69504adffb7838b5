"""Votes out of rows, one function a form: rows of counts, rows of labels."""

import array
import re

import numpy as np

from hetero_unc.data.names import why_not_a_name
from hetero_unc.data.table_rows import cell_text

__all__ = ["Items", "read_counts", "read_labels"]

MOST_VOTES = 1_000_000
# Classes that are numbered and not named: enough for any, and no file can ask for more.
MOST_NUMBERED = 1000
COUNT = re.compile(r"0*([0-9]{1,7})(?:\.0*)?")


class Items:
    """The items met so far: their ids, and what belongs to an item and not to a vote."""

    def __init__(self, columns):
        self.columns = columns
        self.row_of = {}
        self.places = []
        self.attributes = []

    def __len__(self):
        return len(self.places)

    def find(self, cells):
        """Id, row (None for a new item) and attributes of the item that `cells` are about.

        Raises
        ------
        ValueError
            Saying in words why the row cannot be used.
        """
        if len(cells) != self.columns.width:
            raise ValueError(f"has {len(cells)} cells, not {self.columns.width}")
        name = cell_text(cells[self.columns.id])
        reason = why_not_a_name(name)
        if reason:
            raise ValueError(f"the id {reason}")
        attributes = tuple(cell_text(cells[index]) for index in self.columns.attributes)
        for text in attributes:
            reason = text and why_not_a_name(text)
            if reason:
                raise ValueError(f"its split or group {reason}")
        row = self.row_of.get(name)
        if row is not None and attributes != self.attributes[row]:
            raise ValueError(
                f"the split or a group of {name!r:.60} is not that of {self.places[row]}"
            )
        return name, row, attributes

    def add(self, name, attributes, place):
        """Take in a new item, first met at `place`; returns its row."""
        row = self.row_of[name] = len(self.places)
        self.places.append(place)
        self.attributes.append(attributes)
        return row


def read_counts(rows, columns, bad_rows):
    """Items, votes (N, C) and undecided answers (N,) of rows with a count for each class."""
    items = Items(columns)
    positions = [*columns.counts.values(), *columns.undecided.values()]
    names = [*columns.counts, *columns.undecided]
    counted = array.array("q")
    for place, cells in rows:
        try:
            name, row, attributes = items.find(cells)
            if row is not None:
                raise ValueError(f"{name!r:.60} was there before, {items.places[row]}")
            counts = [_count(cells[index]) for index in positions]
            if None in counts:
                wrong = counts.index(None)
                raise ValueError(
                    f"{names[wrong]!r:.60} is {cell_text(cells[positions[wrong]])!r:.60}, "
                    f"no whole number from 0 to {MOST_VOTES}"
                )
        except ValueError as reason:
            bad_rows.add(place, str(reason), cells)
            continue
        items.add(name, attributes, place)
        counted.extend(counts)
    counted = np.array(counted, dtype=np.int64).reshape(len(items), len(names))
    classes = len(columns.counts)
    return items, counted[:, :classes], counted[:, classes:].sum(axis=1)


def read_labels(rows, columns, classes, undecided, bad_rows):
    """Items and single votes of rows with a label each.

    Returns
    -------
    items : Items
    annotators : list of str
        Each there once.
    votes : int64 array of shape (3, M)
        Row of the item, index of the annotator, index of the class; -1 for an undecided answer.

    Raises
    ------
    ValueError
        Where `classes` is None and labels are names, whose order is not in the file.
    """
    items = Items(columns)
    index_of = None if classes is None else {name: index for index, name in enumerate(classes)}
    annotators, voted, votes, unordered = {}, set(), array.array("q"), []
    for place, cells in rows:
        try:
            name, row, attributes = items.find(cells)
            annotator = "" if columns.annotator is None else cell_text(cells[columns.annotator])
            reason = annotator and why_not_a_name(annotator)
            if reason:
                raise ValueError(f"the annotator {reason}")
            if row is not None and columns.annotator is None:
                raise ValueError(
                    f"{name!r:.60} was there before, {items.places[row]}; several votes for one "
                    "item need a column 'annotator'"
                )
            who = annotators.get(annotator, len(annotators))
            if annotator and (row, who) in voted:
                raise ValueError(f"{annotator!r:.60} has voted on {name!r:.60} before")
            text = cell_text(cells[columns.label])
            label = _label(text, index_of, undecided)
        except ValueError as reason:
            bad_rows.add(place, str(reason), cells)
            continue
        if label is None and text:
            unordered.append(text)
            if len(unordered) > 20:
                break
            continue
        row = items.add(name, attributes, place) if row is None else row
        if text:
            annotators.setdefault(annotator, who)
            voted.add((row, who))
            votes.extend((row, who, label))
    if unordered:
        found = sorted(set(unordered))
        raise ValueError(
            "`classes` must be given where labels are names: their order is not in the file. "
            f"Received: labels such as {', '.join(f'{text!r:.40}' for text in found[:5])}"
        )
    return items, list(annotators), np.array(votes, dtype=np.int64).reshape(-1, 3).T


def _count(cell):
    text = cell_text(cell)
    if not text:
        return 0
    found = COUNT.fullmatch(text)
    return int(found[1]) if found and int(found[1]) <= MOST_VOTES else None


def _label(text, index_of, undecided):
    """Index of the class; -1 if undecided; None if empty, or if names have no order yet."""
    if not text:
        return None
    if text in undecided:
        return -1
    if index_of is None:
        if not (text.isascii() and text.isdigit()):
            return None
        if len(text) > 4 or int(text) >= MOST_NUMBERED or str(int(text)) != text:
            raise ValueError(
                f"the label {text!r:.60} is no whole number from 0 to {MOST_NUMBERED - 1}; give "
                "`classes` if it is a name"
            )
        return int(text)
    if text not in index_of:
        raise ValueError(f"the label {text!r:.60} is none of the classes")
    return index_of[text]
