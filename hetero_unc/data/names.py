"""Ids of items and names of classes: plain lines of text, no two the same."""

import re

import numpy as np

from hetero_unc.checks import as_array

__all__ = [
    "LONGEST_NAME",
    "check_class_names",
    "check_ids",
    "check_texts",
    "in_one_line",
    "why_not_a_name",
]

# Of characters. An array of strings gives every item the room of its longest id.
LONGEST_NAME = 500
CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f]")


def why_not_a_name(text):
    """Why `text` cannot name an item, an annotator or a class, in words; None if it can."""
    if not text:
        return "is empty"
    if len(text) > LONGEST_NAME:
        return f"has {len(text)} characters, more than {LONGEST_NAME}"
    if CONTROL_CHARACTERS.search(text):
        return "holds a line break, a tab or another control character"
    return None


def in_one_line(error):
    """What a library says of a damaged file, cut short and without what a terminal would obey."""
    lines = str(error).splitlines() or [type(error).__name__]
    return "".join(mark if mark.isprintable() else "?" for mark in lines[0][:200])


def check_ids(ids, items, *, name="ids"):
    """Return one id an item as strings of shape (items,), each there once.

    Integers become their digits, so that the id 7 of one file is the id "7" of another.

    Raises
    ------
    ValueError
        Where they are no integers or strings, too few or many, no names or not unique.
    """
    array = check_texts(ids, items, name=name)
    distinct, first, counts = np.unique(array, return_index=True, return_counts=True)
    for text in distinct.tolist():
        reason = why_not_a_name(text)
        if reason:
            raise ValueError(
                f"Every one of `{name}` must be a name. Received: {text!r:.60} {reason}"
            )
    if len(distinct) < len(array):
        again = distinct[counts > 1]
        row = int(first[counts > 1].min())
        raise ValueError(
            f"`{name}` must be unique. Received: {len(again)} more than once, the first "
            f"{str(array[row])!r:.60} at row {row}"
        )
    return array


def check_texts(values, items, *, name):
    """Return integers or strings as an array of strings of shape (items,)."""
    array = as_array(values, name=name)
    if array.dtype == object and all(isinstance(value, str) for value in array.flat):
        array = array.astype(str)
    if array.shape != (items,) or array.dtype.kind not in "iuU":
        raise ValueError(
            f"`{name}` must be {items} integers or strings, shape ({items},). "
            f"Received: dtype={array.dtype}, shape={array.shape}"
        )
    return array.astype(str)


def check_class_names(classes, *, name="classes"):
    """Return the names of at least 2 classes as a tuple of strings, each there once.

    Raises
    ------
    ValueError
        Where they are fewer, no names or not unique.
    """
    if isinstance(classes, str):
        raise ValueError(
            f"`{name}` must be a sequence of names, one a class. Received: {classes!r:.60}"
        )
    names = tuple(str(text) for text in classes)
    for text in names:
        reason = why_not_a_name(text)
        if reason:
            raise ValueError(
                f"Every one of `{name}` must be a name. Received: {text!r:.60} {reason}"
            )
    twice = sorted({text for text in names if names.count(text) > 1})
    if twice or len(names) < 2:
        raise ValueError(
            f"`{name}` must be at least 2 different names. Received: {len(names)} names"
            + (f", {twice[0]!r:.60} more than once" if twice else "")
        )
    return names
