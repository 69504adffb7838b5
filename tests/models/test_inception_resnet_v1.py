"""The trunk of the FER+ paper: sizes by stage, its arithmetic, and where it may be cut.

Numbers of parameters and shapes are those of the FaceNet implementation at 160 x 160.
"""

import keras
import numpy as np
import pytest

from hetero_unc.models import (
    ENDPOINTS,
    endpoint_features,
    face_preprocessing,
    inception_resnet_v1,
    split_at_endpoint,
)

# Layer, output at 160 x 160, trainable parameters so far, batch normalisation's statistics so far.
STAGES = [
    ("Conv2d_1a_3x3_Relu", (79, 79, 32), 896, None),
    ("Conv2d_2a_3x3_Relu", (77, 77, 32), 10_144, None),
    ("Conv2d_2b_3x3_Relu", (77, 77, 64), 28_640, None),
    ("MaxPool_3a_3x3", (38, 38, 64), 28_640, None),
    ("Conv2d_3b_1x1_Relu", (38, 38, 80), 33_840, None),
    ("Conv2d_4a_3x3_Relu", (36, 36, 192), 172_272, None),
    ("Conv2d_4b_3x3_Relu", (17, 17, 256), 614_896, 1_312),
    ("Mixed_5a", (17, 17, 256), 1_001_136, 3_232),
    ("Mixed_6a", (8, 8, 896), 2_710_192, 5_280),
    ("Mixed_6b", (8, 8, 896), 9_605_552, 15_520),
    ("Mixed_7a", (3, 3, 1792), 12_949_808, 19_360),
    ("Mixed_8a", (3, 3, 1792), 20_949_808, 27_040),
    ("Mixed_8b", (3, 3, 1792), 22_549_808, 28_576),
    ("Bottleneck_BatchNorm", (512,), 23_467_824, 29_600),
]
WIDTHS = dict(zip(ENDPOINTS, (256, 896, 896, 1792, 1792, 1792), strict=True))
SMALL = (75, 75, 3)


@pytest.fixture(scope="module")
def network():
    return inception_resnet_v1(seed=0)


@pytest.fixture(scope="module")
def small():
    return inception_resnet_v1(SMALL, seed=1)


def faces(items=2):
    return np.random.default_rng(0).integers(0, 256, (items, 48, 48, 1)).astype("float32")


def small_images():
    return face_preprocessing(size=75)(faces())


def count(weights):
    return sum(int(np.prod(weight.shape)) for weight in weights)


def between(network, start, end):
    """The part of the network from the output of one layer to that of another."""
    tensors = [network.get_layer(name).output for name in (start, end)]
    return keras.Model(*tensors)


def test_every_stage_has_the_shape_and_the_parameters_of_facenet(network):
    for name, shape, trainable, statistics in STAGES:
        part = keras.Model(network.inputs[0], network.get_layer(name).output)
        assert part.output_shape == (None, *shape), name
        assert count(part.trainable_weights) == trainable, name
        if statistics is not None:
            assert count(part.non_trainable_weights) == statistics, name
    assert count(network.weights) == 23_467_824 + 29_600


def test_with_a_classifier_of_identities_it_has_28_892_799_parameters(network):
    identities = keras.layers.Dense(10_575)(network.output)
    assert count(keras.Model(network.input, identities).trainable_weights) == 28_892_799


def test_normalisation_shifts_and_does_not_scale(network):
    found = [
        layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)
    ]
    settings = {(layer.momentum, layer.epsilon, layer.center, layer.scale) for layer in found}
    assert settings == {(0.995, 0.001, True, False)}


