"""A Gaussian head as an ordinary classifier."""

import keras
import numpy as np
import pytest
import scipy.special
from keras import ops

from hetero_unc.gaussian import draw_logits, draw_shared_logits
from hetero_unc.layers import GaussianLogits, LogExpectedSoftmax
from hetero_unc.losses import MarginalLikelihood

ITEMS, CLASSES, DRAWS = 9, 4, 500


def parameters(items=ITEMS, seed=0):
    rng = np.random.default_rng(seed)
    loc, scale = rng.normal(0, 3, (items, CLASSES)), rng.gamma(1.0, 1.0, (items, CLASSES))
    return np.stack([loc, scale], axis=-1).astype("float32")


def log_probabilities(given, training=False, **kwargs):
    layer = LogExpectedSoftmax(DRAWS, "draws", sequence="independent", **kwargs)
    return ops.convert_to_numpy(layer(ops.convert_to_tensor(given), training=training))


@pytest.mark.parametrize("training", [False, True])
def test_it_is_the_log_of_the_mean_softmax_of_the_draws(training):
    draw = draw_logits if training else draw_shared_logits
    logits = ops.convert_to_numpy(draw(ops.convert_to_tensor(parameters()), DRAWS, seed=3))
    expected = np.log(scipy.special.softmax(logits.astype(float), axis=-1).mean(axis=0))
    found = log_probabilities(parameters(), training, seed=3)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("training", [False, True])
def test_probabilities_sum_to_one(training):
    rows = np.exp(log_probabilities(parameters(), training)).sum(axis=-1)
    np.testing.assert_allclose(rows, 1, atol=2e-6)


def test_softmax_leaves_the_output_as_it_is():
    found = log_probabilities(parameters())
    np.testing.assert_allclose(ops.log_softmax(found), found, atol=2e-6)


def test_keras_cross_entropy_on_it_is_the_marginal_likelihood():
    given, labels = parameters(), np.arange(ITEMS) % CLASSES
    keras_loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")
    drawn = {"estimator": "draws", "sequence": "independent", "seed": 3, "reduction": "none"}
    ours = MarginalLikelihood(DRAWS, **drawn)(labels, given)
    # In training the draws are the same, at prediction they are others.
    same = keras_loss(labels, log_probabilities(given, True, seed=3))
    np.testing.assert_allclose(same, ours, rtol=1e-4, atol=1e-5)
    other = keras_loss(labels, log_probabilities(given, False, seed=3))
    p = np.exp(-ops.convert_to_numpy(ours))
    error = 5 * np.sqrt(2 * (1 - p) / (p * DRAWS))  # two estimates of p, each of variance p(1-p)/D
    assert (np.abs(other - ours) < error).all()
    assert (ops.convert_to_numpy(other) != ops.convert_to_numpy(ours)).any()


def test_keras_cross_entropy_on_vote_shares_is_its_soft_form():
    given = parameters()
    shares = np.random.default_rng(1).dirichlet(np.ones(CLASSES), ITEMS).astype("float32")
    keras_loss = keras.losses.CategoricalCrossentropy(from_logits=True, reduction="none")
    np.testing.assert_allclose(
        keras_loss(shares, log_probabilities(given, True, seed=3)),
        MarginalLikelihood(
            DRAWS, estimator="draws", sequence="independent", seed=3, reduction="none"
        )(shares, given),
        rtol=1e-4,
        atol=1e-5,
    )


def classifier(estimator="draws"):
    last = LogExpectedSoftmax(DRAWS, estimator, seed=2)
    return keras.Sequential([keras.Input((2,)), GaussianLogits(CLASSES, seed=1), last])


@pytest.mark.parametrize("training", [False, True])
def test_it_is_exact_by_default(training):
    given = parameters()
    layer = LogExpectedSoftmax()
    found = ops.convert_to_numpy(layer(ops.convert_to_tensor(given), training=training))
    noise = np.random.default_rng(0).normal(size=(40_000, ITEMS, CLASSES))
    drawn = scipy.special.softmax(given[..., 0] + given[..., 1] * noise, axis=-1)
    error = np.abs(np.exp(found) - drawn.mean(axis=0))
    assert (error < 5 * drawn.std(axis=0) / 200 + 1e-6).all()
    np.testing.assert_allclose(np.exp(found).sum(-1), 1, atol=1e-6)


def test_exact_gradients_are_those_of_the_operations_that_are_exported():
    tf = pytest.importorskip("tensorflow")
    given, found = tf.constant(parameters()), []
    for training in (True, False):
        with tf.GradientTape() as tape:
            tape.watch(given)
            value = LogExpectedSoftmax()(given, training=training)[:, 1]
        found.append(tape.gradient(value, given).numpy())
    np.testing.assert_allclose(found[0], found[1], atol=1e-4)


