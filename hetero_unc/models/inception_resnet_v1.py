"""Inception-ResNet-v1 as the open implementation of FaceNet builds it: the trunk of the FER+ paper.

A convolution has no bias and is followed by batch normalisation (no gamma) and ReLU. A residual
block adds `scale * up(branches)` to its input, where `up` is a 1 x 1 convolution with a bias and
neither normalisation nor activation, and ends in a ReLU, but for the very last. Layers are named
after those of FaceNet, with `_` for `/`.

References: Szegedy, Ioffe, Vanhoucke and Alemi (2016), https://arxiv.org/abs/1602.07261, figures 10
to 14; D. Sandberg, https://github.com/davidsandberg/facenet; Ghandeharioun et al. (2019),
https://arxiv.org/abs/1909.09285, section 3.
"""

import itertools

import keras
from keras import layers

from hetero_unc.checks import check_choice, check_count, check_rate

__all__ = ["ENDPOINTS", "endpoint_features", "inception_resnet_v1", "split_at_endpoint"]

ENDPOINTS = ("Mixed_5a", "Mixed_6a", "Mixed_6b", "Mixed_7a", "Mixed_8a", "Mixed_8b")
# Convolutions without padding leave nothing of a smaller image.
SMALLEST_SIDE = 75

VALID = {"padding": "valid"}
SAME = {"padding": "same"}
HALVED = {"strides": 2, "padding": "valid"}
# Of each branch its convolutions: name, filters, kernel size, and stride and padding where they
# are not `SAME`.
BLOCK35 = [
    [("1x1", 32, 1)],
    [("0a_1x1", 32, 1), ("0b_3x3", 32, 3)],
    [("0a_1x1", 32, 1), ("0b_3x3", 32, 3), ("0c_3x3", 32, 3)],
]
BLOCK17 = [
    [("1x1", 128, 1)],
    [("0a_1x1", 128, 1), ("0b_1x7", 128, (1, 7)), ("0c_7x1", 128, (7, 1))],
]
BLOCK8 = [
    [("1x1", 192, 1)],
    [("0a_1x1", 192, 1), ("0b_1x3", 192, (1, 3)), ("0c_3x1", 192, (3, 1))],
]
REDUCTION_A = [
    [("1a_3x3", 384, 3, HALVED)],
    [("0a_1x1", 192, 1), ("0b_3x3", 192, 3), ("1a_3x3", 256, 3, HALVED)],
]
REDUCTION_B = [
    [("0a_1x1", 256, 1), ("1a_3x3", 384, 3, HALVED)],
    [("0a_1x1", 256, 1), ("1a_3x3", 256, 3, HALVED)],
    [("0a_1x1", 256, 1), ("0b_3x3", 256, 3), ("1a_3x3", 256, 3, HALVED)],
]


def inception_resnet_v1(
    input_shape=(160, 160, 3), *, embedding_size=512, dropout=0.2, seed=None, dtype=None
):
    """Images to embeddings of faces; 23,467,824 trainable parameters at an embedding of 512.

    Args:
        input_shape: `(H, W, K)` of the images; H and W at least 75.
        embedding_size: Integer, width of the layer `Bottleneck`.
        dropout: Rate in [0, 1) of the dropout before it, on the pooled features.
        seed: Integer, seeds kernels and dropout. None for fresh ones.
        dtype: Keras' dtype policy of all layers, such as `"mixed_bfloat16"`; None for the global
            one.

    Returns:
        A Functional model: images `(N, H, W, K)`, grey values g as `(g - 127.5) / 128` ->
        embeddings `(N, embedding_size)`, not of unit length. Each stage ends in the layer of
        `ENDPOINTS` that bears its name.

    Raises:
        ValueError: If `input_shape` has not three sizes, a side is open (None) or below 75, or
            `dropout` is not in [0, 1).
    """
    if len(input_shape) != 3:
        raise ValueError(f"`input_shape` must be (H, W, K). Received: input_shape={input_shape}")
    for side in input_shape[:2]:
        check_count(side, name="the smaller side of `input_shape`", minimum=SMALLEST_SIDE)
    check_count(input_shape[2], name="channels of `input_shape`")
    check_count(embedding_size, name="embedding_size")
    check_rate(dropout, name="dropout")
    build = _Builder(seed, dtype)
    image = keras.Input(input_shape, name="image")
    x = _stem(build, image)
    x = _residual_blocks(build, x, BLOCK35, 0.17, ["block35"] * 5, "Mixed_5a")
    x = _reduction(build, x, REDUCTION_A, "Mixed_6a")
    x = _residual_blocks(build, x, BLOCK17, 0.10, ["block17"] * 10, "Mixed_6b")
    x = _reduction(build, x, REDUCTION_B, "Mixed_7a")
    x = _residual_blocks(build, x, BLOCK8, 0.20, ["block8"] * 5, "Mixed_8a")
    x = _residual(build, x, BLOCK8, 1.0, "Block8", "Mixed_8b")
    x = build.layer(layers.GlobalAveragePooling2D, "AvgPool")(x)
    x = build.layer(layers.Dropout, "Dropout", rate=dropout, seed=build.next_seed())(x)
    bottleneck = build.weighted(layers.Dense, "Bottleneck", units=embedding_size, use_bias=False)
    x = build.normalisation("Bottleneck")(bottleneck(x))
    return keras.Model(image, x, name="inception_resnet_v1")


