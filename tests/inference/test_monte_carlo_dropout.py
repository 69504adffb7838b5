"""Seeds, sharing and refusals of a model whose dropout is left on."""

import random
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers

from hetero_unc.inference.monte_carlo_dropout import set_pass, with_monte_carlo_dropout
from hetero_unc.inference.stochastic_layer import StochasticLayer
from hetero_unc.layers import GaussianLogits

MASKS = ("per_item", "per_pass")


def dense():
    return keras.Sequential([keras.Input((6,)), layers.Dropout(0.4), layers.Dense(3)])


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


def test_a_copied_layer_follows_training_of_the_given_model(model_with_dropout):
    model = model_with_dropout("custom layer")
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
        wrapped = with_monte_carlo_dropout(model, masks=masks, insertion_rate=0.1)
        draws = np.asarray(wrapped(np.ones((4, 6), "float32")))
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


def test_what_cannot_be_done_is_refused(model_with_dropout):
    with pytest.raises(ValueError, match="subclassed"):
        with_monte_carlo_dropout(model_with_dropout("subclassed"), insertion_rate=0.5)
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
            layers.SpatialDropout1D(0.4),
            layers.LSTM(4, recurrent_dropout=0.4),
        ]
    )
    wrapped = with_monte_carlo_dropout(model, masks="per_pass", seed=0)
    outputs = []
    for tokens in ([[2, 3, 1]], [[2, 3, 1, 0, 0]]):
        set_pass(wrapped, 0)
        outputs.append(np.asarray(wrapped(np.array(tokens))))
    np.testing.assert_allclose(*outputs, rtol=1e-5)
