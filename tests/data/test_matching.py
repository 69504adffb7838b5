"""Predictions and votes brought together: a double loop over ids and names says what is right."""

import numpy as np
import pytest

from hetero_unc.data import Annotations, Predictions, VoteTable, match

RNG = np.random.default_rng(0)
PROBABILITIES = RNG.dirichlet(np.ones(3), (2, 4))
PREDICTED = ["d", "b", "x", "a"]
VOTED = ["a", "b", "c", "d"]
VOTES = np.array([[1, 0, 2], [0, 1, 0], [3, 0, 0], [0, 2, 1]])


def predictions(**changes):
    own = {"ids": PREDICTED, "classes": ("cow", "cat", "dog"), "loc": PROBABILITIES}
    return Predictions(PROBABILITIES, **{**own, **changes})


def votes(**changes):
    rows, labels = np.nonzero(VOTES)
    items, labels = (np.repeat(index, VOTES[rows, labels]) for index in (rows, labels))
    own = {
        "ids": VOTED,
        "annotations": Annotations(items, np.arange(len(items)), labels),
        "split": [f"split of {name}" for name in VOTED],
        "groups": {"age": [f"age of {name}" for name in VOTED]},
    }
    return VoteTable(classes=("cat", "dog", "cow"), votes=VOTES, **{**own, **changes})


def test_rows_are_matched_by_id_and_columns_by_name():
    matched = match(predictions(), votes())
    assert matched.predictions.ids.tolist() == matched.vote_table.ids.tolist() == ["d", "b", "a"]
    assert matched.predictions.classes == matched.vote_table.classes == ("cow", "cat", "dog")
    assert matched.predictions_without_votes == ("x",)
    assert matched.votes_without_predictions == ("c",)
    assert (matched.by_position, matched.classes_by_position) == (False, False)
    for row, name in enumerate(["d", "b", "a"]):
        np.testing.assert_array_equal(
            matched.predictions.probabilities[:, row], PROBABILITIES[:, PREDICTED.index(name)]
        )
        assert matched.vote_table.split[row] == f"split of {name}"
        assert matched.vote_table.groups["age"][row] == f"age of {name}"
        for column, named in enumerate(("cow", "cat", "dog")):
            expected = VOTES[VOTED.index(name), ("cat", "dog", "cow").index(named)]
            assert matched.vote_table.votes[row, column] == expected
    # The table itself checks that annotations still add up to votes.
    assert len(matched.vote_table.annotations) == matched.vote_table.votes.sum()


def test_predictions_are_not_copied_where_all_have_votes():
    own = predictions(ids=["d", "b", "c", "a"])
    matched = match(own, votes())
    assert np.shares_memory(matched.predictions.probabilities, own.probabilities)
    np.testing.assert_array_equal(matched.vote_table.votes, VOTES[[3, 1, 2, 0]][:, [2, 0, 1]])


def test_classes_without_names_are_matched_by_position():
    matched = match(predictions(classes=None), votes())
    assert matched.classes_by_position
    assert matched.predictions.classes == ("cat", "dog", "cow")
    np.testing.assert_array_equal(matched.vote_table.votes, VOTES[[3, 1, 0]])


def test_integers_match_their_digits():
    matched = match(predictions(ids=np.array([3, 1, 9, 0])), votes(ids=["0", "1", "2", "3"]))
    assert matched.predictions.ids.tolist() == ["3", "1", "0"]


def test_what_was_trained_on_is_training_whatever_the_votes_say():
    trained_on = np.array([True, False, True, False])  # of d, b, x, a
    matched = match(predictions(trained_on=trained_on), votes())
    assert matched.vote_table.split.tolist() == ["training", "split of b", "split of a"]
    assert matched.predictions.trained_on.tolist() == [True, False, False]
    bare = match(predictions(trained_on=trained_on), votes(split=None))
    assert bare.vote_table.split.tolist() == ["training", "", ""]
    none = match(predictions(trained_on=~trained_on & False), votes(split=None))
    assert none.vote_table.split is None


def stem(name):
    return name[:-4] if name[-4:].lower() in (".png", ".jpg") else name


def test_suffixes_of_images_may_be_missing_where_that_tells_items_apart():
    rng = np.random.default_rng(0)
    names = [first + last for first in "abc" for last in ("", ".png", ".JPG", ".txt", ".v1")]
    for _ in range(300):
        predicted, voted = (rng.permutation(names)[: rng.integers(1, 6)].tolist() for _ in "ab")
        expected = {}
        for ours in predicted:
            for theirs in voted:
                alone = [
                    sum(stem(other) == stem(ours) for other in side) for side in (predicted, voted)
                ]
                if ours == theirs or (stem(ours) == stem(theirs) and alone == [1, 1]):
                    expected[ours] = theirs
        own = Predictions(np.full((len(predicted), 2), 0.5), ids=predicted)
        table = VoteTable(voted, ("x", "y"), np.arange(1, 2 * len(voted) + 1).reshape(-1, 2))
        if not expected:
            with pytest.raises(ValueError, match="ids in common"):
                match(own, table)
            continue
        matched = match(own, table)
        assert matched.predictions.ids.tolist() == list(expected.values())
        assert matched.matched_without_suffix == sum(a != b for a, b in expected.items())
        rows = [voted.index(name) for name in expected.values()]
        np.testing.assert_array_equal(matched.vote_table.votes, table.votes[rows])


def test_positions_count_only_where_told():
    nameless = predictions(ids=None)
    with pytest.raises(ValueError, match="by_position=True"):
        match(nameless, votes())
    matched = match(nameless, votes(), by_position=True)
    assert matched.by_position
    assert matched.predictions.ids.tolist() == VOTED
    np.testing.assert_array_equal(matched.predictions.probabilities, PROBABILITIES)
    np.testing.assert_array_equal(matched.vote_table.votes, VOTES[:, [2, 0, 1]])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (votes().take([0, 1, 2]), "4 predictions, 3 items with votes, 0 left out"),
        (votes(without_votes=("e",)), "4 items with votes, 1 left out"),
        (votes(bad_rows=2), "4 items with votes, 2 left out"),
    ],
)
def test_positions_that_may_have_shifted_are_refused(table, message):
    with pytest.raises(ValueError, match=message):
        match(predictions(), table, by_position=True)


def test_nothing_in_common_is_refused_with_ids_of_both():
    with pytest.raises(ValueError, match=r"predictions of '1', .* votes on 'a', 'b'"):
        match(predictions(ids=[1, 2, 3, 4]), votes())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"classes": ("cow", "cat", "hen")},
            "only in the predictions: 'hen'; only in the votes: 'dog'",
        ),
        ({"classes": None, "loc": None}, "3 columns .* without names, 2 classes of votes"),
    ],
)
def test_other_classes_are_refused(changes, message):
    table = votes()
    if changes["classes"] is None:
        table = VoteTable(VOTED, ("cat", "dog"), [[1, 0]] * 4)
    with pytest.raises(ValueError, match=message):
        match(predictions(**changes), table)
