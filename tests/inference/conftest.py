"""Models with every kind of dropout, and small ones to predict with."""

import keras
import numpy as np
import pytest
from keras import layers

from hetero_unc.layers import GaussianLogits

RATE = 0.4
FEATURES, CLASSES = 4, 3


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


@pytest.fixture(scope="module", params=MODELS)
def kind_of_dropout(request):
    """Name of one of the models below, each in turn."""
    return request.param


@pytest.fixture(scope="session")
def model_with_dropout():
    """`model_with_dropout(name)`: BatchNormalization has statistics that are not the initial."""
    return make


@pytest.fixture(scope="session", name="identical_rows")
def identical_rows_fixture():
    """`identical_rows(name, model)`: one random item, repeated, as that model takes it."""
    return identical_rows


@pytest.fixture
def inputs():
    """`inputs(items)`: float32 `(items, 4)`."""

    def make_inputs(items=10):
        return np.random.default_rng(0).normal(size=(items, FEATURES)).astype("float32")

    return make_inputs


@pytest.fixture
def dense():
    """`dense(units, seed, ...)`: a dense layer with the same weights whenever it is made."""
    return seeded_dense


def seeded_dense(units, seed, **kwargs):
    kernel = keras.initializers.GlorotUniform(seed)
    return layers.Dense(units, kernel_initializer=kernel, **kwargs)


@pytest.fixture
def head():
    """`head()`: Gaussian logits of three classes."""
    return lambda: GaussianLogits(CLASSES, seed=5)


@pytest.fixture
def model_of():
    """`model_of(*ends, rate=0.5)`: dense, dropout, dense, then `ends`; four features go in."""

    def make_model(*ends, rate=0.5):
        return keras.Sequential(
            [
                keras.Input((FEATURES,)),
                seeded_dense(6, 1, activation="tanh"),
                layers.Dropout(rate, seed=2),
                seeded_dense(5, 3, activation="tanh"),
                *ends,
            ]
        )

    return make_model
