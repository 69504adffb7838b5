"""A vote table put together by hand: what fits together, and what does not."""

import numpy as np
import pytest

from hetero_unc.data import Annotations, VoteTable

WHOLE = {
    "ids": ["a", "b", "c"],
    "classes": ("cat", "dog"),
    "votes": [[2, 0], [1, 1], [0, 1]],
    "annotations": Annotations(
        np.array([0, 0, 1, 1, 2]), np.array(["j", "k", "j", "k", ""]), np.array([0, 0, 0, 1, 1])
    ),
    "split": ["train", "test", ""],
    "groups": {"age": ["old", "young", "old"]},
    "undecided": [0, 1, 0],
}


def table(**changes):
    return VoteTable(**{**WHOLE, **changes})


def test_a_table_holds_what_it_was_given():
    votes = table()
    assert len(votes) == 3
    assert votes.votes.dtype == np.int64
    assert votes.ids.tolist() == ["a", "b", "c"]
    assert votes.groups["age"].tolist() == ["old", "young", "old"]


def test_what_is_not_given_is_empty():
    votes = VoteTable([7, 8], ["cat", "dog"], [[1, 0], [0, 1]])
    assert votes.ids.tolist() == ["7", "8"]
    assert votes.undecided.tolist() == [0, 0]
    assert (votes.annotations, votes.split, votes.groups) == (None, None, {})


def test_taking_rows_takes_all_that_belongs_to_them():
    votes = table().take([2, 0])
    assert votes.ids.tolist() == ["c", "a"]
    assert votes.votes.tolist() == [[0, 1], [2, 0]]
    assert votes.split.tolist() == ["", "train"]
    assert votes.groups["age"].tolist() == ["old", "old"]
    assert votes.undecided.tolist() == [0, 0]
    assert votes.annotations.items.tolist() == [1, 1, 0]
    assert votes.annotations.annotators.tolist() == ["j", "k", ""]
    assert votes.annotations.labels.tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ids": ["a", "b"]}, "`ids` must be 3 integers or strings"),
        (
            {"ids": ["a", "b", "a"]},
            "`ids` must be unique. Received: 1 more than once.*'a' at row 0",
        ),
        ({"ids": ["a", "b", ""]}, "must be a name. Received: '' is empty"),
        ({"ids": ["a", "b", "c\n"]}, "line break, a tab or another control character"),
        ({"ids": ["a", "b", "c" * 501]}, "501 characters, more than 500"),
        ({"ids": [0.0, 1.0, 2.0]}, "Received: dtype=float64"),
        ({"classes": "cd"}, "`classes` must be a sequence of names"),
        ({"classes": ("cat", "cat")}, "2 names, 'cat' more than once"),
        ({"classes": ("cat", "dog", "cow")}, "a column for each of the 3 classes"),
        ({"votes": [[2, 0], [1, 1], [0, 0]]}, "Every row of `votes` must hold a vote"),
        ({"votes": [[2, 0], [1, 1], [0, 0.5]]}, "must be counts"),
        ({"undecided": [0, -1, 0]}, "`undecided` must be 3 counts"),
        ({"undecided": [0, 1]}, "`undecided` must be 3 counts"),
        ({"split": ["train"]}, "`split` must be 3 integers or strings"),
        ({"groups": {"age": [0.5, 1, 2]}}, r"`groups\['age'\]` must be 3 integers or strings"),
        ({"votes": [[2, 0], [2, 0], [0, 1]]}, r"row 1 has votes \[2, 0\] and annotations \[1, 1\]"),
        ({"bad_rows": -1}, "`bad_rows` must be an integer >= 0"),
    ],
)
def test_what_does_not_fit_together_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        table(**change)


@pytest.mark.parametrize(
    ("items", "labels", "message"),
    [
        ([0, 3], [0, 1], r"`annotations.items` must lie in \[0, 3\)"),
        ([0, 1], [0, 2], r"`annotations.labels` must lie in \[0, 2\)"),
        ([0, 1], [0], "2 items up to 1, 1 labels"),
    ],
)
def test_annotations_of_other_items_or_classes_are_refused(items, labels, message):
    annotations = Annotations(np.array(items), np.array(["j", "k"]), np.array(labels))
    with pytest.raises(ValueError, match=message):
        table(annotations=annotations)
