"""Dropout at inference, held against closed forms and against the model it was made from."""

import random
import subprocess
import sys
from functools import partial

import keras
import numpy as np
import pytest
from keras import layers

from hetero_unc.inference.monte_carlo_dropout import set_pass, with_monte_carlo_dropout
from hetero_unc.inference.stochastic_layer import StochasticLayer, stochastic_sublayers
from hetero_unc.layers import GaussianLogits

# Keras 3.15 hands TensorFlow's variables to NumPy 2 in the old way, also while saving.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

RATE = 0.4
MASKS = ("per_item", "per_pass")


def dense():
    return keras.Sequential([keras.Input((6,)), layers.Dropout(RATE), layers.Dense(3)])


def spatial(dimensions):
    kind = getattr(layers, f"SpatialDropout{dimensions}D")
    convolution = getattr(layers, f"Conv{dimensions}D")
    shape = (4,) * dimensions + (3,)
    return lambda: keras.Sequential(
        [keras.Input(shape), kind(RATE), convolution(2, 2), layers.Flatten()]
    )


def noise(kind, amount, **kwargs):
    return lambda: keras.Sequential(
        [keras.Input((6,)), layers.Dense(5), kind(amount, **kwargs), layers.Dense(3)]
    )


def recurrent(kind, **kwargs):
    return lambda: keras.Sequential([keras.Input((4, 3)), kind(5, **kwargs), layers.Dense(2)])


def stacked_cells():
    cells = [layers.LSTMCell(4, dropout=RATE), layers.GRUCell(3, recurrent_dropout=RATE)]
    return keras.Sequential([keras.Input((4, 3)), layers.RNN(cells), layers.Dense(2)])


def conv_lstm():
    return keras.Sequential(
        [
            keras.Input((3, 5, 5, 2)),
            layers.ConvLSTM2D(2, 3, dropout=RATE, recurrent_dropout=RATE),
            layers.Flatten(),
        ]
    )


def bidirectional():
    return keras.Sequential(
        [keras.Input((4, 3)), layers.Bidirectional(layers.LSTM(3, dropout=RATE)), layers.Dense(2)]
    )


def masked_recurrent():
    return keras.Sequential(
        [
            keras.Input((5,)),
            layers.Embedding(7, 3, mask_zero=True),
            layers.SpatialDropout1D(RATE),
            layers.GRU(4, recurrent_dropout=RATE),
        ]
    )


def time_distributed():
    inside = keras.Sequential(
        [keras.Input((3,)), layers.Dense(4), layers.BatchNormalization(), layers.Dropout(RATE)]
    )
    return keras.Sequential(
        [keras.Input((4, 3)), layers.TimeDistributed(inside), layers.Flatten(), layers.Dense(2)]
    )


def attention():
    inputs = keras.Input((4, 6))
    attended = layers.MultiHeadAttention(2, 3, dropout=RATE)(query=inputs, value=inputs)
    return keras.Model(inputs, layers.Flatten()(attended))


def recurrent_then_batch_normalization():
    inputs = keras.Input((4, 3))
    hidden = layers.LSTM(5, dropout=RATE, recurrent_dropout=RATE)(inputs)
    return keras.Model(inputs, layers.BatchNormalization()(hidden))


def branches():
    """Several inputs and outputs, a shared layer, a layer called twice, an operation."""
    left, right = keras.Input((6,), name="left"), keras.Input((6,), name="right")
    shared, drop = layers.Dense(5, activation="relu"), layers.Dropout(RATE)
    both = drop(shared(left)) * 2.0 + drop(shared(right))
    other = layers.Concatenate()([layers.GaussianNoise(0.3)(left), right])
    return keras.Model(
        {"left": left, "right": right}, {"a": layers.Dense(3)(both), "b": layers.Dense(2)(other)}
    )


def nested():
    """A model in a Sequential in a Functional, the inner one called twice."""
    inner_input = keras.Input((5,))
    inner = keras.Model(
        inner_input, layers.Dropout(RATE)(layers.BatchNormalization()(inner_input)) + inner_input
    )
    block = keras.Sequential([keras.Input((6,)), layers.Dense(5), inner, layers.Dense(6)])
    inputs = keras.Input((6,))
    return keras.Model(inputs, layers.Dense(2)(block(block(inputs))))


