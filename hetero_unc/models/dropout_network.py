"""The classifier of the FER+ paper on features of a trunk: two hidden layers with dropout.

With 1,792 features and nine classes 247,177 parameters below `Dense(9)`, and 247,306 below
`GaussianLogits(9, scale="shared")`, the paper's head for noise.

Reference: Ghandeharioun et al. (2019), https://arxiv.org/abs/1909.09285, section 3, and its
released code.
"""

import math

import keras

from hetero_unc.checks import check_choice, check_count, check_rate

__all__ = ["dropout_network"]

PLACES = ("hidden", "every_layer")


def dropout_network(
    head, *, features=1792, hidden=(128, 128), dropout=0.2, places="every_layer", seed=None
):
    """Dense layers with dropout, and a head; kernels start as in the published work.

    Every dense layer, those of the head too, starts with a kernel from a truncated Normal of
    standard deviation 1 / sqrt(inputs) and, if it has one, a bias of 0.1.

    Args:
        head: Keras layer that takes `(N, hidden[-1])`: `Dense(C)`, `GaussianLogits(C)`, or a list
            of layers.
        features: Integer, number of features of an item.
        hidden: Units of the hidden layers, which are followed by ReLU.
        dropout: Rate in [0, 1).
        places: `"every_layer"`, dropout before every layer with weights, as the paper's text has
            it; or `"hidden"`, as its code has it: none before the first.
        seed: Integer, seeds kernels and dropout. None for fresh ones.

    Returns:
        A Sequential model: features as images of one pixel, `(N, 1, 1, features)`, as
        `hetero_unc.training.fit` takes them -> the head's output.

    Raises:
        ValueError: If there is no hidden layer, a size is below 1, `dropout` is not in
            [0, 1) or `places` another word.
    """
    check_count(features, name="features")
    check_choice(places, PLACES, name="places")
    check_rate(dropout, name="dropout")
    if not hidden:
        raise ValueError(f"`hidden` must hold a number of units. Received: hidden={hidden}")
    layers = [keras.Input((1, 1, features), name="features"), keras.layers.Flatten(name="flatten")]
    if places == "every_layer":
        layers.append(_dropout(dropout, seed, 0))
    for number, units in enumerate(hidden, start=1):
        check_count(units, name="hidden units")
        layers.append(keras.layers.Dense(units, activation="relu", name=f"hidden_{number}"))
        layers.append(_dropout(dropout, seed, number))
    layers += head if isinstance(head, (list, tuple)) else [head]
    model = keras.Sequential(layers, name="dropout_network")
    _start_as_published(model, None if seed is None else seed + len(hidden) + 1)
    return model


def _dropout(rate, seed, number):
    seed = None if seed is None else seed + number
    return keras.layers.Dropout(rate, seed=seed, name=f"dropout_{number}")


def _start_as_published(model, seed):
    dense = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.Dense)]
    for number, layer in enumerate(dense):
        kernel = keras.initializers.TruncatedNormal(
            stddev=1 / math.sqrt(layer.kernel.shape[0]),
            seed=None if seed is None else seed + number,
        )
        layer.kernel.assign(kernel(layer.kernel.shape))
        if layer.use_bias:
            layer.bias.assign(keras.ops.full(layer.bias.shape, 0.1))
