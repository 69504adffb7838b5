"""A classifier with Gaussian logits from the name of a backbone, or a file of one."""

import math
from pathlib import Path

import keras

from hetero_unc.checks import check_count, check_rate
from hetero_unc.layers import GaussianLogits
from hetero_unc.models.compact_network import compact_network
from hetero_unc.models.dropout_network import dropout_network
from hetero_unc.models.inception_resnet_v1 import inception_resnet_v1
from hetero_unc.models.small_cnn import small_cnn

__all__ = ["BACKBONES", "gaussian_classifier"]

# Of this package; besides, every network of `keras.applications` and every `.keras` file.
BACKBONES = ("compact", "dense", "inception_resnet_v1", "small_cnn")
OF_KERAS = tuple(name for name in dir(keras.applications) if name[0].isupper())


def gaussian_classifier(
    backbone, num_classes, *, input_shape, dropout=0.3, rank=0, frozen=False, seed=0
):
    """A network that ends in `GaussianLogits`, with dropout before it.

    Args:
        backbone: `"compact"`, `"small_cnn"`, `"inception_resnet_v1"`; `"dense"`, two hidden layers
            on the flattened input; a name of `keras.applications`, such as `"MobileNetV3Small"`;
            or the path of a `.keras` file of a model whose output is features, `(N, F)` or
            `(N, H, W, F)`. All but the file start from random weights.
        num_classes: Integer C.
        input_shape: `(H, W, K)` of the images, whose values are in [0, 1].
        dropout: Rate in [0, 1).
        rank: Integer R >= 0 of the low-rank part of the logits' covariance.
        frozen: Whether the weights of a `.keras` file stay as they are.
        seed: Integer >= 0.

    Returns:
        A `keras.Model`: images -> parameters `(N, C, 2 + R)`.

    Raises:
        OSError, ValueError: If the file is missing or not to be loaded, the name is unknown, or the
            images are too small for the network.
    """
    check_count(num_classes, name="num_classes", minimum=2)
    check_rate(dropout, name="dropout")
    head = GaussianLogits(num_classes, rank=rank, seed=seed)
    if backbone == "compact":
        return compact_network(head, input_shape=input_shape, dropout=dropout, seed=seed + 10)
    if backbone == "small_cnn":
        return small_cnn(head, input_shape=input_shape, dropout=dropout, seed=seed + 10)
    image = keras.Input(input_shape, name="image")
    if backbone == "dense":
        features = math.prod(input_shape)
        # Of a few features none may be dropped: what is left would tell the classes apart no more.
        network = dropout_network(
            head, features=features, dropout=dropout, places="hidden", seed=seed + 10
        )
        flat = keras.layers.Reshape((1, 1, features))(image)
        return keras.Model(image, network(flat), name="dense")
    features = _features(str(backbone), image, frozen=frozen, seed=seed + 10)
    if len(features.shape) == 4:
        features = keras.layers.GlobalAveragePooling2D(name="pooled")(features)
    if len(features.shape) != 2:
        raise ValueError(
            "`backbone` must end in features (N, F) or (N, H, W, F). "
            f"Received: {backbone} with an output of shape {features.shape}"
        )
    features = keras.layers.Dropout(dropout, seed=seed, name="dropout")(features)
    return keras.Model(image, head(features), name="gaussian_classifier")


def _features(backbone, image, *, frozen, seed):
    if backbone == "inception_resnet_v1":
        # From [0, 1] to what the published trunks were trained on, (x - 127.5) / 128.
        scaled = keras.layers.Rescaling(255 / 128, offset=-127.5 / 128, name="scaled")(image)
        return inception_resnet_v1(image.shape[1:], seed=seed)(scaled)
    if backbone in OF_KERAS:
        network = getattr(keras.applications, backbone)(
            include_top=False, weights=None, input_shape=image.shape[1:], pooling="avg"
        )
        # All of keras.applications but for their own rescaling layers take pixels of about 255.
        return network(keras.layers.Rescaling(255.0, name="scaled")(image))
    if backbone.endswith(".keras"):
        with open(backbone, "rb"):
            pass
        try:
            network = keras.saving.load_model(Path(backbone), compile=False, safe_mode=True)
        # An altered archive makes zipfile, h5py, json and Keras raise a dozen kinds of error.
        except Exception as error:
            raise ValueError(f"{backbone} is not a whole model that may be loaded") from error
        network.trainable = not frozen
        try:
            return network(image)
        except ValueError as error:
            raise ValueError(
                f"`backbone` must take images of shape {image.shape[1:]}. "
                f"Received: {backbone}, which takes {network.input_shape[1:]}"
            ) from error
    raise ValueError(
        f"`backbone` must be one of {', '.join(BACKBONES)}, a name of keras.applications or the "
        f"path of a .keras file. Received: backbone={backbone!r}"
    )