def split_at_endpoint(network, endpoint):
    """Cut the network in two at an endpoint; both parts share its layers and weights.

    Args:
        network: From `inception_resnet_v1`.
        endpoint: One of `ENDPOINTS`.

    Returns:
        `(trunk, tail)`: images -> feature map `(N, h, w, k)` of the endpoint, not pooled; feature
        map -> the output of the network.

    Raises:
        ValueError: If `endpoint` is another name.
    """
    check_choice(endpoint, ENDPOINTS, name="endpoint")
    features = network.get_layer(endpoint).output
    trunk = keras.Model(network.inputs[0], features, name=f"trunk_to_{endpoint}")
    return trunk, keras.Model(features, network.outputs[0], name=f"tail_from_{endpoint}")


def endpoint_features(network, endpoints=ENDPOINTS):
    """The pooled features of several endpoints in one pass over the images.

    Args:
        network: From `inception_resnet_v1`.
        endpoints: Names out of `ENDPOINTS`.

    Returns:
        A Functional model that shares the layers of the network: images -> dict from endpoint to
        averages over all places `(N, k)`, float32. In the order of `ENDPOINTS`, k is 256, 896, 896,
        1792, 1792, 1792. Those of `Mixed_8b` may be negative, the others are not.

    Raises:
        ValueError: If a name is not one of `ENDPOINTS`, or there is none.
    """
    if not endpoints:
        raise ValueError(f"`endpoints` must hold a name at least. Received: endpoints={endpoints}")
    pooled = {}
    for name in endpoints:
        check_choice(name, ENDPOINTS, name="endpoints")
        pool = layers.GlobalAveragePooling2D(dtype="float32", name=f"{name}_AvgPool")
        pooled[name] = pool(network.get_layer(name).output)
    return keras.Model(network.inputs[0], pooled, name="endpoint_features")


class _Builder:
    """What all layers of one network share: a dtype policy, and a row of seeds."""

    def __init__(self, seed, dtype):
        self.dtype = dtype
        self.seeds = itertools.repeat(None) if seed is None else itertools.count(seed)

    def next_seed(self):
        return next(self.seeds)

    def layer(self, kind, name, **settings):
        return kind(name=name, dtype=self.dtype, **settings)

    def weighted(self, kind, name, **settings):
        kernel = keras.initializers.GlorotUniform(self.next_seed())
        return self.layer(kind, name, kernel_initializer=kernel, **settings)

    def normalisation(self, name):
        settings = {"momentum": 0.995, "epsilon": 0.001, "scale": False}
        return self.layer(layers.BatchNormalization, f"{name}_BatchNorm", **settings)

    def convolution(self, x, name, filters, size, how=SAME):
        settings = {"filters": filters, "kernel_size": size, "use_bias": False, **how}
        x = self.weighted(layers.Conv2D, name, **settings)(x)
        return self.layer(layers.ReLU, f"{name}_Relu")(self.normalisation(name)(x))

    def branches(self, x, block, table):
        outputs = []
        for number, convolutions in enumerate(table):
            output = x
            for name, filters, size, *how in convolutions:
                name = f"{block}_Branch_{number}_Conv2d_{name}"
                output = self.convolution(output, name, filters, size, *how)
            outputs.append(output)
        return outputs

    def pool(self, x, name):
        return self.layer(layers.MaxPooling2D, name, pool_size=3, strides=2)(x)

    def concatenate(self, parts, name):
        return self.layer(layers.Concatenate, name)(parts)


def _stem(build, image):
    x = build.convolution(image, "Conv2d_1a_3x3", 32, 3, HALVED)
    x = build.convolution(x, "Conv2d_2a_3x3", 32, 3, VALID)
    x = build.convolution(x, "Conv2d_2b_3x3", 64, 3)
    x = build.pool(x, "MaxPool_3a_3x3")
    x = build.convolution(x, "Conv2d_3b_1x1", 80, 1)
    x = build.convolution(x, "Conv2d_4a_3x3", 192, 3, VALID)
    return build.convolution(x, "Conv2d_4b_3x3", 256, 3, HALVED)


def _reduction(build, x, table, endpoint):
    pooled = build.pool(x, f"{endpoint}_Branch_{len(table)}_MaxPool_1a_3x3")
    return build.concatenate([*build.branches(x, endpoint, table), pooled], endpoint)


def _residual_blocks(build, x, table, scale, names, endpoint):
    for number, name in enumerate(names, start=1):
        name = f"{name}_{number}"
        last = number == len(names)
        x = _residual(build, x, table, scale, name, f"{name}_Add")
        x = build.layer(layers.ReLU, endpoint if last else f"{name}_Relu")(x)
    return x


def _residual(build, x, table, scale, name, sum_name):
    mixed = build.concatenate(build.branches(x, name, table), f"{name}_concat")
    up = build.weighted(layers.Conv2D, f"{name}_Conv2d_1x1", filters=x.shape[-1], kernel_size=1)
    scaled = build.layer(layers.Rescaling, f"{name}_scale", scale=scale)(up(mixed))
    return build.layer(layers.Add, sum_name)([x, scaled])
