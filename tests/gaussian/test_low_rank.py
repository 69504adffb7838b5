"""Logits with a low-rank covariance, against dense covariance."""

import keras
import numpy as np
import pytest
import scipy.special
from keras import ops

from hetero_unc.gaussian import as_distribution, expected_softmax, log_expected_softmax
from hetero_unc.gaussian.low_rank import (
    conditional_logits,
    factor_noise,
    log_mean_over_factor,
    shared_factor_noise,
)
from hetero_unc.inference import predict
from hetero_unc.layers import GaussianLogits, LogExpectedSoftmax
from hetero_unc.losses import ExpectedCrossEntropy, MarginalLikelihood, VoteLikelihood

ITEMS, CLASSES, RANK = 3, 4, 2


def parameters(seed=0):
    rng = np.random.default_rng(seed)
    loc, scale = rng.normal(0, 2, (ITEMS, CLASSES, 1)), rng.gamma(2, 0.4, (ITEMS, CLASSES, 1))
    factor = rng.normal(0, 0.8, (ITEMS, CLASSES, RANK))
    return np.concatenate([loc, scale, factor], axis=-1).astype("float32")


def dense_draws(row, count=200_000):
    covariance = np.diag(row[:, 1] ** 2) + row[:, 2:] @ row[:, 2:].T
    return np.random.default_rng(1).multivariate_normal(row[:, 0], covariance, count)


def dense_softmax(row, count=400_000):
    """Mean softmax, and its standard error, of draws from the dense covariance matrix."""
    softmax = scipy.special.softmax(dense_draws(row, count), axis=-1)
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


@pytest.mark.parametrize("loss", [MarginalLikelihood, ExpectedCrossEntropy, VoteLikelihood])
def test_losses_under_the_dense_covariance(loss):
    given, votes = parameters(), np.array([[2, 0, 1, 0], [0, 0, 0, 3], [1, 1, 1, 0]])
    shares = (votes / 3).astype("float32")
    labels = votes if loss is VoteLikelihood else shares
    found = ops.convert_to_numpy(loss(factor_draws=1024, reduction="none")(labels, given))
    for row, vote, share, one in zip(given, votes, shares, found, strict=True):
        log_p = scipy.special.log_softmax(dense_draws(row), axis=-1)
        wanted = {
            MarginalLikelihood: -(share * np.log(np.exp(log_p).mean(0))).sum(),
            ExpectedCrossEntropy: -(share * log_p.mean(0)).sum(),
            VoteLikelihood: -np.log(np.exp((vote * log_p).sum(-1)).mean()),
        }[loss]
        assert one == pytest.approx(wanted, abs=0.02)


def test_classes_and_their_one_hot_rows_cost_the_same():
    given, classes = parameters(), np.array([1, 3, 0])
    loss = MarginalLikelihood(factor_draws=32, reduction="none")
    one_hot = np.eye(CLASSES, dtype="float32")[classes]
    np.testing.assert_allclose(loss(classes, given), loss(one_hot, given), rtol=1e-3)


def test_predictions_under_the_dense_covariance():
    model = keras.Sequential([keras.Input((3,)), GaussianLogits(CLASSES, rank=RANK, seed=0)])
    inputs = np.random.default_rng(0).normal(size=(2, 3)).astype("float32")
    found = predict(model, inputs)
    for row, p, entropy, scale in zip(
        ops.convert_to_numpy(model(inputs)),
        found.probabilities[0],
        found.draw_entropy[0],
        found.scale[0],
        strict=True,
    ):
        draws = dense_draws(row)
        softmax = scipy.special.softmax(draws, axis=-1)
        np.testing.assert_allclose(p, softmax.mean(0), atol=0.01)
        assert entropy == pytest.approx(scipy.special.entr(softmax).sum(-1).mean(), abs=0.02)
        np.testing.assert_allclose(scale, draws.std(0), rtol=0.01)


def test_training_moves_the_factor():
    model = keras.Sequential([keras.Input((3,)), GaussianLogits(CLASSES, rank=RANK, seed=0)])
    rng = np.random.default_rng(0)
    inputs, labels = rng.normal(size=(64, 3)), rng.integers(0, CLASSES, 64)
    before = [ops.convert_to_numpy(weight) for weight in model.trainable_variables]
    model.compile("adam", MarginalLikelihood(factor_draws=8))
    model.fit(inputs, labels, epochs=2, verbose=0)
    for weight, start in zip(model.trainable_variables, before, strict=True):
        assert (ops.convert_to_numpy(weight) != start).any(), weight.path


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


def test_the_distribution_has_the_dense_covariance():
    pytest.importorskip("tensorflow_probability")
    given = parameters()
    distribution = as_distribution(ops.convert_to_tensor(given))
    wanted = np.stack([np.diag(row[:, 1] ** 2) + row[:, 2:] @ row[:, 2:].T for row in given])
    np.testing.assert_allclose(distribution.covariance(), wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(distribution.mean(), given[..., 0])
