"""Dropout put into a model that has none: before which layers, and before which not."""

import keras
import numpy as np
import pytest
from keras import layers

from hetero_unc.inference.monte_carlo_dropout import with_monte_carlo_dropout
from hetero_unc.inference.stochastic_layer import StochasticLayer, stochastic_sublayers
from hetero_unc.layers import GaussianLogits


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


def test_a_model_without_dropout_is_refused_and_told_of_insertion():
    plain = keras.Sequential(
        [keras.Input((6,)), layers.Dropout(0.0), layers.GaussianNoise(0.0), layers.Dense(2)]
    )
    with pytest.raises(ValueError, match="`insertion_rate`"):
        with_monte_carlo_dropout(plain)
    assert len(inserted(with_monte_carlo_dropout(plain, insertion_rate=0.5))) == 1
