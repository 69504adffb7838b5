"""Draws are Normal, fresh where they must be, equal where they must be, and touch nothing global.

Statistical tolerances are five standard errors.
"""

import random

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
from keras import ops

from hetero_unc.gaussian import as_distribution, draw_logits, draw_shared_logits

DRAWS, ITEMS, CLASSES = 4000, 8, 3
STANDARD_ERRORS = 5
DRAW = {"own": draw_logits, "shared": draw_shared_logits}


def parameters(seed=0, items=ITEMS, classes=CLASSES):
    rng = np.random.default_rng(seed)
    loc, scale = rng.normal(0, 3, (items, classes)), rng.gamma(2.0, 1.0, (items, classes))
    return np.stack([loc, scale], axis=-1).astype("float32")


def standardised(draw, *, seed=0, given=None, draws=DRAWS):
    """Standard Normals behind the draws, `(D, N, C)` in float64."""
    given = parameters() if given is None else given
    logits = ops.convert_to_numpy(draw(ops.convert_to_tensor(given), draws, seed=seed))
    return (logits.astype(np.float64) - given[..., 0]) / given[..., 1]


def numbers(draw, given, *, seed=0, draws=20):
    return ops.convert_to_numpy(draw(ops.convert_to_tensor(given), draws, seed=seed))


@pytest.mark.parametrize("draw", DRAW.values(), ids=DRAW)
def test_draws_have_the_moments_of_the_normal(draw):
    noise = standardised(draw)
    assert noise.shape == (DRAWS, ITEMS, CLASSES)
    error = STANDARD_ERRORS / DRAWS**0.5
    # The n-th moment's standard error is sqrt((E e^2n - (E e^n)^2) / D).
    np.testing.assert_allclose(noise.mean(0), 0, atol=error)
    np.testing.assert_allclose((noise**2).mean(0), 1, atol=error * 2**0.5)
    np.testing.assert_allclose((noise**3).mean(0), 0, atol=error * 15**0.5)
    np.testing.assert_allclose((noise**4).mean(0), 3, atol=error * 96**0.5)


@pytest.mark.parametrize("draw", DRAW.values(), ids=DRAW)
def test_draws_follow_the_normal_law(draw):
    noise = standardised(draw)[:, 0, 0]
    assert scipy.stats.kstest(noise, "norm").pvalue > 1e-6


def test_draws_of_items_classes_and_draws_are_independent():
    noise = standardised(draw_logits).reshape(DRAWS, ITEMS * CLASSES)
    correlation = noise.T @ noise / DRAWS
    np.fill_diagonal(correlation, 0)
    np.testing.assert_allclose(correlation, 0, atol=STANDARD_ERRORS / DRAWS**0.5)
    following = (noise[1:] * noise[:-1]).mean(axis=0)
    np.testing.assert_allclose(following, 0, atol=STANDARD_ERRORS / (DRAWS - 1) ** 0.5)


def test_shared_draws_are_those_of_the_item_alone():
    noise = standardised(draw_shared_logits, draws=50)
    np.testing.assert_allclose(noise - noise[:, :1], 0, atol=1e-5)
    given = parameters()
    whole = numbers(draw_shared_logits, given)
    for item in (0, 5):
        alone = numbers(draw_shared_logits, given[item : item + 1])
        np.testing.assert_array_equal(alone[:, 0], whole[:, item])


@pytest.mark.parametrize("draw", DRAW.values(), ids=DRAW)
def test_the_same_seed_gives_the_same_numbers_to_the_bit(draw):
    compiled = tf.function(lambda given: draw(given, 20, seed=3))
    eager = numbers(draw, parameters(), seed=3)
    np.testing.assert_array_equal(eager, numbers(draw, parameters(), seed=3))
    np.testing.assert_array_equal(eager, compiled(parameters()))
    np.testing.assert_array_equal(eager, compiled(parameters()))


@pytest.mark.parametrize("draw", DRAW.values(), ids=DRAW)
@pytest.mark.parametrize("other", [0, 1, 2**31 - 1, 2**32 - 1])
def test_another_seed_gives_other_numbers(draw, other):
    first, second = standardised(draw, seed=7), standardised(draw, seed=other)
    error = STANDARD_ERRORS / DRAWS**0.5
    np.testing.assert_allclose((first * second).mean(axis=0), 0, atol=error)


def test_an_empty_batch_has_no_draws():
    assert numbers(draw_logits, np.zeros((0, 3, 2), "float32")).shape == (20, 0, 3)


