"""Passes over arrays: every kind of output, every kind of model, and what is refused."""

import logging

import keras
import numpy as np
import pytest
import scipy.special
from keras import layers, ops

from hetero_unc.inference import (
    MonteCarloDropout,
    predict,
    predict_passes,
    set_pass,
    with_monte_carlo_dropout,
)
from hetero_unc.inference.passes import Schedule
from hetero_unc.layers import GaussianLogits, LogExpectedSoftmax

FEATURES, CLASSES, DRAWS = 4, 3, 40


def inputs(items=10):
    return np.random.default_rng(0).normal(size=(items, FEATURES)).astype("float32")


def dense(units, seed, **kwargs):
    kernel = keras.initializers.GlorotUniform(seed)
    return layers.Dense(units, kernel_initializer=kernel, **kwargs)


def head():
    return GaussianLogits(CLASSES, seed=5)


def model_of(*ends, rate=0.5):
    return keras.Sequential(
        [
            keras.Input((FEATURES,)),
            dense(6, 1, activation="tanh"),
            layers.Dropout(rate, seed=2),
            dense(5, 3, activation="tanh"),
            *ends,
        ]
    )


ENDS = {
    "parameters": lambda: [head()],
    "log_expected_softmax": lambda: [head(), LogExpectedSoftmax(DRAWS, "draws", seed=9)],
    "softmax_activation": lambda: [dense(CLASSES, 4, activation="softmax")],
    "softmax_layer": lambda: [dense(CLASSES, 4), layers.Softmax()],
    "softmax_of_activation_layer": lambda: [dense(CLASSES, 4), layers.Activation("softmax")],
    "log_softmax": lambda: [dense(CLASSES, 4, activation="log_softmax")],
    "nested": lambda: [keras.Sequential([keras.Input((5,)), head(), LogExpectedSoftmax(DRAWS)])],
}


