"""The two-layer CNN of the TensorFlow tutorials of 2017, which Reasonable Doubt (2018) starts from.

28 x 28 x 1: 3,274,634 parameters with `Dense(10)` as its head, 3,284,884 with `GaussianLogits(10)`.
"""

import keras

from hetero_unc.checks import check_count, check_rate

__all__ = ["small_cnn"]


def small_cnn(head, *, input_shape=(28, 28, 1), dropout=0.4, augmentation=(), seed=None):
    """Two 5 x 5 convolutions with max pooling, a dense layer of 1,024, dropout, and a head.

    Args:
        head: Keras layer that takes `(N, 1024)`: `Dense(C)`, `GaussianLogits(C)`, or a list of
            layers, such as `[GaussianLogits(C), LogExpectedSoftmax()]`.
        input_shape: `(H, W, K)` of the images; H and W at least 4.
        dropout: Rate in [0, 1) of the dropout before the head.
        augmentation: Layers applied to the images first; they act in training only.
        seed: Integer, seeds kernels and dropout (not the head nor the augmentation, which bring
            their own). None for fresh ones.

    Returns:
        A Sequential model: images `(N, H, W, K)` in [0, 1] -> the head's output.

    Raises:
        ValueError: If `input_shape` has not three sizes, the image is smaller than 4 x 4, or
            `dropout` is not in [0, 1).
    """
    if len(input_shape) != 3:
        raise ValueError(f"`input_shape` must be (H, W, K). Received: input_shape={input_shape}")
    height, width, channels = input_shape
    for side in (height, width):
        check_count(side, name="the smaller side of `input_shape`", minimum=4)
    check_rate(dropout, name="dropout")
    check_count(channels, name="channels of `input_shape`")
    seeds = [None if seed is None else seed + offset for offset in range(4)]

    def kernel(which):
        return keras.initializers.GlorotUniform(seeds[which])

    layers = keras.layers
    convolution = {"padding": "same", "activation": "relu"}
    return keras.Sequential(
        [
            keras.Input(input_shape, name="image"),
            *augmentation,
            layers.Conv2D(32, 5, kernel_initializer=kernel(0), name="conv1", **convolution),
            layers.MaxPooling2D(name="pool1"),
            layers.Conv2D(64, 5, kernel_initializer=kernel(1), name="conv2", **convolution),
            layers.MaxPooling2D(name="pool2"),
            layers.Flatten(name="flatten"),
            layers.Dense(1024, activation="relu", kernel_initializer=kernel(2), name="dense1"),
            layers.Dropout(dropout, seed=seeds[3], name="dropout"),
            *(head if isinstance(head, (list, tuple)) else [head]),
        ],
        name="small_cnn",
    )
