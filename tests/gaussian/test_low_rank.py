"""Logits with a low-rank covariance, against dense covariance."""

import numpy as np
import pytest
import scipy.special
from keras import ops

from hetero_unc.gaussian import expected_softmax, log_expected_softmax
from hetero_unc.gaussian.low_rank import (
    conditional_logits,
    factor_noise,
    log_mean_over_factor,
    shared_factor_noise,
)
from hetero_unc.layers import LogExpectedSoftmax

ITEMS, CLASSES, RANK = 3, 4, 2


def parameters(seed=0):
    rng = np.random.default_rng(seed)
    loc, scale = rng.normal(0, 2, (ITEMS, CLASSES, 1)), rng.gamma(2, 0.4, (ITEMS, CLASSES, 1))
    factor = rng.normal(0, 0.8, (ITEMS, CLASSES, RANK))
    return np.concatenate([loc, scale, factor], axis=-1).astype("float32")


def dense_softmax(row, count=400_000):
    """Mean softmax, and its standard error, of draws from the dense covariance matrix."""
    covariance = np.diag(row[:, 1] ** 2) + row[:, 2:] @ row[:, 2:].T
    draws = np.random.default_rng(1).multivariate_normal(row[:, 0], covariance, count)
    softmax = scipy.special.softmax(draws, axis=-1)
    return softmax.mean(0), softmax.std(0) / np.sqrt(count)


@pytest.mark.parametrize("training", [False, True])
def test_the_layer_gives_the_softmax_under_the_dense_covariance(training):
    given = parameters()
    layer = LogExpectedSoftmax(factor_draws=1024)
    found = np.exp(ops.convert_to_numpy(layer(ops.convert_to_tensor(given), training=training)))
    np.testing.assert_allclose(found.sum(-1), 1, atol=1e-5)
    for row, one in zip(given, found, strict=True):
        wanted, error = dense_softmax(row)
        np.testing.assert_allclose(one, wanted, atol=5 * error.max() + 2e-3)


def test_without_a_factor_nothing_changes():
    given = parameters()
    given[..., 2:] = 0
    layer = LogExpectedSoftmax(factor_draws=8)
    wanted = log_expected_softmax(given[..., 0], given[..., 1])
    np.testing.assert_allclose(layer(given), wanted, atol=2e-6)


def test_two_classes_have_a_closed_covariance():
    # Only the difference matters: its variance is the sum of scales and of squared differences.
    loc, scale = np.array([[0.4, -0.3]]), np.array([[0.5, 0.8]])
    factor = np.array([[[1.1], [-0.6]]])
    noise = shared_factor_noise(2048, 1)
    given = conditional_logits(*(part.astype("float32") for part in (loc, scale, factor)), noise)
    found = np.exp(log_mean_over_factor(log_expected_softmax(*given), 2048))[0]
    spread = np.sqrt((scale**2).sum() + (1.1 + 0.6) ** 2)
    wanted = expected_softmax(loc, np.array([[spread, 0.0]]))[0]
    np.testing.assert_allclose(found, wanted, atol=2e-4)


def test_points_are_standard_normals_fresh_for_each_batch_and_shared_at_prediction():
    given = ops.convert_to_tensor(parameters())
    noise = ops.convert_to_numpy(factor_noise(given, 512, seed=0))
    assert noise.shape == (512, RANK, ITEMS)
    np.testing.assert_allclose(noise.mean(0), 0, atol=0.02)
    np.testing.assert_allclose(noise.std(0), 1, atol=0.05)
    np.testing.assert_array_equal(ops.convert_to_numpy(factor_noise(given, 512, seed=0)), noise)
    for other in (factor_noise(given, 512, seed=1), factor_noise(given + 1, 512, seed=0)):
        assert (ops.convert_to_numpy(other) != noise).mean() > 0.9
    assert shared_factor_noise(100, RANK).shape == (100, RANK, 1)
    np.testing.assert_array_equal(shared_factor_noise(100, RANK), shared_factor_noise(100, RANK))


def test_gradients_reach_loc_scale_and_factor():
    tf = pytest.importorskip("tensorflow")
    given = tf.constant(parameters())
    layer = LogExpectedSoftmax(factor_draws=16)
    noise = factor_noise(given, 16, seed=0)  # the layer's own, which depend on the values

    def value(given):
        conditional = conditional_logits(given[..., 0], given[..., 1], given[..., 2:], noise)
        return log_mean_over_factor(log_expected_softmax(*conditional), 16)

    with tf.GradientTape() as tape:
        tape.watch(given)
        whole = layer(given, training=True)[:, 1]
    found = tape.gradient(whole, given).numpy()
    for place in ((0, 1, 0), (1, 2, 1), (2, 0, 2), (0, 3, 3)):
        step = np.zeros(given.shape, "float32")
        step[place] = 1e-2
        change = value(given + step)[place[0], 1] - value(given - step)[place[0], 1]
        assert found[place] == pytest.approx(float(change) / 2e-2, abs=2e-3)
