"""The order of the batches: each pass a permutation, and any step a place to begin."""

import itertools

import numpy as np
import pytest

from hetero_unc.training.batches import batches_per_pass, shuffled_batches

ITEMS = 10
IMAGES, LABELS = np.arange(ITEMS) * 10.0, np.arange(ITEMS)


def taken(count, batch_size=4, **kwargs):
    arguments = {"seed": 3, **kwargs}
    return list(itertools.islice(shuffled_batches(IMAGES, LABELS, batch_size, **arguments), count))


@pytest.mark.parametrize(
    ("items", "size", "batches"), [(10, 4, 3), (8, 4, 2), (3, 4, 1), (1, 1, 1)]
)
def test_the_last_batch_of_a_pass_counts(items, size, batches):
    assert batches_per_pass(items, size) == batches


@pytest.mark.parametrize("batch_size", [1, 3, 4, 5, 10, 99])
def test_every_pass_shows_every_item_once(batch_size):
    per_pass = batches_per_pass(ITEMS, batch_size)
    stream = taken(3 * per_pass, batch_size)
    for start in range(0, len(stream), per_pass):
        images, labels = (np.concatenate(p) for p in zip(*stream[start : start + per_pass]))  # noqa: B905
        assert sorted(labels) == list(LABELS)
        np.testing.assert_array_equal(images, labels * 10.0)
    assert {len(labels) for _, labels in stream} <= {min(batch_size, ITEMS), ITEMS % batch_size}


def test_passes_differ_in_order():
    orders = [tuple(labels) for _, labels in taken(4, batch_size=ITEMS)]
    assert len(set(orders)) == 4


@pytest.mark.parametrize("first_step", [0, 1, 2, 3, 4, 7])
def test_a_stream_that_begins_later_goes_on_as_the_whole_one_does(first_step):
    whole, later = taken(12), taken(12 - first_step, first_step=first_step)
    for one, other in zip(whole[first_step:], later, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_seed_decides():
    same = [taken(5), taken(5)]
    for one, other in zip(*same, strict=True):
        np.testing.assert_array_equal(one, other)
    other = taken(5, seed=4)
    assert any((one[1] != two[1]).any() for one, two in zip(same[0], other, strict=True))


def test_places_in_the_order_are_drawn_evenly():
    firsts = [labels[0] for _, labels in taken(3000, batch_size=ITEMS)]
    counts = np.bincount(firsts, minlength=ITEMS)
    # Five standard deviations of a binomial count.
    np.testing.assert_allclose(counts, 300, atol=5 * (3000 * 0.1 * 0.9) ** 0.5)
