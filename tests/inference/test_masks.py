"""Masks from a counter: their distribution, and that they are functions of key and place alone."""

import numpy as np
import pytest
import scipy.stats
from keras import ops

from hetero_unc.inference import masks
from hetero_unc.inference.masks import dropped, keyed_bits

KEYS = np.random.default_rng(0).integers(0, 2**31, size=(64, 2)).astype("int32")


def uniform(keys, places):
    """The bits as numbers in [0, 1)."""
    return ops.convert_to_numpy(keyed_bits(keys, places)).astype(np.float64) / 2**32 + 0.5


def by_hand(key, place):
    """The hash of one place, in Python's integers."""

    def stirred(x):
        x = (x ^ (x >> 16)) * 0x7FEB352D % 2**32
        x = (x ^ (x >> 15)) * 0x846CA68B % 2**32
        return x ^ (x >> 16)

    first, second = int(key[0]), int(key[1])
    word = stirred((stirred((place * 2654435769 + first) % 2**32) + second) % 2**32)
    return word - 2**32 if word >= 2**31 else word


def test_bits_are_those_of_the_hash_by_hand():
    found = ops.convert_to_numpy(keyed_bits(KEYS[:3], 50))
    expected = [[by_hand(key, place) for place in range(50)] for key in KEYS[:3]]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("shift", [0, 8, 16, 24])
def test_every_byte_of_the_bits_is_uniform(shift):
    bits = ops.convert_to_numpy(keyed_bits(KEYS, 4096)).astype(np.int64) % 2**32
    counts = np.bincount((bits >> shift).ravel() % 256, minlength=256)
    assert scipy.stats.chisquare(counts).pvalue > 1e-4


def test_neighbouring_places_keys_and_second_calls_are_uncorrelated():
    places = 2**16
    close = np.array([[5, 7], [6, 7], [5, 8], [5, 9], [-5, 7], [7, 5]], "int32")
    found = uniform(close, places)
    shifted = np.concatenate([found, np.roll(found[:1], 1), np.roll(found[:1], 1024)])
    correlations = np.corrcoef(shifted)[np.triu_indices(len(shifted), 1)]
    assert np.abs(correlations).max() < 5 / np.sqrt(places)
    # Also of what a mask is made of, for several rates at once.
    for rate in (0.1, 0.5, 0.9):
        correlations = np.corrcoef(shifted >= rate)[np.triu_indices(len(shifted), 1)]
        assert np.abs(correlations).max() < 5 / np.sqrt(places)


@pytest.mark.parametrize("rate", [1e-3, 0.1, 0.4, 0.5, 0.999])
def test_the_share_of_dropped_places_is_the_rate(rate):
    shape = (64, 4, 500)
    found = ops.convert_to_numpy(
        dropped(np.ones((1, *shape[1:]), "float32"), KEYS, rate, (None,) * 2)
    )
    assert found.shape == shape
    kept = found != 0
    np.testing.assert_allclose(found[kept], 1 / (1 - rate), rtol=1e-6)
    standard_error = np.sqrt(rate * (1 - rate) / found.size)
    assert abs((1 - kept.mean()) - rate) < 5 * standard_error


def test_numbers_dropped_from_each_row_are_binomial():
    found = ops.convert_to_numpy(dropped(np.ones((1, 100, 64), "float32"), KEYS, 0.3, (None,) * 2))
    counts = np.bincount((found == 0).sum(axis=-1).ravel(), minlength=65)
    expected = scipy.stats.binom(64, 0.3).pmf(range(65)) * counts.sum()
    often = expected > 20
    statistic = ((counts - expected)[often] ** 2 / expected[often]).sum()
    assert scipy.stats.chi2(often.sum() - 1).sf(statistic) > 1e-4


def test_everything_is_dropped_at_a_rate_of_one():
    found = dropped(np.ones((1, 2, 3), "float32"), KEYS[:1], 1.0, (None, None))
    np.testing.assert_array_equal(found, np.zeros((1, 2, 3)))


def test_one_call_for_all_passes_is_a_call_for_each():
    inputs = np.random.default_rng(1).normal(size=(64, 5, 7)).astype("float32")
    together = dropped(inputs, KEYS, 0.4, (None, None))
    apart = [dropped(inputs[k : k + 1], KEYS[k : k + 1], 0.4, (None, None)) for k in range(64)]
    np.testing.assert_array_equal(together, np.concatenate(apart))


def test_axes_of_one_share_the_mask():
    inputs = np.ones((3, 4, 5, 6), "float32")
    found = ops.convert_to_numpy(dropped(inputs, KEYS[:3], 0.5, (None, 1, None)))
    assert (found == found[:, :, :1]).all()
    assert not (found == found[:, :1]).all()
    shared = ops.convert_to_numpy(dropped(inputs, KEYS[:3], 0.5, (1, None, None)))
    assert (shared == shared[:, :1]).all()
    assert not (shared == shared[:1]).all()


def test_compilation_changes_no_number(monkeypatch):
    inputs = np.random.default_rng(1).normal(size=(1, 20, 30)).astype("float32")
    plain = dropped(inputs, KEYS[:3], 0.4, (None, None))
    monkeypatch.setattr(masks, "SMALL", 0)
    np.testing.assert_array_equal(dropped(inputs, KEYS[:3], 0.4, (None, None)), plain)
