"""What must hold on every backend of Keras: `KERAS_BACKEND` says on which this runs.

`make test` runs it on TensorFlow; `make test-jax` on JAX and `make test-torch` on PyTorch, where
TensorFlow is not installed.
"""

import functools
import importlib
import importlib.util
import sys

import keras
import numpy as np
import pytest
import scipy.special

from hetero_unc.gaussian import draw_logits
from hetero_unc.gaussian.draw_sweeps import drawn_log_expected_softmax
from hetero_unc.gaussian.sequences import SEQUENCES
from hetero_unc.inference import MonteCarloDropout
from hetero_unc.layers import GaussianLogits, LogExpectedSoftmax
from hetero_unc.losses import ExpectedCrossEntropy, MarginalLikelihood

CLASSES = 3
ROOMS = ("metrics", "data", "gaussian", "layers", "losses", "models", "inference")
BATCH, STEPS = 16, 6


def small_problem():
    """Three Gaussian clouds in the plane, `(N, 2)` and classes `(N,)`: a line separates each."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, CLASSES, BATCH * STEPS)
    centres = np.array([[2.0, 0.0], [-1.0, 1.7], [-1.0, -1.7]])
    points = centres[labels] + 0.5 * generator.normal(size=(len(labels), 2))
    return points.astype("float32"), labels


def small_model(*heads):
    return keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(
                8, activation="relu", kernel_initializer=keras.initializers.GlorotUniform(1)
            ),
            keras.layers.Dropout(0.2, seed=2),
            *heads,
        ]
    )


def cross_entropy():
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


ROADS = {
    "expected_cross_entropy": lambda: (small_model(head()), ExpectedCrossEntropy()),
    "marginal_likelihood": lambda: (small_model(head()), MarginalLikelihood()),
    **{
        f"{name}_{sequence}": lambda loss=loss, sequence=sequence: (
            small_model(head()),
            loss(draws=20, estimator="draws", sequence=sequence),
        )
        for name, loss in (
            ("expected_cross_entropy", ExpectedCrossEntropy),
            ("marginal_likelihood", MarginalLikelihood),
        )
        for sequence in SEQUENCES
    },
    "log_expected_softmax": lambda: (
        small_model(head(), LogExpectedSoftmax(draws=20)),
        cross_entropy(),
    ),
}


def head():
    return GaussianLogits(CLASSES, seed=3)


def fitted(road):
    model, loss = ROADS[road]()
    model.compile(keras.optimizers.Adam(0.03), loss)
    points, labels = small_problem()
    history = model.fit(points, labels, batch_size=BATCH, epochs=5, shuffle=False, verbose=0)
    return model, history.history["loss"]


# Tests that only predict share one trained model of each road.
fitted_once = functools.cache(fitted)


@pytest.mark.parametrize("room", ROOMS)
def test_room_imports(room):
    importlib.import_module(f"hetero_unc.{room}")


@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="TensorFlow is the backend")
def test_other_backends_need_no_tensorflow():
    assert importlib.util.find_spec("tensorflow") is None
    assert "tensorflow" not in sys.modules


@pytest.mark.parametrize("road", ROADS)
def test_training_lowers_the_loss_and_predictions_learn_the_classes(road):
    points, labels = small_problem()
    model, losses = fitted_once(road)
    assert losses[-1] < 0.5 * losses[0]
    predictive = MonteCarloDropout(model, passes=4, draws=50, seed=4).predict(points)
    assert predictive.probabilities.shape == (4, len(points), CLASSES)
    assert np.mean(predictive.probabilities.mean(axis=0).argmax(axis=1) == labels) > 0.9
    assert (predictive.summarise().epistemic > 0).any(), "passes must differ from one another"


@pytest.mark.parametrize("road", ["marginal_likelihood_sobol", "log_expected_softmax"])
def test_same_seed_trains_and_predicts_the_same_numbers(road):
    points, _ = small_problem()
    first, second = (
        MonteCarloDropout(train(road)[0], passes=3, draws=10, seed=4).predict(points)
        for train in (fitted_once, fitted)
    )
    np.testing.assert_array_equal(first.probabilities, second.probabilities)


@pytest.mark.parametrize("loss_class", [ExpectedCrossEntropy, MarginalLikelihood])
@pytest.mark.parametrize("sequence", SEQUENCES)
def test_draws_of_a_loss_differ_from_step_to_step(loss_class, sequence):
    # With a learning rate of zero nothing but the draws and the dropout masks can change the loss
    # of one and the same batch, and this model has no dropout. The bias makes the parameters differ
    # from batch to batch as training would, by less than the noise of one draw moves the loss.
    nudge = Nudge()
    model = keras.Sequential([keras.Input((2,)), head(), nudge])
    model.compile(keras.optimizers.SGD(0.0), loss_class(1, "draws", sequence=sequence))
    points, labels = (part[:BATCH] for part in small_problem())
    losses = [float(model.train_on_batch(points, labels)) for _ in range(6)]
    assert len(set(losses)) == 6
    assert np.std(losses) > 0.01


class Nudge(keras.layers.Layer):
    """Adds a millionth of the number of training steps so far."""

    def build(self, input_shape):
        self.steps = self.add_weight(shape=(), initializer="zeros", trainable=False, name="steps")

    def call(self, inputs, training=False):
        if training:
            self.steps.assign(self.steps + 1.0)
        return inputs + 1e-6 * self.steps


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_draws_have_the_moments_of_the_normal(sequence):
    draws = 20_000
    parameters = np.array([[[1.0, 0.5], [-2.0, 3.0]]], "float32")
    logits = keras.ops.convert_to_numpy(draw_logits(parameters, draws, seed=5, sequence=sequence))
    assert logits.shape == (draws, 1, 2)
    loc, scale = parameters[0, :, 0], parameters[0, :, 1]
    # Five standard errors of the mean, and of the standard deviation.
    np.testing.assert_array_less(abs(logits.mean(axis=0)[0] - loc), 5 * scale / draws**0.5)
    np.testing.assert_array_less(abs(logits.std(axis=0)[0] - scale), 5 * scale / (2 * draws) ** 0.5)


@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize("soft", [False, True])
def test_streamed_losses_are_those_of_the_draws(sequence, soft):
    draws, rng = 500, np.random.default_rng(0)
    parameters = rng.uniform(0.5, 2.0, (4, CLASSES, 2)).astype("float32")
    how = {"seed": 5, "sequence": sequence}
    logits = keras.ops.convert_to_numpy(draw_logits(parameters, draws, **how)).astype(float)
    log_p = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    log_expected = np.log(np.exp(log_p).mean(axis=0))
    found = drawn_log_expected_softmax(parameters, draws, **how)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(found), log_expected, rtol=1e-4)
    shares = rng.dirichlet(np.ones(CLASSES), 4) if soft else np.eye(CLASSES)[[0, 1, 2, 1]]
    labels = shares.astype("float32") if soft else np.array([0, 1, 2, 1])
    for loss_class, expected in (
        (MarginalLikelihood, -(shares * log_expected).sum(axis=-1)),
        (ExpectedCrossEntropy, -(shares * log_p.mean(axis=0)).sum(axis=-1)),
    ):
        loss = loss_class(draws, "draws", reduction="none", **how)
        found = keras.ops.convert_to_numpy(loss(labels, parameters))
        np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize("training", [False, True])
def test_logits_of_low_rank_are_integrated(training):
    # Of two classes only the difference matters, a Normal: Gauss-Hermite quadrature in float64.
    parameters = np.array([[[0.4, 0.5, 1.1], [-0.3, 0.8, -0.6]]], "float32")
    loc, scale, factor = parameters[0].T.astype(float)
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    spread = np.sqrt(np.square(scale).sum() + (factor[0] - factor[1]) ** 2)
    wanted = weights @ scipy.special.expit(loc[0] - loc[1] + spread * nodes) / weights.sum()
    layer = LogExpectedSoftmax(factor_draws=1024)
    found = np.exp(keras.ops.convert_to_numpy(layer(parameters, training=training)))
    np.testing.assert_allclose(found, [[wanted, 1 - wanted]], atol=1e-3)


def test_model_comes_back_from_disk_with_the_same_outputs(tmp_path):
    points, _ = small_problem()
    model, _ = fitted_once("log_expected_softmax")
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        model.predict(points, verbose=0), again.predict(points, verbose=0)
    )