def augmented():
    return keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.RandomFlip(),
            layers.RandomRotation(0.5),
            layers.Conv2D(4, 3),
            layers.BatchNormalization(),
            layers.Dropout(RATE, noise_shape=(None, 1, 1, 4)),
            layers.Flatten(),
            layers.Dropout(0.0),
            GaussianLogits(3),
        ]
    )


@keras.saving.register_keras_serializable(package="tests")
class Block(layers.Layer):
    """A custom layer that hands `training` to nothing: its parts take it from the context."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.recurrent = layers.LSTM(units, dropout=RATE)
        self.parts = [layers.Dropout(RATE), layers.BatchNormalization(), layers.Dense(units)]

    def build(self, input_shape):
        self.recurrent.build(input_shape)
        self.offset = self.add_weight(shape=(self.units,), name="offset")
        for part in self.parts:
            part.build((input_shape[0], self.units))

    def call(self, inputs):
        outputs = self.recurrent(inputs)
        for part in self.parts:
            outputs = part(outputs)
        return outputs + self.offset

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def custom_layer():
    return keras.Sequential([keras.Input((4, 3)), Block(5), layers.Dense(2)])


@keras.saving.register_keras_serializable(package="tests")
class Subclassed(keras.Model):
    def __init__(self, units=4, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.hidden = layers.Dense(units)
        self.normal = layers.BatchNormalization()
        self.drop = layers.Dropout(RATE)
        self.head = layers.Dense(2)

    def call(self, inputs):
        return self.head(self.drop(self.normal(self.hidden(inputs))))

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def subclassed():
    model = Subclassed()
    model(np.zeros((1, 6), "float32"))
    return model


MODELS = {
    "dense": dense,
    "spatial 1d": spatial(1),
    "spatial 2d": spatial(2),
    "spatial 3d": spatial(3),
    "alpha": noise(layers.AlphaDropout, RATE),
    "gaussian dropout": noise(layers.GaussianDropout, RATE),
    "gaussian noise": noise(layers.GaussianNoise, 0.5),
    "simple recurrent": recurrent(layers.SimpleRNN, dropout=RATE),
    "lstm": recurrent(layers.LSTM, dropout=RATE),
    "lstm, recurrent": recurrent(layers.LSTM, recurrent_dropout=RATE),
    "gru": recurrent(layers.GRU, dropout=RATE, recurrent_dropout=RATE),
    "stacked cells": stacked_cells,
    "conv lstm": conv_lstm,
    "bidirectional": bidirectional,
    "masked recurrent": masked_recurrent,
    "time distributed": time_distributed,
    "attention": attention,
    "recurrent, batch normalization": recurrent_then_batch_normalization,
    "branches": branches,
    "nested": nested,
    "augmented": augmented,
    "custom layer": custom_layer,
    "subclassed": subclassed,
}


def make(name):
    """A model with BatchNormalization statistics that are not the initial ones."""
    keras.utils.set_random_seed(3)
    model = MODELS[name]()
    generator = np.random.default_rng(3)
    for weight in model.weights:
        weight.assign(generator.uniform(0.2, 0.9, weight.shape))
    return model


def identical_rows(name, model, rows=6):
    """One random item, repeated: for masks per item its outputs differ, per pass they do not."""
    generator = np.random.default_rng(5)

    def item(shape):
        if name == "masked recurrent":
            return np.tile([[2, 3, 1, 0, 0]], (rows, 1))
        return np.repeat(generator.normal(size=(1, *shape)).astype("float32"), rows, axis=0)

    if name == "subclassed":
        return item((6,))
    if name == "branches":
        return {"left": item((6,)), "right": item((6,))}
    return item(model.inputs[0].shape[1:])


def flat(outputs):
    """All outputs of a model side by side: (rows, values)."""
    values = [np.asarray(x).reshape(len(x), -1) for x in keras.tree.flatten(outputs)]
    return np.concatenate(values, axis=1)


def state(model):
    """Every variable, seeds included, by identity."""
    return {id(v): keras.ops.convert_to_numpy(v).copy() for v in model.variables}


@pytest.fixture(scope="module", params=MODELS)
def case(request):
    """A model, and its predictions and variables before and after it was wrapped and used.

    Made once for the tests that read it: masks per item through `predict`, which is traced, masks
    per pass through plain calls.
    """
    model = make(request.param)
    inputs = identical_rows(request.param, model)
    found = {"model": model, "plain": flat(model(inputs, training=False)), "before": state(model)}
    for masks in MASKS:
        wrapped = with_monte_carlo_dropout(model, masks=masks, seed=7)
        seeds = {id(p.seed_generator.state) for p in stochastic_sublayers(wrapped)}
        run = partial(wrapped.predict, verbose=0) if masks == "per_item" else wrapped
        before = state(wrapped)
        first, second, by_call = flat(run(inputs)), flat(run(inputs)), flat(wrapped(inputs))
        after = state(wrapped)
        set_pass(wrapped, 0)
        found[masks] = {
            "wrapped": wrapped,
            "seeds": seeds,
            "before": before,
            "after": after,
            "first": first,
            "second": second,
            "by_call": by_call,
            "again": flat(run(inputs)),
        }
    found["after"] = state(model)
    found["plain_after"] = flat(model(inputs, training=False))
    return found


def test_the_given_model_predicts_as_before_and_none_of_its_variables_moves(case):
    np.testing.assert_array_equal(case["plain_after"], case["plain"])
    assert case["before"].keys() == case["after"].keys()
    for key, value in case["before"].items():
        np.testing.assert_array_equal(case["after"][key], value)


@pytest.mark.parametrize("masks", MASKS)
def test_only_the_seeds_of_the_dropout_change(case, masks):
    found = case[masks]
    assert found["seeds"]
    assert found["before"].keys() == found["after"].keys()
    for key, value in found["before"].items():
        changed = not np.array_equal(found["after"][key], value)
        assert changed == (key in found["seeds"])


@pytest.mark.parametrize("masks", MASKS)
def test_weights_are_the_very_variables_of_the_given_model(case, masks):
    given = {id(weight) for weight in case["model"].weights}
    wrapped = {id(weight) for weight in case[masks]["wrapped"].weights}
    assert wrapped == given


@pytest.mark.parametrize("masks", MASKS)
def test_calls_differ_and_the_same_pass_comes_back_to_the_bit(case, masks):
    found = case[masks]
    draws = np.stack([found["first"], found["second"], found["by_call"]])
    different = len(np.unique(draws, axis=0))
    # One mask over three or four units may well come twice.
    assert different == 3 if masks == "per_item" else different > 1
    np.testing.assert_array_equal(found["again"], found["first"])


def test_items_share_masks_per_pass_and_do_not_per_item(case):
    shared = case["per_pass"]["first"]
    # Matrix products may round rows of one batch differently.
    np.testing.assert_allclose(
        shared, np.repeat(shared[:1], len(shared), axis=0), rtol=1e-4, atol=1e-5
    )
    assert np.abs(np.diff(case["per_item"]["first"], axis=0)).max() > 1e-3


# How items share masks hardly touches saving: three models stand for all.
SAVED = [
    *((name, "per_item") for name in MODELS),
    *((name, "per_pass") for name in ("alpha", "nested", "custom layer")),
]


@pytest.mark.parametrize(("name", "masks"), SAVED)
def test_it_comes_back_from_disk_with_the_same_passes(name, masks, tmp_path):
    model = make(name)
    inputs = identical_rows(name, model)
    wrapped = with_monte_carlo_dropout(model, masks=masks, seed=7)
    wrapped(inputs)
    wrapped.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    for either in (wrapped, loaded):
        set_pass(either, 3, 2)
    np.testing.assert_array_equal(flat(loaded(inputs)), flat(wrapped(inputs)))
    set_pass(loaded, 4, 2)
    assert not np.array_equal(flat(loaded(inputs)), flat(wrapped(inputs)))


def draws_of(model, inputs, **kwargs):
    wrapped = with_monte_carlo_dropout(model, seed=11, **kwargs)
    return np.asarray(wrapped(inputs))


@pytest.mark.parametrize(
    ("kind", "amount", "variance"),
    [
        (layers.Dropout, 0.4, lambda x: 0.4 / 0.6 * x**2),
        (layers.GaussianDropout, 0.4, lambda x: 0.4 / 0.6 * x**2),
        (layers.GaussianNoise, 0.4, lambda x: 0.4**2 * np.ones_like(x)),
    ],
)
@pytest.mark.parametrize("masks", MASKS)
def test_mean_and_variance_of_noise_before_a_dense_layer(kind, amount, variance, masks):
    model = keras.Sequential([keras.Input((None, 5)), kind(amount), layers.Dense(2)])
    x = np.array([0.5, -1.0, 2.0, 0.1, 1.5])
    kernel = np.asarray(model.layers[-1].kernel)
    mean, spread = x @ kernel, variance(x) @ kernel**2
    # One item: its positions draw independently, however items share masks.
    draws = draws_of(model, np.tile(x, (1, 20_000, 1)).astype("float32"), masks=masks)[0]
    error = 5 * np.sqrt(spread / len(draws))
    assert (np.abs(draws.mean(axis=0) - mean) < error).all()
    kurtosis = ((draws - mean) ** 4).mean(axis=0) / spread**2
    tolerance = 5 * np.sqrt((kurtosis - 1) / len(draws))
    assert (np.abs(draws.var(axis=0) / spread - 1) < tolerance).all()


@pytest.mark.parametrize("masks", MASKS)
def test_alpha_dropout_keeps_the_mean_and_variance_of_a_standard_normal(masks):
    model = keras.Sequential([keras.Input((200,)), layers.AlphaDropout(0.3)])
    x = np.random.default_rng(0).normal(size=(500, 200)).astype("float32")
    draws = draws_of(model, x, masks=masks)
    assert abs(draws.mean()) < 0.2
    assert abs(draws.std() - 1) < 0.1
    values, counts = np.unique(draws, return_counts=True)
    dropped = draws == values[counts.argmax()]
    share = dropped[0].mean() if masks == "per_pass" else dropped.mean()
    assert abs(share - 0.3) < 5 * np.sqrt(0.21 / 200)


@pytest.mark.parametrize("kind", [layers.LSTM, layers.GRU, layers.SimpleRNN])
def test_recurrent_dropout_drops_whole_inputs_for_all_time_steps(kind):
    model = keras.Sequential([keras.Input((5, 1)), kind(3, dropout=0.5)])
    x = np.ones((400, 5, 1), "float32")
    draws = draws_of(model, x)
    # One input feature, one mask for all steps: it is there, scaled by two, or it is not.
    kept, dropped = np.asarray(model(2 * x[:1])), np.asarray(model(0 * x[:1]))
    is_kept = np.isclose(draws, kept, atol=1e-5).all(axis=1)
    is_dropped = np.isclose(draws, dropped, atol=1e-5).all(axis=1)
    assert (is_kept ^ is_dropped).all()
    assert abs(is_kept.mean() - 0.5) < 5 * np.sqrt(0.25 / len(x))


def test_spatial_dropout_drops_whole_channels():
    model = keras.Sequential([keras.Input((4, 4, 50)), layers.SpatialDropout2D(0.5)])
    draws = draws_of(model, np.ones((8, 4, 4, 50), "float32"))
    assert (draws == draws[:, :1, :1]).all()
    assert set(np.unique(draws)) == {0.0, 2.0}


def test_augmentation_is_the_identity_and_batch_normalization_uses_its_statistics():
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.RandomFlip(),
            layers.RandomTranslation(0.5, 0.5),
            layers.BatchNormalization(epsilon=0.0, momentum=0.1),
            layers.Dropout(0.5),
        ]
    )
    normal = model.layers[2]
    normal.moving_mean.assign([3.0])
    normal.moving_variance.assign([4.0])
    images = np.random.default_rng(0).normal(size=(20, 6, 6, 1)).astype("float32")
    draws = draws_of(model, images)
    np.testing.assert_allclose(draws[draws != 0], (images - 3)[draws != 0], rtol=1e-5)


@pytest.mark.parametrize("masks", MASKS)
def test_batches_of_a_pass_share_masks_only_per_pass(masks):
    model = dense()
    wrapped = with_monte_carlo_dropout(model, masks=masks, seed=0)
    x = np.ones((4, 6), "float32")
    outputs = []
    for pass_index, batch_index in [(0, 0), (0, 1), (1, 0)]:
        set_pass(wrapped, pass_index, batch_index)
        outputs.append(wrapped.predict(x, verbose=0))
    assert np.array_equal(outputs[0], outputs[1]) == (masks == "per_pass")
    assert not np.array_equal(outputs[0], outputs[2])
    assert not np.array_equal(outputs[1], outputs[2])


def test_seeds_decide_the_masks_and_touch_no_global_state():
    x = np.ones((4, 6), "float32")
    model = dense()
    legacy = np.random.get_state()[1].tolist()  # noqa: NPY002
    made = random.getstate()
    same = [np.asarray(with_monte_carlo_dropout(model, seed=5)(x)) for _ in range(2)]
    other = np.asarray(with_monte_carlo_dropout(model, seed=6)(x))
    unseeded = [np.asarray(with_monte_carlo_dropout(model)(x)) for _ in range(2)]
    with_monte_carlo_dropout(model, insertion_rate=0.1)
    assert random.getstate() == made
    assert np.random.get_state()[1].tolist() == legacy  # noqa: NPY002
    np.testing.assert_array_equal(*same)
    assert not np.array_equal(same[0], other)
    assert not np.array_equal(*unseeded)


def test_equal_layers_of_a_model_draw_different_masks():
    inputs = keras.Input((50,))
    model = keras.Model(inputs, [layers.Dropout(0.5)(inputs), layers.Dropout(0.5)(inputs)])
    first, second = with_monte_carlo_dropout(model, seed=0)(np.ones((1, 50), "float32"))
    assert not np.array_equal(first, second)


def test_a_layer_called_twice_stays_one_layer_and_draws_twice():
    inputs = keras.Input((50,))
    drop = layers.Dropout(0.5)
    model = keras.Model(inputs, [drop(inputs), drop(inputs)])
    wrapped = with_monte_carlo_dropout(model, seed=0)
    assert sum(isinstance(layer, StochasticLayer) for layer in wrapped.layers) == 1
    first, second = wrapped(np.ones((1, 50), "float32"))
    assert not np.array_equal(first, second)


def test_training_one_model_trains_the_other():
    model = dense()
    wrapped = with_monte_carlo_dropout(model, seed=0)
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 6)), np.ones((8, 3)), verbose=0)
    for mine, theirs in zip(wrapped.weights, model.weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_copied_layer_follows_training_of_the_given_model():
    model = make("custom layer")
    wrapped = with_monte_carlo_dropout(model, seed=0)
    x = np.ones((4, 4, 3), "float32")
    before = np.asarray(wrapped(x))
    model.layers[0].offset.assign_add(np.full(5, 2.0))
    set_pass(wrapped, 0)
    expected = 2.0 * np.asarray(model.layers[1].kernel).sum(axis=0)
    np.testing.assert_allclose(
        np.asarray(wrapped(x)) - before, np.tile(expected, (4, 1)), rtol=1e-4
    )


def test_a_model_compiled_with_a_loss_that_cannot_be_saved_is_wrapped():
    model = dense()
    model.compile("sgd", loss=lambda y_true, y_pred: keras.ops.mean(y_pred))
    assert with_monte_carlo_dropout(model).predict(np.ones((2, 6)), verbose=0).shape == (2, 3)


def inserted(model):
    names = [part.name for part in model._flatten_layers() if isinstance(part, StochasticLayer)]
    return [name.rsplit("_", 1)[0].removeprefix("dropout_before_") for name in names]


def test_insertion_goes_before_every_layer_with_a_kernel_and_before_no_other():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.RandomFlip(),
            layers.Conv2D(2, 3, name="convolution"),
            layers.BatchNormalization(),
            layers.PReLU(),
            layers.DepthwiseConv2D(3, name="depthwise"),
            layers.Flatten(),
            layers.Dense(4, name="dense"),
            GaussianLogits(3, name="head"),
        ]
    )
    wrapped = with_monte_carlo_dropout(model, insertion_rate=0.2, seed=0)
    assert sorted(inserted(wrapped)) == ["convolution", "dense", "depthwise", "head"]
    assert {part.rate for part in stochastic_sublayers(wrapped)} == {0.2}
    assert {id(v) for v in wrapped.weights} == {id(v) for v in model.weights}


def test_insertion_leaves_out_layers_that_dropout_feeds_and_integers():
    model = keras.Sequential(
        [
            keras.Input((5,), dtype="int32"),
            layers.Embedding(9, 4, name="embedding"),
            layers.LSTM(3, return_sequences=True, name="recurrent"),
            layers.Dropout(0.5, name="given"),
            layers.Flatten(),
            layers.Dense(4, name="fed"),
            layers.GaussianNoise(0.1, name="noise"),
            layers.Dense(4, name="not_fed"),
        ]
    )
    wrapped = with_monte_carlo_dropout(model, insertion_rate=0.2, seed=0)
    assert sorted(inserted(wrapped)) == ["given", "noise", "not_fed", "recurrent"]


def test_insertion_reaches_nested_models_and_every_call_of_a_shared_layer():
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4, name="inner")])
    shared = layers.Dense(4, name="shared")
    inputs = keras.Input((4,))
    model = keras.Model(inputs, shared(inner(shared(inputs))))
    wrapped = with_monte_carlo_dropout(model, insertion_rate=0.2, seed=0)
    assert sorted(inserted(wrapped)) == ["inner", "shared", "shared"]
    x = np.ones((2, 4), "float32")
    assert not np.array_equal(wrapped(x), wrapped(x))


def test_variance_of_inserted_dropout_has_its_closed_form():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(1, use_bias=False)])
    draws = draws_of(model, np.ones((20_000, 4), "float32"), insertion_rate=0.25)
    expected = 0.25 / 0.75 * (np.asarray(model.layers[0].kernel) ** 2).sum()
    assert abs(draws.var() / expected - 1) < 0.05


def test_half_precision_models_predict():
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(8, dtype="mixed_bfloat16"),
            layers.Dropout(0.5, dtype="mixed_bfloat16"),
            GaussianLogits(3),
        ]
    )
    for masks in MASKS:
        draws = draws_of(model, np.ones((4, 6), "float32"), masks=masks, insertion_rate=0.1)
        assert draws.dtype == np.float32
        assert np.isfinite(draws).all()


def test_predict_traces_once_for_all_passes():
    traces = []

    @keras.saving.register_keras_serializable(package="tests")
    class Counting(layers.Layer):
        def call(self, inputs):
            traces.append(1)
            return inputs

    model = keras.Sequential([keras.Input((6,)), Counting(), layers.Dropout(0.5)])
    wrapped = with_monte_carlo_dropout(model, seed=0)
    traces.clear()
    for pass_index in range(4):
        set_pass(wrapped, pass_index)
        wrapped.predict(np.ones((8, 6)), batch_size=4, verbose=0)
    assert len(traces) == 1


def test_bad_arguments_are_named():
    model = dense()
    for kwargs, message in [
        ({"masks": "per_batch"}, "`masks`.*per_batch"),
        ({"insertion_rate": 0.0}, "`insertion_rate`.*0.0"),
        ({"insertion_rate": 1.0}, "`insertion_rate`.*1.0"),
        ({"insertion_rate": "half"}, "`insertion_rate`.*half"),
        ({"seed": -1}, "`seed`.*-1"),
    ]:
        with pytest.raises(ValueError, match=message):
            with_monte_carlo_dropout(model, **kwargs)
    with pytest.raises(ValueError, match="`model` must be a built"):
        with_monte_carlo_dropout(keras.Sequential([layers.Dropout(0.5), layers.Dense(2)]))
    with pytest.raises(ValueError, match=r"`model` must be a built.*Dropout"):
        with_monte_carlo_dropout(layers.Dropout(0.5))
    wrapped = with_monte_carlo_dropout(model)
    with pytest.raises(ValueError, match="not after"):
        with_monte_carlo_dropout(wrapped)
    with pytest.raises(ValueError, match=r"`pass_index`.*-1"):
        set_pass(wrapped, -1)
    with pytest.raises(ValueError, match="with_monte_carlo_dropout"):
        set_pass(model, 0)


def test_a_model_without_dropout_is_refused_and_told_of_insertion():
    plain = keras.Sequential(
        [keras.Input((6,)), layers.Dropout(0.0), layers.GaussianNoise(0.0), layers.Dense(2)]
    )
    with pytest.raises(ValueError, match="`insertion_rate`"):
        with_monte_carlo_dropout(plain)
    assert len(inserted(with_monte_carlo_dropout(plain, insertion_rate=0.5))) == 1


def test_what_cannot_be_done_is_refused():
    with pytest.raises(ValueError, match="subclassed"):
        with_monte_carlo_dropout(subclassed(), insertion_rate=0.5)
    stateful = keras.Sequential(
        [keras.Input(batch_shape=(2, 4, 3)), layers.LSTM(3, dropout=0.5, stateful=True)]
    )
    with pytest.raises(ValueError, match="stateful"):
        with_monte_carlo_dropout(stateful)

    class WithoutConfig(keras.Model):
        def __init__(self, drop):
            super().__init__()
            self.drop, self.dense = drop, layers.Dense(2)

        def call(self, inputs):
            return self.dense(self.drop(inputs))

        def get_config(self):
            raise NotImplementedError

    model = WithoutConfig(layers.Dropout(0.5))
    model(np.zeros((1, 3), "float32"))
    with pytest.raises(ValueError, match="get_config"):
        with_monte_carlo_dropout(model)

    class OwnDropout(layers.Dropout):
        pass

    own = keras.Sequential([keras.Input((6,)), OwnDropout(0.5)])
    with pytest.raises(ValueError, match="per_item"):
        with_monte_carlo_dropout(own, masks="per_pass")
    x = np.ones((2, 6), "float32")
    assert not np.array_equal(x, with_monte_carlo_dropout(own)(x))


REPLICAS = """
import keras
import numpy as np
import tensorflow as tf
from hetero_unc.inference.monte_carlo_dropout import with_monte_carlo_dropout

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
assert strategy.num_replicas_in_sync == 2
for masks in ("per_item", "per_pass"):
    with strategy.scope():
        model = keras.Sequential([keras.Input((50,)), keras.layers.Dropout(0.5)])
        wrapped = with_monte_carlo_dropout(model, masks=masks, seed=0)
    outputs = wrapped.predict(np.ones((8, 50), "float32"), batch_size=8, verbose=0)
    assert np.array_equal(outputs[:4], outputs[4:]) == (masks == "per_pass"), masks
"""


@pytest.mark.slow
def test_replicas_draw_different_masks_per_item_and_the_same_per_pass():
    # A process of its own: TensorFlow divides the CPU only before it has used it.
    subprocess.run([sys.executable, "-c", REPLICAS], check=True)


def test_padding_stays_masked_behind_stochastic_layers():
    model = keras.Sequential(
        [
            keras.Input((None,)),
            layers.Embedding(7, 3, mask_zero=True),
            layers.SpatialDropout1D(RATE),
            layers.LSTM(4, recurrent_dropout=RATE),
        ]
    )
    wrapped = with_monte_carlo_dropout(model, masks="per_pass", seed=0)
    outputs = []
    for tokens in ([[2, 3, 1]], [[2, 3, 1, 0, 0]]):
        set_pass(wrapped, 0)
        outputs.append(np.asarray(wrapped(np.array(tokens))))
    np.testing.assert_allclose(*outputs, rtol=1e-5)