@keras.saving.register_keras_serializable(package="tests.inference")
class Subclassed(keras.Model):
    """A model without a graph of its own."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dropout, self.last = layers.Dropout(0.5, seed=1), head()

    def build(self, input_shape):
        self.last.build(input_shape)
        self.built = True

    def call(self, x):
        return self.last(self.dropout(x))


def by_hand(parameters, draws, seed):
    """Probabilities, entropy and agreement from draws that NumPy reduces in float64."""
    noise = keras.random.normal((draws, 1, CLASSES), seed=seed)
    logits = parameters[..., 0] + parameters[..., 1] * ops.convert_to_numpy(noise).astype(float)
    draws = scipy.special.softmax(logits, axis=-1)
    return draws.mean(0), scipy.special.entr(draws).sum(-1).mean(0), (draws**2).sum(-1).mean(0)


@pytest.mark.parametrize("end", ENDS)
def test_one_prediction_is_what_the_model_says(end):
    model = model_of(*ENDS[end]())
    outputs = model.predict(inputs(), verbose=0).astype(float)
    found = predict(model, inputs(), draws=DRAWS, seed=9)
    assert found.passes == 1
    assert found.probabilities.dtype == np.float32
    if end == "parameters":
        probabilities, entropy, agreement = by_hand(outputs, DRAWS, 9)
        np.testing.assert_allclose(found.draw_entropy[0], entropy, rtol=1e-4)
        np.testing.assert_allclose(found.draw_agreement[0], agreement, rtol=1e-4)
        np.testing.assert_allclose(found.loc[0], outputs[..., 0], atol=1e-6)
        np.testing.assert_allclose(found.scale[0], outputs[..., 1], atol=1e-6)
    elif end in ("log_expected_softmax", "log_softmax", "nested"):
        probabilities = np.exp(outputs)
    else:
        probabilities = outputs
    np.testing.assert_allclose(found.probabilities[0], probabilities, rtol=1e-4, atol=1e-6)
    gaussian = end in ("parameters", "log_expected_softmax")
    for name in ("draw_entropy", "draw_agreement", "loc", "scale"):
        assert (getattr(found, name) is not None) == gaussian, name


@pytest.mark.parametrize("end", ENDS)
def test_passes_differ_and_average_to_probabilities(end):
    found = MonteCarloDropout(model_of(*ENDS[end]()), passes=3, draws=DRAWS).predict(inputs())
    assert found.probabilities.shape == (3, 10, CLASSES)
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert (found.probabilities[one] != found.probabilities[other]).any(axis=-1).all()
    np.testing.assert_allclose(found.probabilities.sum(axis=-1), 1, atol=1e-5)
    assert (found.summarise().epistemic > 0).all()


def test_the_draws_of_the_final_layer_are_used_unless_others_are_given():
    model = model_of(head(), LogExpectedSoftmax(7, "draws"))
    parameters = keras.Model(model.inputs, model.layers[-2].output)
    for draws, used in ((None, 7), (11, 11)):
        np.testing.assert_array_equal(
            predict(model, inputs(), draws=draws).probabilities,
            predict(parameters, inputs(), draws=used).probabilities,
        )


@pytest.mark.parametrize("last", [[], [LogExpectedSoftmax()]], ids=["parameters", "log"])
def test_logit_noise_is_integrated_unless_draws_are_asked_for(last):
    model = model_of(head(), *last)
    exact = predict(model, inputs())
    drawn = predict(model, inputs(), draws=40_000)
    for name in ("probabilities", "draw_entropy", "draw_agreement"):
        found, wanted = getattr(exact, name), getattr(drawn, name)
        np.testing.assert_allclose(found, wanted, atol=0.02)  # five standard errors of the draws
        assert (found != wanted).any()
    summary = exact.summarise()
    np.testing.assert_array_less(-1e-6, summary.logit_noise)
    fast = predict(model, inputs(), accuracy="fast").probabilities
    np.testing.assert_allclose(fast, exact.probabilities, atol=1e-3)
    passes = MonteCarloDropout(model, passes=3).predict(inputs())
    assert passes.draw_entropy.shape == (3, len(inputs()))


def test_plain_logits_must_be_named():
    model = model_of(dense(CLASSES, 4, name="logits_layer"))
    for call in (
        lambda: predict(model, inputs()),
        lambda: MonteCarloDropout(model, passes=2),
    ):
        with pytest.raises(ValueError, match=r"`output` must say what.*'logits_layer'"):
            call()
    outputs = model.predict(inputs(), verbose=0)
    found = predict(model, inputs(), output="logits").probabilities[0]
    np.testing.assert_allclose(found, scipy.special.softmax(outputs, axis=-1), rtol=1e-5)


@pytest.mark.parametrize(
    ("end", "output"),
    [
        ("parameters", "logits"),
        ("parameters", "probabilities"),
        ("parameters", "log_probabilities"),
        ("softmax_activation", "parameters"),
        ("softmax_activation", "certainties"),
    ],
)
def test_an_output_that_the_shape_contradicts_is_refused(end, output):
    with pytest.raises(ValueError, match=f"`output` must be .*Received: .*{output!r}"):
        predict(model_of(*ENDS[end]()), inputs(), output=output)


def test_outputs_that_are_no_probabilities_are_refused():
    model = model_of(dense(CLASSES, 4))
    with pytest.raises(ValueError, match="`probabilities`"):
        predict(model, inputs(), output="probabilities")


@pytest.mark.parametrize("end", ["parameters", "softmax_activation"])
@pytest.mark.parametrize("batch_size", [1, 4, 64])
def test_a_prediction_depends_on_the_item_alone(end, batch_size):
    model = model_of(*ENDS[end]())
    whole = predict(model, inputs(), batch_size=10)
    parts = predict(model, inputs(), batch_size=batch_size)
    np.testing.assert_allclose(parts.probabilities, whole.probabilities, atol=1e-6)
    alone = predict(model, inputs()[7:8], batch_size=batch_size)
    np.testing.assert_allclose(alone.probabilities[:, 0], whole.probabilities[:, 7], atol=1e-6)


@pytest.mark.parametrize("masks", ["per_item", "per_pass"])
def test_the_last_batch_may_be_smaller(masks):
    model = model_of(head())
    settings = {"passes": 3, "draws": DRAWS, "masks": masks, "seed": 4}
    even = MonteCarloDropout(model, **settings).predict(inputs(12), batch_size=4)
    odd = MonteCarloDropout(model, **settings).predict(inputs(12)[:10], batch_size=4)
    assert odd.probabilities.shape == (3, 10, CLASSES)
    np.testing.assert_allclose(odd.probabilities, even.probabilities[:, :10], atol=1e-6)
    assert (odd.probabilities > 0).all()


def test_masks_per_pass_do_not_depend_on_the_batches():
    passes = MonteCarloDropout(model_of(head()), passes=3, draws=DRAWS, masks="per_pass")
    whole = passes.predict(inputs(), batch_size=10)
    for batch_size in (1, 4):
        parts = passes.predict(inputs(), batch_size=batch_size)
        np.testing.assert_allclose(parts.probabilities, whole.probabilities, atol=1e-6)


def test_the_same_seed_gives_the_same_passes_to_the_bit():
    model = model_of(head())
    passes = MonteCarloDropout(model, passes=3, draws=DRAWS, seed=4)
    first = passes.predict(inputs(), batch_size=4)
    again = passes.predict(inputs(), batch_size=4)
    anew = MonteCarloDropout(model, passes=3, draws=DRAWS, seed=4).predict(inputs(), batch_size=4)
    more = MonteCarloDropout(model, passes=5, draws=DRAWS, seed=4).predict(inputs(), batch_size=4)
    other = MonteCarloDropout(model, passes=3, draws=DRAWS, seed=5).predict(inputs(), batch_size=4)
    np.testing.assert_array_equal(first.probabilities, again.probabilities)
    np.testing.assert_array_equal(first.probabilities, anew.probabilities)
    np.testing.assert_allclose(first.probabilities, more.probabilities[:3], atol=1e-6)
    assert (first.probabilities != other.probabilities).any(axis=-1).all()


def branching():
    """Dropout on one of two branches, and a late dropout: the cut goes through both."""
    x = keras.Input((FEATURES,))
    first = layers.Dropout(0.5, seed=1)(dense(5, 1)(x))
    second = dense(5, 2)(x)
    joined = layers.Dropout(0.3, seed=2)(layers.add([first, second]))
    return keras.Model(x, head()(joined))


def called_twice():
    x, dropout = keras.Input((FEATURES,)), layers.Dropout(0.5, seed=1)
    return keras.Model(x, head()(dropout(dense(5, 2)(dropout(dense(5, 1)(x))))))


def from_the_start():
    return keras.Sequential([keras.Input((FEATURES,)), layers.Dropout(0.5, seed=1), head()])


def with_batch_normalization():
    model = model_of(layers.BatchNormalization(), head())
    model.layers[-2].moving_mean.assign(np.linspace(-1, 1, 5))
    return model


def inside_a_nested_model():
    inner = keras.Sequential([keras.Input((6,)), dense(5, 2), layers.Dropout(0.5, seed=1)])
    return keras.Sequential([keras.Input((FEATURES,)), dense(6, 1), inner, head()])


def subclassed():
    model = Subclassed()
    model(inputs())
    return model


MODELS = {
    "sequential": (lambda: model_of(head()), True),
    "two dropouts": (lambda: model_of(layers.Dropout(0.3, seed=8), head()), True),
    "batch normalisation": (with_batch_normalization, True),
    "nested": (inside_a_nested_model, True),
    "from the start": (from_the_start, False),
    "branching": (branching, True),
    "called twice": (called_twice, True),
    "subclassed": (subclassed, False),
}


@pytest.mark.filterwarnings("ignore:.*runs pass by pass:UserWarning")
@pytest.mark.parametrize("name", MODELS)
def test_passes_are_those_of_the_whole_model_with_the_same_seeds(name):
    make, is_split = MODELS[name]
    model = make()
    passes = MonteCarloDropout(model, passes=3, draws=DRAWS, seed=6)
    assert (passes._passes.prefix.program.steps != []) == is_split
    found = passes.predict(inputs(), batch_size=5)
    whole = with_monte_carlo_dropout(model, seed=6)
    for index in range(3):
        for batch in range(2):
            set_pass(whole, index, batch)
            rows = slice(5 * batch, 5 * batch + 5)
            expected = ops.convert_to_numpy(whole(inputs()[rows]))
            np.testing.assert_allclose(found.loc[index, rows], expected[..., 0], atol=1e-6)
            np.testing.assert_allclose(found.scale[index, rows], expected[..., 1], atol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_every_kind_of_model_predicts_once(name):
    model = MODELS[name][0]()
    found = predict(model, inputs(), draws=DRAWS)
    expected = ops.convert_to_numpy(model(inputs(), training=False))
    np.testing.assert_allclose(found.loc[0], expected[..., 0], atol=1e-6)


@pytest.mark.filterwarnings("ignore:.*runs pass by pass:UserWarning")
@pytest.mark.parametrize(
    ("name", "insertion_rate"),
    [*((name, None) for name in MODELS), ("batch normalisation", 0.2), ("branching", 0.2)],
)
def test_nothing_of_the_model_changes(name, insertion_rate):
    model = MODELS[name][0]()
    before = [ops.convert_to_numpy(variable).copy() for variable in model.variables]
    outputs = ops.convert_to_numpy(model(inputs(), training=False))
    predict(model, inputs(), draws=5)
    MonteCarloDropout(model, passes=2, draws=5, insertion_rate=insertion_rate).predict(inputs())
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(variable), value, err_msg=variable.path)
    np.testing.assert_array_equal(model(inputs(), training=False), outputs)


def test_insertion_into_a_subclassed_model_is_refused():
    with pytest.raises(ValueError, match="`insertion_rate` must be None for a subclassed model"):
        MonteCarloDropout(subclassed(), passes=2, insertion_rate=0.2)


def test_a_subclassed_classifier_must_say_what_it_returns():
    class Classifier(Subclassed):
        def call(self, x):
            return ops.softmax(super().call(x)[..., 0], axis=-1)

    model = Classifier()
    outputs = ops.convert_to_numpy(model(inputs()))
    with pytest.raises(ValueError, match="`output` must say what `model` returns"):
        predict(model, inputs())
    found = predict(model, inputs(), output="probabilities")
    np.testing.assert_allclose(found.probabilities[0], outputs, atol=1e-6)


def test_an_operation_after_the_softmax_is_seen():
    model = model_of(dense(CLASSES, 4, activation="softmax"))
    doubled = keras.Model(model.inputs, 2 * model.outputs[0])
    with pytest.raises(ValueError, match="`output` must say what `model` returns"):
        predict(doubled, inputs())


def test_training_between_predictions_is_seen():
    model = model_of(head())
    passes = MonteCarloDropout(model, passes=2, draws=5)
    before = passes.predict(inputs())
    for weight in model.trainable_weights:
        weight.assign(weight * 1.5)
    assert (passes.predict(inputs()).loc != before.loc).all()


def test_a_model_without_dropout_is_refused_for_passes_and_taken_for_one():
    model = keras.Sequential([keras.Input((FEATURES,)), head()])
    with pytest.raises(ValueError, match="must hold a dropout"):
        MonteCarloDropout(model, passes=2)
    with pytest.raises(ValueError, match="must hold a dropout"):
        MonteCarloDropout(model_of(head(), rate=0.0), passes=2)
    assert predict(model, inputs(), draws=5).passes == 1
    inserted = MonteCarloDropout(model, passes=2, draws=5, insertion_rate=0.3).predict(inputs())
    assert (inserted.loc[0] != inserted.loc[1]).any()


def test_ids_come_with_the_items():
    names = np.array([f"image {n}" for n in range(10)])
    np.testing.assert_array_equal(
        predict(model_of(head()), inputs(), ids=names, draws=5).ids, names
    )
    found = MonteCarloDropout(model_of(head()), passes=2, draws=5).predict(
        inputs(), ids=range(100, 110), batch_size=4
    )
    np.testing.assert_array_equal(found.ids, np.arange(100, 110))


def test_ids_of_another_length_are_refused_before_any_work(monkeypatch):
    passes = MonteCarloDropout(model_of(head()), passes=2, draws=5)
    monkeypatch.setattr(passes._passes, "run", lambda *_: pytest.fail("it went to work"))
    with pytest.raises(ValueError, match="`ids` must be 10 integers or strings"):
        passes.predict(inputs(), ids=range(9))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"passes": 0}, "`passes` must be an integer >= 1. Received: passes=0"),
        ({"passes": -1}, "`passes` must be an integer >= 1. Received: passes=-1"),
        ({"passes": 2.5}, "`passes` must be an integer >= 1. Received: passes=2.5"),
        ({"draws": 0}, "`draws` must be an integer >= 1. Received: draws=0"),
        ({"accuracy": "best"}, "`accuracy` must be one of .*Received: accuracy='best'"),
        ({"accuracy": "fast", "draws": 5}, "`draws` and `accuracy` must not both be given"),
        ({"seed": -1}, "`seed` must be an integer >= 0. Received: seed=-1"),
        ({"masks": "per_class"}, "`masks` must be one of"),
        ({"memory_budget": 0}, "`memory_budget` must be a number above 0, in MiB. .*=0"),
        ({"memory_budget": -1.5}, "`memory_budget` must be a number above 0, in MiB. .*=-1.5"),
        ({"memory_budget": None}, "`memory_budget` must be a number above 0, in MiB. .*=None"),
        ({"tolerance": 0.0}, "`tolerance` must be None or a number above 0. .*=0.0"),
        ({"tolerance": -0.1}, "`tolerance` must be None or a number above 0. .*=-0.1"),
        ({"tolerance": float("nan")}, "`tolerance` must be None or a number above 0. .*=nan"),
        ({"tolerance": "small"}, "`tolerance` must be None or a number above 0. .*='small'"),
        ({"output": "guess"}, "`output` must be one of"),
    ],
)
def test_settings_that_break_a_rule_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        MonteCarloDropout(model_of(head()), **arguments)
    if arguments.keys() & {"accuracy", "draws", "seed", "output"}:
        with pytest.raises(ValueError, match=message):
            predict(model_of(head()), inputs(), **arguments)


@pytest.fixture(scope="module")
def image_model():
    model = keras.Sequential(
        [keras.Input((6, 6, 1)), layers.Flatten(), layers.Dropout(0.5, seed=1), head()]
    )
    return model, MonteCarloDropout(model, passes=2, draws=5)


def broken(value):
    images = np.zeros((4, 6, 6, 1), "float32")
    images[1, 2, 3, 0] = images[2, 0, 0, 0] = images[3, 5, 5, 0] = value
    return images


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (broken(np.nan), r"`images` must be finite. Received: 3 NaN or infinite of 144 values"),
        (broken(-np.inf), r"`images` must be finite. Received: 3 NaN or infinite of 144 values"),
        (np.zeros((0, 6, 6, 1)), r"`images` must not be empty. Received: shape=\(0, 6, 6, 1\)"),
        (np.zeros((4, 6, 6, 3)), r"input shape \(N, 6, 6, 1\). Received: shape=\(4, 6, 6, 3\)"),
        (np.zeros((4, 6, 6)), r"input shape \(N, 6, 6, 1\). Received: shape=\(4, 6, 6\)"),
        (np.zeros((4, 7, 6, 1)), r"input shape \(N, 6, 6, 1\). Received: shape=\(4, 7, 6, 1\)"),
        (np.full((4, 6, 6, 1), "a"), r"`images` must be numeric. Received: dtype=<U1"),
        ([[1, 2], [3]], "`images` must be an array"),
    ],
)
def test_images_that_break_a_rule_are_refused(image_model, images, message):
    model, passes = image_model
    for call in (lambda: predict(model, images, draws=5), lambda: passes.predict(images)):
        with pytest.raises(ValueError, match=message):
            call()


@pytest.mark.parametrize("batch_size", [0, -1, 2.5])
def test_batches_of_no_item_are_refused(batch_size):
    with pytest.raises(ValueError, match="`batch_size` must be an integer >= 1"):
        predict(model_of(head()), inputs(), batch_size=batch_size)


def several_inputs():
    pair = [keras.Input((FEATURES,)), keras.Input((FEATURES,))]
    return keras.Model(pair, head()(layers.Dropout(0.5, seed=1)(layers.add(pair))))


def several_outputs():
    x = keras.Input((FEATURES,))
    hidden = layers.Dropout(0.5, seed=1)(x)
    return keras.Model(x, [head()(hidden), dense(2, 1)(hidden)])


def unbuilt():
    return keras.Sequential([layers.Dropout(0.5), GaussianLogits(CLASSES)])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (several_inputs, "`model` must have one input"),
        (several_outputs, "`model` must have one output"),
        (unbuilt, "`model` must be a built `keras.Model`"),
        (lambda: layers.Dense(3), "`model` must be a built `keras.Model`"),
        (lambda: keras.Sequential([keras.Input((4,)), dense(1, 1)]), "C >= 2"),
        (lambda: keras.Sequential([keras.Input((4, 3)), dense(3, 1)]), r"\(N, C, 2 \+ R\)"),
    ],
)
def test_models_that_break_a_rule_are_refused(make, message):
    for call in (lambda: predict(make(), inputs()), lambda: MonteCarloDropout(make(), passes=2)):
        with pytest.raises(ValueError, match=message):
            call()


def test_whole_numbers_are_taken_as_images():
    model = model_of(head())
    whole = np.arange(40).reshape(10, FEATURES)
    np.testing.assert_array_equal(
        predict(model, whole, draws=5).loc, predict(model, whole.astype("float32"), draws=5).loc
    )


def test_a_softmax_in_half_precision_is_taken():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = keras.Sequential(
            [
                keras.Input((FEATURES,)),
                layers.Dropout(0.5, seed=1),
                dense(30, 1, activation="softmax"),
            ]
        )
    finally:
        keras.config.set_dtype_policy(before)
    assert model.predict(inputs(), verbose=0).dtype != np.float32
    for found in (
        predict(model, 3 * inputs(500)),
        MonteCarloDropout(model, passes=2).predict(3 * inputs(500)),
    ):
        np.testing.assert_allclose(found.probabilities.sum(axis=-1), 1, atol=1e-5)


def naive_loop(model, images, passes):
    """Dropout as everybody loops over it: the layers called in training mode, pass after pass."""
    outputs = []
    for _ in range(passes):
        x = ops.convert_to_tensor(images)
        for layer in model.layers:
            dropout = isinstance(layer, layers.Dropout)
            x = layer(x, training=True) if dropout else layer(x)
        outputs.append(ops.convert_to_numpy(x))
    return np.stack(outputs).astype(float)


@pytest.mark.parametrize("masks", ["per_item", "per_pass"])
def test_passes_have_the_moments_of_the_naive_loop(masks):
    model = model_of(layers.Dropout(0.3, seed=8), dense(CLASSES, 4, activation="softmax"))
    passes, items = 2000, 5
    settings = {"passes": passes, "masks": masks, "memory_budget": 0.5}
    ours = predict_passes(model, inputs(items), **settings).probabilities.astype(float)
    naive = naive_loop(model, inputs(items), 400)
    for power in (1, 2):
        one, other = ours**power, naive**power
        error = np.sqrt(one.var(axis=0) / len(one) + other.var(axis=0) / len(other))
        assert (np.abs(one.mean(axis=0) - other.mean(axis=0)) < 5 * error).all()
    # Products of two classes, and of two items, which move together only with masks per pass.
    np.testing.assert_allclose(
        np.cov(ours[:, 0].T), np.cov(naive[:, 0].T), atol=0.25 * np.cov(naive[:, 0].T).max()
    )
    together = np.corrcoef(ours[:, 0, 0], ours[:, 1, 0])[0, 1]
    assert (abs(together) > 0.1) == (masks == "per_pass")


@pytest.mark.parametrize("masks", ["per_item", "per_pass"])
def test_the_memory_budget_changes_no_number(masks):
    model = model_of(layers.GaussianNoise(0.1, seed=7), head())
    settings = {"passes": 7, "draws": DRAWS, "masks": masks, "seed": 4}
    found = {
        budget: predict_passes(model, inputs(), batch_size=4, memory_budget=budget, **settings)
        for budget in (1e-6, 1e-3, 100)
    }
    for name in ("probabilities", "draw_entropy", "draw_agreement", "loc", "scale"):
        expected = getattr(found[100], name)
        for budget in (1e-6, 1e-3):
            np.testing.assert_allclose(getattr(found[budget], name), expected, atol=1e-5)


def test_chunks_follow_the_budget():
    passes = MonteCarloDropout(model_of(head()), passes=7)._passes
    needed = passes.bytes_of_one_pass((4, FEATURES)) / 2**20
    chunks = [
        passes.passes_at_once(Schedule(7, memory_budget=count * needed), (4, FEATURES))
        for count in (0.5, 1, 2, 3.5, 6, 7, 100)
    ]
    assert chunks == [1, 1, 2, 3, 4, 7, 7]


@keras.saving.register_keras_serializable(package="tests.inference")
class Counting(layers.Layer):
    """Counts how often it is traced, and for how many rows."""

    rows = ()

    def call(self, x):
        Counting.rows += (x.shape[0],)
        return x


def test_everything_is_traced_once_whatever_is_left_over():
    x = keras.Input((FEATURES,))
    hidden = Counting()(dense(6, 1)(x))
    hidden = Counting()(layers.Dropout(0.5, seed=1)(hidden))
    model = keras.Model(x, dense(CLASSES, 2, activation="softmax")(hidden))
    passes = MonteCarloDropout(model, passes=7)
    needed = passes._passes.bytes_of_one_pass((4, FEATURES)) / 2**20
    passes = MonteCarloDropout(model, passes=7, memory_budget=2 * needed)
    Counting.rows = ()
    for images in (inputs(10), inputs(4), inputs(7)):
        passes.predict(images, batch_size=4)
    assert Counting.rows == (4, 2 * 4)


def test_many_models_and_batch_sizes_bring_no_warning_of_retracing(monkeypatch, caplog):
    monkeypatch.setattr(logging.getLogger("tensorflow"), "handlers", [caplog.handler])
    passes = MonteCarloDropout(model_of(dense(CLASSES, 4, activation="softmax")), passes=2)
    for items in range(1, 8):
        predict(model_of(dense(CLASSES, 4, activation="softmax")), inputs(items))
        passes.predict(inputs(items))
    assert "retracing" not in caplog.text


def test_one_call_is_the_class_and_its_method():
    model = model_of(head())
    settings = {"passes": 3, "draws": DRAWS, "seed": 4, "masks": "per_pass"}
    ids = range(5, 15)
    one = predict_passes(model, inputs(), batch_size=4, ids=ids, **settings)
    other = MonteCarloDropout(model, **settings).predict(inputs(), batch_size=4, ids=ids)
    np.testing.assert_array_equal(one.probabilities, other.probabilities)
    np.testing.assert_array_equal(one.ids, other.ids)


@pytest.mark.parametrize("batch_size", [4, 256])
def test_passes_stop_at_the_tolerance_and_are_those_without_it(batch_size):
    model = model_of(dense(CLASSES, 4, activation="softmax"))
    settings = {"passes": 200, "seed": 4}
    every = predict_passes(model, inputs(), batch_size=batch_size, **settings).probabilities
    errors = every.std(axis=0, ddof=1).max() / np.sqrt(len(every))
    tolerance = 2 * float(errors)
    stopped = predict_passes(
        model, inputs(), batch_size=batch_size, tolerance=tolerance, **settings
    ).probabilities
    used = len(stopped)
    assert 10 <= used < 200
    np.testing.assert_allclose(stopped, every[:used], atol=1e-6)

    def standard_error(count):
        return every[:count].std(axis=0, ddof=1).max() / np.sqrt(count)

    assert standard_error(used) <= tolerance < standard_error(used - 10)


def test_a_tolerance_out_of_reach_takes_all_passes_and_a_wide_one_ten():
    model = model_of(head())
    for tolerance, used in ((1e-9, 23), (10.0, 10)):
        found = predict_passes(model, inputs(), passes=23, draws=5, tolerance=tolerance)
        assert found.passes == used
    assert predict_passes(model, inputs(), passes=3, draws=5, tolerance=10.0).passes == 3


@keras.saving.register_keras_serializable(package="tests.inference")
class HoldsDropout(layers.Layer):
    """A layer of one's own around a dropout layer."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dropout = layers.Dropout(0.5, seed=1)

    def call(self, x):
        return self.dropout(x)


@pytest.mark.parametrize("kind", ["subclassed", "own layer"])
def test_what_may_mix_items_runs_pass_by_pass_and_says_so_once(kind):
    model = subclassed()
    if kind == "own layer":
        model = keras.Sequential([keras.Input((FEATURES,)), dense(6, 1), HoldsDropout(), head()])
    with pytest.warns(UserWarning, match="runs pass by pass") as caught:
        passes = MonteCarloDropout(model, passes=3, draws=5)
    assert len(caught) == 1
    passes.predict(inputs())  # where another warning would be an error
    assert passes._passes.passes_at_once(Schedule(100), (4, FEATURES)) == 1


def test_integers_reach_an_embedding_and_padding_stays_masked():
    model = keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            layers.Embedding(7, 3, mask_zero=True),
            layers.SpatialDropout1D(0.4, seed=1),
            layers.LSTM(4),
            head(),
        ]
    )
    settings = {"passes": 3, "draws": 5, "masks": "per_pass"}
    passes = MonteCarloDropout(model, **settings)
    short, padded = (
        passes.predict(np.array(tokens)) for tokens in ([[2, 3, 1]], [[2, 3, 1, 0, 0]])
    )
    np.testing.assert_allclose(padded.loc, short.loc, rtol=1e-5)