@pytest.mark.parametrize(
    ("start", "end", "blocks", "scale"),
    [
        ("Conv2d_4b_3x3_Relu", "Mixed_5a", 5, 0.17),
        ("Mixed_6a", "Mixed_6b", 10, 0.10),
        ("Mixed_7a", "Mixed_8a", 5, 0.20),
        ("Mixed_8a", "Mixed_8b", 1, 1.0),
    ],
)
def test_blocks_that_see_nothing_add_their_scaled_biases(start, end, blocks, scale):
    network = inception_resnet_v1(SMALL)
    stage = between(network, start, end)
    ups = [layer for layer in stage.layers if getattr(layer, "use_bias", False)]
    assert len(ups) == blocks
    for layer in ups:
        layer.kernel.assign(keras.ops.zeros_like(layer.kernel))
        layer.bias.assign(keras.ops.full_like(layer.bias, 2.0))
    inputs = np.random.default_rng(0).random((2, *stage.input_shape[1:])).astype("float32")
    np.testing.assert_allclose(stage(inputs), inputs + 2 * blocks * scale, rtol=1e-5)


def test_only_the_last_block_may_be_negative(small):
    features = endpoint_features(small)(small_images())
    assert {name: values.shape for name, values in features.items()} == {
        name: (2, width) for name, width in WIDTHS.items()
    }
    smallest = {name: float(keras.ops.min(values)) for name, values in features.items()}
    assert smallest.pop("Mixed_8b") < 0
    assert min(smallest.values()) >= 0


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_trunk_and_tail_make_the_network_and_share_its_weights(small, endpoint):
    trunk, tail = split_at_endpoint(small, endpoint)
    features = trunk(small_images())
    assert features.shape[-1] == WIDTHS[endpoint]
    np.testing.assert_allclose(tail(features), small(small_images()), rtol=1e-4, atol=1e-5)
    assert count(trunk.weights) + count(tail.weights) == count(small.weights)
    ours = {id(weight) for weight in small.weights}
    assert {id(weight) for weight in [*trunk.weights, *tail.weights]} == ours
    pooled = endpoint_features(small, [endpoint])(small_images())[endpoint]
    np.testing.assert_allclose(pooled, np.mean(features, axis=(1, 2)), rtol=1e-5, atol=1e-6)


def test_the_same_seed_gives_the_same_weights_and_another_others(small):
    again, other = inception_resnet_v1(SMALL, seed=1), inception_resnet_v1(SMALL, seed=2)
    for weight, equal in zip(small.weights, again.weights, strict=True):
        np.testing.assert_array_equal(weight.numpy(), equal.numpy())
    kernel = "Conv2d_1a_3x3"
    assert np.abs(small.get_layer(kernel).kernel - other.get_layer(kernel).kernel).max() > 0.01


def test_half_precision_computes_in_it_and_pools_in_float32():
    network = inception_resnet_v1(SMALL, dtype="mixed_bfloat16")
    assert network.get_layer("Mixed_7a").compute_dtype == "bfloat16"
    assert {t.dtype for t in endpoint_features(network).outputs} == {"float32"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_shape": (160, 160)}, r"`input_shape` must be \(H, W, K\)"),
        ({"input_shape": (74, 160, 3)}, "smaller side of `input_shape`.* >= 75"),
        ({"input_shape": (None, None, 3)}, "smaller side of `input_shape`.* >= 75.*=None"),
        ({"input_shape": (160, 74, 3)}, "smaller side of `input_shape`.* >= 75.*=74"),
        ({"dropout": 1.0}, r"`dropout` must be a rate in \[0, 1\). Received: dropout=1.0"),
        ({"input_shape": (160, 160, 0)}, "channels of `input_shape`.* >= 1"),
        ({"embedding_size": 0}, "`embedding_size` must be an integer >= 1"),
    ],
)
def test_settings_that_break_a_rule_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        inception_resnet_v1(**arguments)


def test_endpoints_that_are_none_are_refused(small):
    with pytest.raises(ValueError, match=r"`endpoint` must be one of .*Mixed_8b.*Mixed_9"):
        split_at_endpoint(small, "Mixed_9")
    with pytest.raises(ValueError, match="`endpoints` must be one of"):
        endpoint_features(small, ["Mixed_5a", "Bottleneck"])
    with pytest.raises(ValueError, match="`endpoints` must hold a name"):
        endpoint_features(small, [])
