"""Settings, images and models that break a rule are refused before any work, by name."""

import keras
import numpy as np
import pytest
from keras import layers

from hetero_unc.inference import MonteCarloDropout, predict
from hetero_unc.layers import GaussianLogits

FEATURES, CLASSES = 4, 3


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
def test_settings_that_break_a_rule_are_refused(inputs, head, model_of, arguments, message):
    with pytest.raises(ValueError, match=message):
        MonteCarloDropout(model_of(head()), **arguments)
    if arguments.keys() & {"accuracy", "draws", "seed", "output"}:
        with pytest.raises(ValueError, match=message):
            predict(model_of(head()), inputs(), **arguments)


@pytest.fixture(scope="module")
def image_model():
    model = keras.Sequential(
        [keras.Input((6, 6, 1)), layers.Flatten(), layers.Dropout(0.5), GaussianLogits(CLASSES)]
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
def test_batches_of_no_item_are_refused(inputs, head, model_of, batch_size):
    with pytest.raises(ValueError, match="`batch_size` must be an integer >= 1"):
        predict(model_of(head()), inputs(), batch_size=batch_size)


def several_inputs():
    pair = [keras.Input((FEATURES,)), keras.Input((FEATURES,))]
    return keras.Model(pair, GaussianLogits(CLASSES)(layers.Dropout(0.5)(layers.add(pair))))


def several_outputs():
    x = keras.Input((FEATURES,))
    hidden = layers.Dropout(0.5)(x)
    return keras.Model(x, [GaussianLogits(CLASSES)(hidden), layers.Dense(2)(hidden)])


def unbuilt():
    return keras.Sequential([layers.Dropout(0.5), GaussianLogits(CLASSES)])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (several_inputs, "`model` must have one input"),
        (several_outputs, "`model` must have one output"),
        (unbuilt, "`model` must be a built `keras.Model`"),
        (lambda: layers.Dense(3), "`model` must be a built `keras.Model`"),
        (lambda: keras.Sequential([keras.Input((4,)), layers.Dense(1)]), "C >= 2"),
        (lambda: keras.Sequential([keras.Input((4, 3)), layers.Dense(3)]), r"\(N, C, 2 \+ R\)"),
    ],
)
def test_models_that_break_a_rule_are_refused(inputs, make, message):
    for call in (lambda: predict(make(), inputs()), lambda: MonteCarloDropout(make(), passes=2)):
        with pytest.raises(ValueError, match=message):
            call()
