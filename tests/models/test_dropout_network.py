"""The paper's classifier on features: its sizes, where it drops, and how it starts."""

import keras
import numpy as np
import pytest

from hetero_unc.layers import GaussianLogits
from hetero_unc.models import dropout_network


def dense(model):
    return [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.Dense)]


@pytest.mark.parametrize(
    ("features", "head", "parameters"),
    [
        (256, keras.layers.Dense(9), 50_569),
        (896, keras.layers.Dense(9), 132_489),
        (1792, keras.layers.Dense(9), 247_177),
        (1792, GaussianLogits(9, scale="shared", link="exp"), 247_306),
        (1792, GaussianLogits(9), 247_177 + 9 * 129),
    ],
)
def test_it_has_the_published_number_of_parameters(features, head, parameters):
    model = dropout_network(head, features=features)
    assert model.count_params() == parameters
    assert model.input_shape == (None, 1, 1, features)


@pytest.mark.parametrize(("places", "before"), [("hidden", 2), ("every_layer", 3)])
def test_dropout_stands_before_every_weight_or_after_the_hidden_layers(places, before):
    model = dropout_network(GaussianLogits(9), places=places, dropout=0.3)
    kinds = [type(layer).__name__ for layer in model.layers[1:]]
    after = ["Dense", "Dropout", "Dense", "Dropout", "GaussianLogits"]
    assert kinds == ["Dropout"] * (before - 2) + after
    rates = {layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)}
    assert rates == {0.3}


def test_all_dense_layers_start_as_published():
    layers = dense(dropout_network(GaussianLogits(9, scale="shared"), seed=0))
    shapes = {tuple(layer.kernel.shape) for layer in layers}
    assert shapes == {(1792, 128), (128, 128), (128, 9), (128, 1)}
    for layer in layers:
        np.testing.assert_allclose(layer.bias, 0.1, rtol=1e-6)
        inputs = layer.kernel.shape[0]
        kernel = layer.kernel.numpy() * np.sqrt(inputs)
        assert np.abs(kernel).max() <= 2
        # Standard deviation of a standard Normal cut off at 2, which is not corrected for.
        standard_error = 0.88 / np.sqrt(2 * kernel.size)
        assert abs(kernel.std() - 0.8796) < 4 * standard_error


def test_a_head_without_a_bias_starts_as_published_too():
    head = keras.layers.Dense(3, use_bias=False)
    model = dropout_network(head, features=5, hidden=(4,), seed=0)
    assert model.count_params() == 5 * 4 + 4 + 4 * 3
    assert np.abs(head.kernel.numpy() * np.sqrt(4)).max() <= 2
    biased = dropout_network(keras.layers.Dense(3), features=5, hidden=(4,), seed=0)
    np.testing.assert_array_equal(head.kernel, dense(biased)[-1].kernel)


def test_the_same_seed_gives_the_same_start_and_another_another():
    first, again, other = (dropout_network(GaussianLogits(9), seed=s) for s in (1, 1, 2))
    for a, b, c in zip(dense(first), dense(again), dense(other), strict=True):
        np.testing.assert_array_equal(a.kernel, b.kernel)
        assert np.abs(a.kernel - c.kernel).max() > 0.01


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"places": "inputs"}, "`places` must be one of .*Received: places='inputs'"),
        ({"hidden": ()}, "`hidden` must hold a number of units"),
        ({"hidden": (128, 0)}, "`hidden units` must be an integer >= 1"),
        ({"features": 0}, "`features` must be an integer >= 1"),
        ({"dropout": 1.5}, r"`dropout` must be a rate in \[0, 1\). Received: dropout=1.5"),
        ({"dropout": 1.0}, r"`dropout` must be a rate in \[0, 1\). Received: dropout=1.0"),
        ({"dropout": float("nan")}, "Received: dropout=nan"),
    ],
)
def test_settings_that_break_a_rule_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        dropout_network(GaussianLogits(9), **arguments)