def test_an_exact_classifier_is_exported_without_a_compiler_inside(tmp_path):
    tf = pytest.importorskip("tensorflow")
    model = classifier("exact")
    model.export(tmp_path / "model", verbose=False)
    served = tf.saved_model.load(tmp_path / "model")
    inputs = np.random.default_rng(0).normal(size=(3, 2)).astype("float32")
    np.testing.assert_allclose(served.serve(inputs), model.predict(inputs, verbose=0), atol=1e-6)
    graph = served.signatures["serving_default"].graph.as_graph_def()
    functions = [graph, *graph.library.function]
    assert not any(getattr(one, "attr", {}).get("_XlaMustCompile") for one in functions)


def test_predictions_depend_on_the_item_alone():
    model = classifier()
    inputs = np.random.default_rng(0).normal(size=(11, 2))
    whole = model.predict(inputs, batch_size=11, verbose=0)
    for batch_size in (1, 3, 4):
        again = model.predict(inputs, batch_size=batch_size, verbose=0)
        np.testing.assert_allclose(again, whole, atol=2e-6)
    np.testing.assert_allclose(model.predict(inputs[::-1], verbose=0)[::-1], whole, atol=2e-6)
    np.testing.assert_allclose(model.predict(inputs[4:5], verbose=0), whole[4:5], atol=2e-6)


def test_predictions_are_the_same_at_every_call():
    model, inputs = classifier(), np.random.default_rng(0).normal(size=(5, 2))
    first = model.predict(inputs, verbose=0)
    np.testing.assert_array_equal(model.predict(inputs, verbose=0), first)
    np.testing.assert_array_equal(ops.convert_to_numpy(model(inputs)), first)
    np.testing.assert_array_equal(classifier().predict(inputs, verbose=0), first)


def test_training_draws_afresh_for_each_batch():
    one, other = (log_probabilities(parameters(seed=seed), training=True) for seed in (0, 1))
    assert (one != other).all()
    given = parameters()
    # The second batch shares items 1 to 8 with the first: their draws are new all the same.
    shifted = log_probabilities(given[1:], training=True)
    assert (np.abs(shifted - log_probabilities(given, training=True)[1:]) > 1e-6).mean() > 0.9


@pytest.mark.parametrize("estimator", ["exact", "draws"])
def test_an_ordinary_keras_model_learns(estimator):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    inputs = (labels[:, None] * [[4.0, 0.0]] + rng.normal(size=(200, 2))).astype("float32")
    model = classifier(estimator)
    model.compile(
        keras.optimizers.Adam(0.05),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(inputs, labels, epochs=8, verbose=0)
    assert model.evaluate(inputs, labels, verbose=0, return_dict=True)["accuracy"] > 0.9


def test_the_layer_comes_back_from_its_config():
    layer = LogExpectedSoftmax(draws=7, seed=3, name="mine")
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    assert again.get_config() == layer.get_config()
    np.testing.assert_array_equal(again(parameters()), layer(parameters()))
    assert not layer.weights


def test_the_shapes_are_announced():
    layer = LogExpectedSoftmax()
    assert layer.compute_output_shape((None, CLASSES, 2)) == (None, CLASSES)
    assert layer.compute_output_spec(keras.KerasTensor((7, CLASSES, 2))).shape == (7, CLASSES)
    assert layer(np.zeros((0, CLASSES, 2), "float32")).shape == (0, CLASSES)


@pytest.mark.parametrize("shape", [(5,), (5, 4), (5, 4, 1), (2, 5, 4, 2)])
def test_inputs_that_are_not_parameters_are_refused(shape):
    with pytest.raises(ValueError, match=r"LogExpectedSoftmax must be Gaussian logits.*Received"):
        LogExpectedSoftmax()(np.ones(shape, "float32"))


def test_a_single_class_is_refused():
    with pytest.raises(ValueError, match="C >= 2"):
        LogExpectedSoftmax()(np.ones((5, 1, 2), "float32"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"draws": 0}, "`draws` must be an integer >= 1. Received: draws=0"),
        ({"seed": -1}, "`seed` must be an integer >= 0. Received: seed=-1"),
        ({"estimator": "guess"}, "`estimator` must be one of .*Received: estimator='guess'"),
        ({"accuracy": "best"}, "`accuracy` must be one of .*Received: accuracy='best'"),
        ({"sequence": "halton"}, "`sequence` must be one of .*Received: sequence='halton'"),
        ({"factor_draws": 0}, "`factor_draws` must be an integer >= 1. Received: factor_draws=0"),
    ],
)
def test_settings_that_break_a_rule_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        LogExpectedSoftmax(**arguments)
