"""Random rotation, shift, zoom and mirroring of images in one resampling."""

import math

import keras
from keras import ops

from hetero_unc.checks import check_count

__all__ = ["RandomAffine"]


@keras.saving.register_keras_serializable(package="hetero_unc")
class RandomAffine(keras.layers.Layer):
    """Rotates, shifts, zooms and mirrors each image, in training only.

    Keras' `RandomRotation`, `RandomTranslation` and `RandomZoom` in a row resample three times,
    and each blurs: a face of 48 pixels has no detail to spare. Here the maps are multiplied first.
    What comes in from outside is the reflection of the image.

    Args:
        rotation: Largest angle, degrees, >= 0; either way.
        shift: Largest shift as a fraction of each side, in [0, 1); either way.
        zoom: Largest change of size as a fraction, in [0, 1); larger or smaller.
        mirror: Whether half of the images are flipped left to right.
        seed: Integer, or None for a fresh one.
        name, dtype: As in `keras.layers.Layer`.

    Call arguments:
        images: `(N, H, W, K)`, channels last.
        training: Whether to transform; the images come back as they are otherwise.

    Returns:
        Images of the same shape and type.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self, *, rotation=10.0, shift=0.08, zoom=0.1, mirror=True, seed=None, **layer_arguments
    ):
        super().__init__(**layer_arguments)
        if not 0 <= rotation <= 180:
            raise ValueError(f"`rotation` must be in [0, 180]. Received: rotation={rotation}")
        for name, value in (("shift", shift), ("zoom", zoom)):
            if not 0 <= value < 1:
                raise ValueError(f"`{name}` must be in [0, 1). Received: {name}={value}")
        if seed is not None:
            check_count(seed, name="seed", minimum=0)
        self.rotation = rotation
        self.shift = shift
        self.zoom = zoom
        self.mirror = mirror
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, images, training=False):
        if not training:
            return images
        transforms = self._transforms(*ops.shape(images)[:3])
        changed = ops.image.affine_transform(
            ops.cast(images, "float32"),
            transforms,
            interpolation="bilinear",
            fill_mode="reflect",
            data_format="channels_last",
        )
        return ops.cast(changed, images.dtype)

    def _transforms(self, items, height, width):
        """`(N, 8)`: from the place of an output pixel, (x, y), to that in the input."""
        draw = keras.random.uniform((5, items), -1.0, 1.0, dtype="float32", seed=self.generator)
        angle = draw[0] * math.radians(self.rotation)
        # A zoom by 1 + z and one by 1 / (1 + z) are equally likely.
        size = ops.exp(draw[1] * math.log1p(self.zoom))
        flipped = ops.where(draw[4] < 0, -1.0, 1.0) if self.mirror else ops.ones_like(angle)
        a, b = size * flipped * ops.cos(angle), -size * ops.sin(angle)
        c, d = size * flipped * ops.sin(angle), size * ops.cos(angle)
        # About the middle of the image.
        middle_x = (ops.cast(width, "float32") - 1) / 2
        middle_y = (ops.cast(height, "float32") - 1) / 2
        x = middle_x - a * middle_x - b * middle_y + draw[2] * self.shift * 2 * middle_x
        y = middle_y - c * middle_x - d * middle_y + draw[3] * self.shift * 2 * middle_y
        zero = ops.zeros_like(a)
        return ops.stack([a, b, x, c, d, y, zero, zero], axis=1)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        names = ("rotation", "shift", "zoom", "mirror", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