class TestFreshDraws:
    """Own draws depend on the values of the batch, so that no state has to be kept."""

    @staticmethod
    def correlation(first, second):
        one, other = standardised(draw_logits, given=first), standardised(draw_logits, given=second)
        return np.abs((one * other).mean(axis=0)).max()

    LIMIT = STANDARD_ERRORS / DRAWS**0.5

    def test_one_bit_of_one_parameter_changes_all_draws(self):
        given = parameters()
        for place in [(0, 0, 0), (0, 0, 1), (7, 2, 0), (3, 1, 1)]:
            other = given.copy()
            other[place] = np.nextafter(other[place], np.float32(np.inf))
            assert self.correlation(given, other) < self.LIMIT, place

    def test_reordered_items_get_other_draws(self):
        given = parameters()
        for order in ([1, 0, *range(2, 8)], [*range(1, 8), 0], list(range(7, -1, -1))):
            assert self.correlation(given, given[order]) < self.LIMIT, order

    def test_swapped_classes_and_swapped_loc_and_scale_get_other_draws(self):
        given = np.abs(parameters())
        assert self.correlation(given, given[:, [1, 0, 2]]) < self.LIMIT
        assert self.correlation(given, given[:, :, ::-1]) < self.LIMIT

    def test_a_batch_and_its_beginning_get_other_draws(self):
        given = np.zeros((8, 3, 2), "float32")
        given[..., 1] = 1.0
        whole, part = (standardised(draw_logits, given=rows) for rows in (given, given[:4]))
        error = STANDARD_ERRORS / DRAWS**0.5
        np.testing.assert_allclose((whole[:, :4] * part).mean(axis=0), 0, atol=error)

    def test_round_values_get_draws_of_their_own(self):
        # Such values differ in few bits, and sums of them repeat unless the bits are stirred.
        rng = np.random.default_rng(0)
        draw = tf.function(lambda given: draw_logits(given, 2, seed=0))
        seen = {}
        for _ in range(600):
            given = rng.choice([0.5, 1.0, 2.0, 4.0], (2, 2, 2)).astype("float32")
            noise = (draw(given).numpy() - given[..., 0]) / given[..., 1]
            seen[given.tobytes()] = np.round(noise, 3).tobytes()
        assert len(seen) > 590
        assert len(set(seen.values())) == len(seen)

    def test_extreme_and_special_values_are_mixed_without_complaint(self):
        given = parameters()
        given[0, 0] = [3.4e38, 1e-38]
        given[1, 1] = [-0.0, 0.0]
        with np.errstate(all="raise"):
            assert np.isfinite(numbers(draw_logits, given)[:, 2:]).all()


def test_the_distribution_has_the_density_of_scipy():
    given = parameters()
    values = np.random.default_rng(1).normal(0, 4, (ITEMS, CLASSES)).astype("float32")
    distribution = as_distribution(ops.convert_to_tensor(given))
    assert distribution.batch_shape == (ITEMS,)
    assert distribution.event_shape == (CLASSES,)
    expected = scipy.stats.norm.logpdf(values, given[..., 0], given[..., 1]).sum(axis=-1)
    np.testing.assert_allclose(distribution.log_prob(values), expected, rtol=2e-5)
    np.testing.assert_allclose(distribution.mean(), given[..., 0])
    np.testing.assert_allclose(distribution.stddev(), given[..., 1])


def test_a_low_rank_factor_is_refused():
    given = ops.zeros((2, 3, 4))
    for call in (
        lambda: draw_logits(given, 5, seed=0),
        lambda: draw_shared_logits(given, 5, seed=0),
    ):
        with pytest.raises(ValueError, match=r"must have rank 0 to be drawn. Received: rank=2"):
            call()


def test_the_softmax_of_two_classes_is_not_taken_for_parameters():
    with pytest.raises(ValueError, match=r"must have shape \(N, C, 2\).*Received: shape=\(8, 2\)"):
        draw_logits(ops.zeros((8, 2)), 5, seed=0)


def test_the_gradient_through_the_draws_is_that_of_loc_plus_scale_times_noise():
    given = tf.constant(parameters())
    weights = tf.constant(np.random.default_rng(2).normal(size=(6, ITEMS, CLASSES)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(given)
        logits = draw_logits(given, 6, seed=0)
        total = tf.reduce_sum(weights * logits)
    found = tape.gradient(total, given)
    noise = (logits - given[..., 0]) / given[..., 1]
    np.testing.assert_allclose(found[..., 0], tf.reduce_sum(weights, 0), atol=1e-4)
    np.testing.assert_allclose(found[..., 1], tf.reduce_sum(weights * noise, 0), atol=1e-4)


def test_drawing_touches_no_global_random_state():
    keras.utils.set_random_seed(5)
    before = random.getstate(), np.random.get_state()  # noqa: NPY002 (it must stay untouched)
    draws = tf.random.normal((3,)), keras.random.normal((3,))
    keras.utils.set_random_seed(5)
    for draw in DRAW.values():
        numbers(draw, parameters(), seed=1)
        tf.function(lambda given, draw=draw: draw(given, 3, seed=1))(parameters())
    assert random.getstate() == before[0]
    np.testing.assert_equal(np.random.get_state(), before[1])  # noqa: NPY002
    np.testing.assert_array_equal(tf.random.normal((3,)), draws[0])
    np.testing.assert_array_equal(keras.random.normal((3,)), draws[1])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_draws_have_the_dtype_of_the_parameters(dtype):
    given = ops.convert_to_tensor(parameters().astype(dtype))
    for draw in DRAW.values():
        assert keras.backend.standardize_dtype(draw(given, 3, seed=0).dtype) == dtype
