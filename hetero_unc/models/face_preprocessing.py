"""Small grey faces as a trunk takes them: larger, of three equal channels, and standardised.

Reference: Ghandeharioun et al. (2019), https://arxiv.org/abs/1909.09285, whose released code feeds
grey values 0 to 255 to a trunk that was trained on (x - 127.5) / 128.
"""

import types

import keras
from keras import layers

from hetero_unc.checks import check_choice, check_count

__all__ = ["FACE_PREPROCESSINGS", "face_preprocessing"]

STANDARDISED = {"scale": 1 / 128, "offset": -127.5 / 128}
RAW = {"scale": 1.0, "offset": 0.0}
FACE_PREPROCESSINGS = types.MappingProxyType(
    {
        "standardised": ("bilinear", STANDARDISED),
        "standardised_nearest": ("nearest", STANDARDISED),
        "standardised_bicubic": ("bicubic", STANDARDISED),
        "published_nearest": ("nearest", RAW),
        "published_bicubic": ("bicubic", RAW),
    }
)


def face_preprocessing(name="standardised", *, input_shape=(48, 48, 1), size=160):
    """A model without weights from grey faces to what `inception_resnet_v1` takes.

    Pixels are placed by their centres, as Pillow places them. Bicubic values may overshoot 0 to 255
    where Pillow cuts them off.

    Args:
        name: One of `FACE_PREPROCESSINGS`. `"standardised"` is the one to use: bilinear, then
            (g - 127.5) / 128. Two others change the filter only. `"published_nearest"` and
            `"published_bicubic"` leave grey values as they are, 0 to 255, a fault of the published
            work; Pillow's default filter, which it relies on, was the first of these until
            version 7 and is the second since.
        input_shape: `(H, W, 1)` of the faces.
        size: Integer, height and width of the result.

    Returns:
        A Functional model in float32: faces `(N, H, W, 1)`, grey values g from 0 to 255 -> images
        `(N, size, size, 3)`.

    Raises:
        ValueError: If `name` is none of these, or `input_shape` is not that of grey images.
    """
    check_choice(name, tuple(FACE_PREPROCESSINGS), name="name")
    check_count(size, name="size")
    if len(input_shape) != 3 or input_shape[2] != 1:
        raise ValueError(f"`input_shape` must be (H, W, 1). Received: input_shape={input_shape}")
    interpolation, standardisation = FACE_PREPROCESSINGS[name]
    face = keras.Input(input_shape, name="face")
    resize = layers.Resizing(size, size, interpolation, dtype="float32", name="resize")
    standardise = layers.Rescaling(**standardisation, dtype="float32", name="standardise")
    channels = layers.Concatenate(dtype="float32", name="three_channels")
    grey = standardise(resize(face))
    return keras.Model(face, channels([grey, grey, grey]), name=f"faces_{name}")
