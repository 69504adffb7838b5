import keras
import numpy as np
import pytest

from hetero_unc.layers import GaussianLogits, LogExpectedSoftmax
from hetero_unc.models import compact_network

SMALL = {"widths": (8, 16, 16), "blocks": (0, 1, 1)}


def test_parameters_are_those_of_the_formula():
    model = compact_network(GaussianLogits(9))
    # A convolution has 9 * in * out weights, and a bias and a gain per filter.
    shapes = [(1, 32), (32, 80), (80, 80), (80, 80), (80, 160), (160, 160), (160, 160)]
    shapes += [(160, 320), (320, 320), (320, 320)]
    expected = sum(9 * before * after + 2 * after for before, after in shapes) + 321 * 18
    assert model.count_params() == expected
    assert 2.5e6 < expected < 3.5e6


def test_one_set_of_weights_takes_images_of_several_sizes():
    model = compact_network([GaussianLogits(5), LogExpectedSoftmax()], **SMALL, seed=0)
    for side in (16, 33, 48):
        images = np.random.default_rng(0).random((3, side, side, 1)).astype(np.float32)
        out = keras.ops.convert_to_numpy(model(images))
        assert out.shape == (3, 5)
        np.testing.assert_allclose(np.exp(out).sum(axis=1), 1, atol=1e-5)


def test_signals_neither_die_nor_explode_through_many_blocks():
    model = compact_network(keras.layers.Dense(2), widths=(32, 64), blocks=(8, 8), seed=1)
    last = model.get_layer("stage1_block7_relu").output
    images = np.random.default_rng(1).random((8, 32, 32, 1)).astype(np.float32)
    signal = keras.ops.convert_to_numpy(keras.Model(model.input, last)(images))
    assert 0.1 < (signal**2).mean() < 10


def test_training_changes_nothing_but_dropout_and_augmentation():
    model = compact_network(keras.layers.Dense(3), **SMALL, dropout=0.0, seed=2)
    images = np.random.default_rng(2).random((4, 20, 20, 1)).astype(np.float32)
    assert np.array_equal(model(images, training=True), model(images, training=False))


def test_the_same_seed_gives_the_same_network():
    images = np.random.default_rng(3).random((2, 16, 16, 1)).astype(np.float32)
    head = keras.layers.Dense(3, kernel_initializer="ones")
    first, second = (compact_network(head, **SMALL, seed=seed)(images) for seed in (4, 4))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, compact_network(head, **SMALL, seed=5)(images))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_shape": (48, 48)}, "`input_shape` must be"),
        ({"input_shape": (8, 48, 1)}, "the smaller side of `input_shape`"),
        ({"input_shape": (48, 48, 0)}, "channels of `input_shape`"),
        ({"widths": (8, 16), "blocks": (1,)}, "`widths` and `blocks` must have one entry a stage"),
        ({"dropout": 1.0}, r"`dropout` must be a rate in \[0, 1\). Received: dropout=1.0"),
    ],
)
def test_bad_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        compact_network(keras.layers.Dense(2), **options)
