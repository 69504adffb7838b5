"""Rotation of all images by one angle."""

import math

import keras
from keras import ops

__all__ = ["Rotation"]


@keras.saving.register_keras_serializable(package="hetero_unc")
class Rotation(keras.layers.Layer):
    """Rotates images about their middle, in training and at prediction.

    Bilinear; what comes in from outside repeats the nearest pixel of the edge.

    Args:
        angle: Degrees, counter-clockwise as the image is seen.
        name, dtype: As in `keras.layers.Layer`.

    Call arguments:
        images: `(N, H, W, K)`, channels last.

    Returns:
        Images of the same shape, of the type of the layer.

    Raises:
        ValueError: If the angle is not finite.
    """

    def __init__(self, angle, **layer_arguments):
        super().__init__(**layer_arguments)
        if not math.isfinite(angle):
            raise ValueError(f"`angle` must be finite. Received: angle={angle}")
        self.angle = angle

    def call(self, images):
        items, height, width = ops.shape(images)[:3]
        cosine, sine = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
        middle_x = (ops.cast(width, "float32") - 1) / 2
        middle_y = (ops.cast(height, "float32") - 1) / 2
        # From the place of an output pixel, (x, y) with y downwards, to that in the input.
        x = middle_x - cosine * middle_x + sine * middle_y
        y = middle_y - sine * middle_x - cosine * middle_y
        transform = ops.stack([cosine, -sine, x, sine, cosine, y, 0.0, 0.0])
        turned = ops.image.affine_transform(
            ops.cast(images, "float32"),
            ops.broadcast_to(transform, (items, 8)),
            interpolation="bilinear",
            fill_mode="nearest",
            data_format="channels_last",
        )
        return ops.cast(turned, images.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "angle": self.angle}
