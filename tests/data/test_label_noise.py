"""Labels flipped within pairs: how many, which, and whose."""

import doctest

import numpy as np
import pytest

from hetero_unc.data import label_noise
from hetero_unc.data.label_noise import CONFUSABLE_PAIRS, flip_labels_within_pairs

PARTNER = {1: 7, 7: 1, 3: 8, 8: 3, 4: 9, 9: 4, 5: 6, 6: 5}


@pytest.fixture
def labels():
    return np.random.default_rng(0).integers(0, 10, 5000)


def test_a_fifth_of_each_paired_class_gets_its_partner_and_nothing_else_changes(labels):
    flipped, mask = flip_labels_within_pairs(labels, seed=0)
    for given in range(10):
        items = labels == given
        count = items.sum()
        assert mask[items].sum() == (round(0.2 * count) if given in PARTNER else 0)
    assert all(flipped[i] == PARTNER[labels[i]] for i in np.flatnonzero(mask))
    np.testing.assert_array_equal(flipped[~mask], labels[~mask])
    np.testing.assert_array_equal(mask, flipped != labels)
    assert (flipped.dtype, mask.dtype) == (np.int64, np.bool_)


def test_the_given_labels_are_left_as_they_are(labels):
    before = labels.copy()
    flip_labels_within_pairs(labels, seed=0)
    np.testing.assert_array_equal(labels, before)


def test_items_are_chosen_evenly_over_the_whole_array():
    # 20 seeds: each item of one class is chosen with probability .2, binomially over the seeds.
    labels = np.ones(2000, int)
    chosen = sum(flip_labels_within_pairs(labels, seed=seed)[1] for seed in range(20))
    first, last = chosen[:1000].mean(), chosen[1000:].mean()
    standard_error = np.sqrt(20 * 0.2 * 0.8 / 1000)
    assert abs(first - 4) < 5 * standard_error
    assert abs(last - 4) < 5 * standard_error
    assert abs(chosen.var() - 20 * 0.2 * 0.8) < 5 * 20 * 0.2 * 0.8 * np.sqrt(2 / 2000)


def test_the_seed_decides_and_global_random_state_does_not(labels):
    first, _ = flip_labels_within_pairs(labels, seed=1)
    np.random.seed(5)  # noqa: NPY002 the state that must not matter
    again, _ = flip_labels_within_pairs(labels, seed=1)
    other, _ = flip_labels_within_pairs(labels, seed=2)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_rate_zero_changes_nothing_and_rate_one_exchanges_the_classes(labels):
    flipped, mask = flip_labels_within_pairs(labels, rate=0, seed=0)
    np.testing.assert_array_equal(flipped, labels)
    assert not mask.any()
    flipped, mask = flip_labels_within_pairs(labels, rate=1, seed=0)
    np.testing.assert_array_equal(flipped, [PARTNER.get(label, label) for label in labels])
    np.testing.assert_array_equal(mask, [label in PARTNER for label in labels])


def test_the_usual_pairs_are_those_that_look_alike():
    assert CONFUSABLE_PAIRS == ((1, 7), (3, 8), (4, 9), (5, 6))


def test_the_example_in_the_docstring_holds():
    assert doctest.testmod(label_noise).failed == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rate": 1.5}, r"`rate` must lie in \[0, 1\]. Received: rate=1.5"),
        ({"rate": -0.1}, "rate=-0.1"),
        ({"rate": float("nan")}, "rate=nan"),
        ({"seed": None}, "`seed` must be an integer >= 0. Received: seed=None"),
        ({"seed": -1}, "seed=-1"),
        ({"pairs": ((1, 7), (7, 3))}, "at most once"),
        ({"pairs": ((1, 1),)}, "at most once"),
        ({"pairs": ((1, 10),)}, r"each class in \[0, 10\)"),
        ({"pairs": ((1, 2, 3),)}, "two classes each"),
        ({"pairs": ((1, -2),)}, "`pairs` must be an integer >= 0"),
        ({"labels": [0, 10]}, r"labels\[1\]=10"),
        ({"labels": [0.0, 1.0]}, "`labels` must be integers"),
        ({"labels": []}, "`labels` must not be empty"),
        ({"num_classes": 1}, "`num_classes` must be an integer >= 2"),
    ],
)
def test_bad_arguments_are_named(change, message):
    arguments = {"labels": [0, 1, 7], "seed": 0, **change}
    with pytest.raises(ValueError, match=message):
        flip_labels_within_pairs(**arguments)
