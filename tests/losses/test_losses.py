"""Both losses, held against integrals, Keras' cross-entropy, each other, and extremes."""

import keras
import numpy as np
import pytest
import scipy.integrate
import scipy.special
import scipy.stats
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from keras import ops

from hetero_unc.gaussian import draw_logits
from hetero_unc.gaussian.sequences import SEQUENCES
from hetero_unc.losses import ExpectedCrossEntropy, MarginalLikelihood

LOSSES = [ExpectedCrossEntropy, MarginalLikelihood]
STANDARD_ERRORS = 5


def parameters(items=6, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    loc, scale = rng.normal(0, 2, (items, classes)), rng.uniform(0.05, 2.5, (items, classes))
    return np.stack([loc, scale], axis=-1).astype("float32")


def distributions(items=6, classes=3, seed=1):
    return np.random.default_rng(seed).dirichlet(np.ones(classes), items).astype("float32")


def per_item(loss_class, y_true, y_pred, draws=200, **kwargs):
    kwargs = {"estimator": "draws", "sequence": "independent"} | kwargs
    loss = loss_class(draws, reduction="none", **kwargs)
    return ops.convert_to_numpy(loss(y_true, ops.convert_to_tensor(y_pred))).astype(np.float64)


def two_class_integrals(loc, scale):
    """E p, E p^2, E log p, E (log p)^2 of class 0 of 2: one integral over the difference."""
    gap, spread = loc[0] - loc[1], np.hypot(*scale)

    def mean(function):
        return scipy.integrate.quad(
            lambda e: scipy.stats.norm.pdf(e) * function(gap + spread * e), -10, 10, limit=200
        )[0]

    def log_p(z):
        return -np.logaddexp(0, -z)

    return (
        mean(scipy.special.expit),
        mean(lambda z: scipy.special.expit(z) ** 2),
        mean(log_p),
        mean(lambda z: log_p(z) ** 2),
    )


def three_class_integrals(loc, scale, label):
    """The same for class `label` of 3: a product of Gauss-Hermite rules."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    weights = weights / weights.sum()
    z = np.stack(np.meshgrid(*(m + s * nodes for m, s in zip(loc, scale, strict=True))), axis=-1)
    w = np.prod(np.stack(np.meshgrid(weights, weights, weights), axis=-1), axis=-1)
    log_p = scipy.special.log_softmax(z, axis=-1)[..., label]
    return tuple(
        float((w * value).sum()) for value in (np.exp(log_p), np.exp(2 * log_p), log_p, log_p**2)
    )


def assert_is_the_integral(loss_class, found, integrals, draws):
    p, p_squared, log_p, log_p_squared = np.array(integrals).T
    if loss_class is ExpectedCrossEntropy:
        expected, variance = -log_p, log_p_squared - log_p**2
    else:
        expected, variance = -np.log(p), (p_squared - p**2) / p**2
    error = STANDARD_ERRORS * np.sqrt(variance / draws) + variance / draws + 1e-5
    np.testing.assert_array_less(np.abs(found - expected), error)


@pytest.mark.parametrize("loss_class", LOSSES)
@pytest.mark.parametrize("sequence", SEQUENCES)
def test_two_classes_give_the_integral(loss_class, sequence):
    given = parameters(5, 2)
    found = per_item(loss_class, np.zeros(5, int), given, draws=20_000, sequence=sequence)
    integrals = [two_class_integrals(*row.T.astype(float)) for row in given]
    assert_is_the_integral(loss_class, found, integrals, 20_000)


@pytest.mark.parametrize("loss_class", LOSSES)
@pytest.mark.parametrize("sequence", SEQUENCES)
def test_three_classes_give_the_integral(loss_class, sequence):
    given, labels = parameters(6, 3), np.array([0, 1, 2, 2, 1, 0])
    found = per_item(loss_class, labels, given, draws=20_000, sequence=sequence)
    integrals = [
        three_class_integrals(*row.T.astype(float), label)
        for row, label in zip(given, labels, strict=True)
    ]
    assert_is_the_integral(loss_class, found, integrals, 20_000)


@pytest.mark.parametrize("loss_class", LOSSES)
@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("accuracy", ["fast", "standard", "high"])
def test_exact_is_the_default_and_is_the_integral(loss_class, soft, accuracy):
    given, labels = parameters(6, 3), np.array([0, 1, 2, 2, 1, 0])
    y_true = np.eye(3)[labels] if soft else labels
    loss = loss_class(accuracy=accuracy, reduction="none")
    p, _, log_p, _ = np.array(
        [
            three_class_integrals(*row.T.astype(float), label)
            for row, label in zip(given, labels, strict=True)
        ]
    ).T
    expected = -log_p if loss_class is ExpectedCrossEntropy else -np.log(p)
    tolerance = {"fast": 1e-3, "standard": 1e-4, "high": 1e-5}[accuracy]
    np.testing.assert_allclose(loss(y_true, given), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("loss_class", LOSSES)
@pytest.mark.parametrize("soft", [False, True])
def test_the_exact_gradient_is_that_of_many_draws(loss_class, soft):
    given, y_true = tf.constant(parameters()), np.array([0, 1, 2, 2, 1, 0])
    y_true = distributions() if soft else y_true
    gradients = []
    for arguments in ({}, {"estimator": "draws", "draws": 2**14}):
        with tf.GradientTape() as tape:
            tape.watch(given)
            value = loss_class(reduction="sum", **arguments)(y_true, given)
        gradients.append(tape.gradient(value, given).numpy())
    np.testing.assert_allclose(gradients[0], gradients[1], atol=2e-3)


@pytest.mark.parametrize("loss_class", LOSSES)
def test_a_distribution_is_the_mean_over_its_labels(loss_class):
    given, shares = parameters(), distributions()
    per_label = [per_item(loss_class, np.full(6, label), given) for label in range(3)]
    expected = (shares * np.array(per_label).T).sum(axis=-1)
    np.testing.assert_allclose(per_item(loss_class, shares, given), expected, rtol=2e-5)


@pytest.mark.parametrize("loss_class", LOSSES)
def test_all_forms_of_a_class_give_one_value(loss_class):
    given, labels = parameters(), np.array([0, 1, 2, 2, 1, 0])
    found = per_item(loss_class, labels, given)
    assert found.shape == (6,)
    for form in (labels[:, None], labels.astype("uint8"), labels.astype("float32")):
        np.testing.assert_array_equal(per_item(loss_class, form, given), found)
    one_hot = per_item(loss_class, np.eye(3)[labels], given)
    np.testing.assert_allclose(one_hot, found, rtol=1e-5)


@pytest.mark.parametrize("loss_class", LOSSES)
@pytest.mark.parametrize("estimator", ["exact", "draws"])
def test_without_noise_it_is_the_cross_entropy_of_keras(loss_class, estimator):
    given, labels = parameters(), np.array([0, 1, 2, 2, 1, 0])
    given[..., 1] = 0
    sparse = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")
    soft = keras.losses.CategoricalCrossentropy(from_logits=True, reduction="none")
    for y_true, keras_loss in ((labels, sparse), (distributions(), soft)):
        found = per_item(loss_class, y_true, given, estimator=estimator)
        np.testing.assert_allclose(found, keras_loss(y_true, given[..., 0]), rtol=1e-5, atol=1e-6)


@st.composite
def problems(draw):
    items, classes = draw(st.integers(1, 3)), draw(st.integers(2, 5))
    floats = {"width": 32, "allow_subnormal": False}
    loc = draw(arrays(np.float32, (items, classes), elements=st.floats(-50, 50, **floats)))
    scale = draw(
        arrays(
            np.float32,
            (items, classes),
            elements=st.floats(float(np.float32(1e-6)), 30, **floats),
        )
    )
    labels = draw(arrays(np.int64, items, elements=st.integers(0, classes - 1)))
    return np.stack([loc, scale], axis=-1), labels, draw(st.integers(1, 50))


@settings(deadline=None, max_examples=30, derandomize=True)
@given(problems())
def test_averaging_probabilities_never_costs_more_than_averaging_cross_entropies(problem):
    given, labels, draws = problem
    expected = per_item(ExpectedCrossEntropy, labels, given, draws)
    marginal = per_item(MarginalLikelihood, labels, given, draws)
    assert np.isfinite(expected).all()
    rounding = 1e-5 * (1 + np.abs(expected) + np.abs(given[..., 0]).max())
    assert (marginal <= expected + rounding).all()
    assert (marginal >= -rounding).all()


@pytest.mark.parametrize("loss_class", LOSSES)
@pytest.mark.parametrize("estimator", ["exact", "draws"])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 30.0])
@pytest.mark.parametrize("loc", [[50.0, -50.0, 0.0], [-50.0, 50.0, 50.0], [0.0, 0.0, 0.0]])
def test_gradients_are_finite_at_extremes(loss_class, estimator, scale, loc):
    given = np.stack([loc, 3 * [scale]], axis=-1)[None].astype("float32")
    for y_true in (np.array([0]), np.array([[0.2, 0.3, 0.5]], "float32")):
        with tf.GradientTape() as tape:
            watched = tf.Variable(given)
            value = loss_class(100, estimator)(y_true, watched)
        gradient = tape.gradient(value, watched)
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("loss_class", LOSSES)
@pytest.mark.parametrize("sequence", SEQUENCES)
def test_a_probability_of_1e_30_stays_one(loss_class, sequence):
    gap = -np.log(1e-30)
    given = np.array([[[-gap, 1e-6], [0.0, 1e-6]]], "float32")
    with tf.GradientTape() as tape:
        watched = tf.Variable(given)
        value = loss_class(100, estimator="draws", sequence=sequence)(np.array([0]), watched)
    assert value.numpy() == pytest.approx(gap, rel=1e-5)
    np.testing.assert_allclose(tape.gradient(value, watched)[0, :, 0], [-1, 1], atol=1e-5)


def loss_in_float64(loss_class, shares, loc, scale, noise):
    log_p = scipy.special.log_softmax(loc + scale * noise, axis=-1)
    if loss_class is ExpectedCrossEntropy:
        return -(shares * log_p.mean(axis=0)).sum()
    return (shares * (np.log(len(noise)) - scipy.special.logsumexp(log_p, axis=0))).sum()


@pytest.mark.parametrize("loss_class", LOSSES)
@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize("soft", [False, True])
def test_the_gradient_is_that_of_finite_differences_with_the_same_noise(loss_class, sequence, soft):
    given, draws, step = parameters(1, 3), 41, 1e-5
    shares = np.array([0.2, 0.5, 0.3]) if soft else np.array([0.0, 1.0, 0.0])
    loss = loss_class(draws, estimator="draws", sequence=sequence, seed=3)
    with tf.GradientTape() as tape:
        watched = tf.Variable(given)
        value = loss(shares[None] if soft else np.array([1]), watched)
    found = tape.gradient(value, watched).numpy()[0]
    loc, scale = given[0].T.astype(float)
    drawn = draw_logits(ops.convert_to_tensor(given), draws, seed=3, sequence=sequence)
    noise = (ops.convert_to_numpy(drawn)[:, 0].astype(float) - loc) / scale
    expected = loss_in_float64(loss_class, shares, loc, scale, noise)
    assert value.numpy() == pytest.approx(expected, rel=1e-5)
    for k, nudge in enumerate(step * np.eye(3)):
        along_loc, along_scale = (
            [
                loss_in_float64(loss_class, shares, loc + sign * one, scale + sign * other, noise)
                for sign in (1, -1)
            ]
            for one, other in ((nudge, 0), (0, nudge))
        )
        expected = [(up - down) / (2 * step) for up, down in (along_loc, along_scale)]
        np.testing.assert_allclose(found[k], expected, atol=2e-4)


class Recording(MarginalLikelihood):
    """Keeps the standard Normals of each step."""

    def __init__(self):
        super().__init__(draws=2000, estimator="draws", sequence="independent")
        self.noise = []

    def call(self, y_true, y_pred):
        if tf.executing_eagerly():
            logits = draw_logits(y_pred, self.draws, seed=self.seed)
            self.noise.append(((logits - y_pred[..., 0]) / y_pred[..., 1]).numpy())
        return super().call(y_true, y_pred)


def test_draws_differ_from_step_to_step_of_real_training():
    model = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(6), keras.layers.Reshape((3, 2))]
    )
    loss = Recording()
    model.compile(keras.optimizers.SGD(1e-4), loss, run_eagerly=True)
    # The same batch at every step: only the training itself moves the parameters.
    inputs, labels = np.tile([[1.0, 2.0]], (4, 1)), np.zeros(4, int)
    model.fit(inputs, labels, batch_size=4, epochs=5, shuffle=False, verbose=0)
    assert len(loss.noise) >= 5
    steps = loss.noise[-5:]
    for index, one in enumerate(steps):
        for other in steps[:index]:
            correlation = np.abs((one * other).mean(axis=0)).max()
            assert correlation < STANDARD_ERRORS / loss.draws**0.5
