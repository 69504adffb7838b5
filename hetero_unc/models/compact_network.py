"""A compact residual network for small faces and the like: 3 million parameters at its defaults.

Sized for training on two CPU cores in bfloat16 within an hour or two: there batch normalisation
takes as long as the convolutions, so it has none. It is convolutional to the last, so that one set
of weights takes images of several sizes, and training can begin on small ones.
"""

import math

import keras

from hetero_unc.checks import check_count, check_rate
from hetero_unc.layers import StandardisedConv2D

__all__ = ["compact_network"]

# One over the standard deviation of max(x, 0), x standard Normal: Brock et al. (2021), section 4.2.
GAIN_OF_RELU = 1 / math.sqrt((1 - 1 / math.pi) / 2)
# Share of a block's output that comes from its branch, the rest from the identity; the squares sum
# to about one, which keeps the variance where it was.
BRANCH, IDENTITY = 0.5, 0.9


def compact_network(
    head,
    *,
    input_shape=(None, None, 1),
    widths=(32, 80, 160, 320),
    blocks=(0, 1, 1, 1),
    dropout=0.25,
    augmentation=(),
    seed=None,
):
    """Stages of residual blocks, each at half the size of the one before, a mean, dropout, a head.

    The first stage is one convolution at full size; each later one opens with a convolution of
    stride 2. A block is two 3 x 3 convolutions beside an identity (He et al., 2016), with
    standardised kernels in place of batch normalisation (Brock et al., 2021).

    Args:
        head: Keras layer that takes `(N, widths[-1])`: `Dense(C)`, `GaussianLogits(C)`, or a list
            of layers, such as `[GaussianLogits(C), LogExpectedSoftmax()]`.
        input_shape: `(H, W, K)` of the images; H and W may be None for any size of at least 16.
        widths: Channels of each stage.
        blocks: Residual blocks of each stage, as many as `widths`.
        dropout: Rate in [0, 1) of the dropout before the head.
        augmentation: Layers applied to the images first; they act in training only.
        seed: Integer, seeds kernels and dropout (not the head nor the augmentation, which bring
            their own). None for fresh ones.

    Returns:
        A Functional model: images `(N, H, W, K)` in [0, 1] -> the head's output.

    Raises:
        ValueError: If `input_shape` has not three sizes, the image is smaller than 16 x 16,
            `widths` and `blocks` differ in length, or `dropout` is not in [0, 1).
    """
    if len(input_shape) != 3:
        raise ValueError(f"`input_shape` must be (H, W, K). Received: input_shape={input_shape}")
    for size in input_shape[:2]:
        if size is not None:
            check_count(size, name="the smaller side of `input_shape`", minimum=16)
    check_count(input_shape[2], name="channels of `input_shape`")
    if len(widths) != len(blocks):
        raise ValueError(
            "`widths` and `blocks` must have one entry a stage. "
            f"Received: widths={tuple(widths)}, blocks={tuple(blocks)}"
        )
    check_rate(dropout, name="dropout")
    layers = keras.layers
    kernels = 0

    def convolution(tensor, width, stride, name):
        nonlocal kernels
        kernels += 1
        kernel = keras.initializers.HeNormal(None if seed is None else seed + kernels)
        return StandardisedConv2D(
            width, 3, strides=stride, padding="same", kernel_initializer=kernel, name=name
        )(tensor)

    def activation(tensor, name):
        tensor = layers.ReLU(name=name)(tensor)
        return layers.Rescaling(GAIN_OF_RELU, name=f"{name}_gain")(tensor)

    image = keras.Input(input_shape, name="image")
    tensor = image
    for layer in augmentation:
        tensor = layer(tensor)
    # From [0, 1] to about zero mean and unit variance, for pictures that use most of the range.
    tensor = layers.Rescaling(4.0, offset=-2.0, name="centred")(tensor)
    for stage, (width, count) in enumerate(zip(widths, blocks, strict=True)):
        name = f"stage{stage}"
        tensor = convolution(tensor, width, 1 if stage == 0 else 2, f"{name}_entry")
        tensor = activation(tensor, f"{name}_relu")
        for block in range(count):
            inside = f"{name}_block{block}"
            branch = convolution(tensor, width, 1, f"{inside}_first")
            branch = activation(branch, f"{inside}_inner")
            branch = convolution(branch, width, 1, f"{inside}_second")
            branch = layers.Rescaling(BRANCH, name=f"{inside}_branch")(branch)
            identity = layers.Rescaling(IDENTITY, name=f"{inside}_identity")(tensor)
            tensor = layers.Add(name=f"{inside}_sum")([identity, branch])
            # Without the gain: the identity was rectified before and loses little here.
            tensor = layers.ReLU(name=f"{inside}_relu")(tensor)
    tensor = layers.GlobalAveragePooling2D(name="features")(tensor)
    tensor = layers.Dropout(dropout, seed=seed, name="dropout")(tensor)
    for layer in head if isinstance(head, (list, tuple)) else [head]:
        tensor = layer(tensor)
    return keras.Model(image, tensor, name="compact_network")
