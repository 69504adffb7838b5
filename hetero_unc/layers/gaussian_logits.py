"""The Gaussian head: logits with a loc and a scale.

References: Kendall and Gal (2017), https://arxiv.org/abs/1703.04977, section 3.3; Bruss,
Wittenbach and Montgomery, Reasonable Doubt (Capital One, 2018).
"""

import keras
from keras import ops

from hetero_unc.checks import check_choice, check_count

__all__ = ["GaussianLogits"]

SCALES = ("per_class", "shared")
LINKS = {"softplus": ops.softplus, "exp": ops.exp}
# softplus and exp reach 0 in float32 when training drives the scale down; a Normal needs > 0.
SMALLEST_SCALE = 1e-6


@keras.saving.register_keras_serializable(package="hetero_unc")
class GaussianLogits(keras.layers.Layer):
    """Dense head whose logits are Gaussian: `loc + scale * e`, e standard Normals.

    The head computes in float32 whatever the global dtype policy, unless `dtype` is given: a
    half-precision scale can underflow.

    Args:
        num_classes: Integer C >= 2.
        scale: `"per_class"` (2 C outputs), or `"shared"`: one scale an item (C + 1 outputs),
            broadcast to all classes.
        link: `"softplus"` or `"exp"`: what makes the scale positive.
        seed: Integer, seeds the initial kernels. None for fresh ones.

    Input shape:
        `(N, features)`.

    Output shape:
        `(N, C, 2)`; last axis loc, scale (a standard deviation, > 0), in logit units.

    Example:

    >>> model = keras.Sequential([keras.Input((8,)), GaussianLogits(3)])
    >>> model.output_shape
    (None, 3, 2)
    """

    def __init__(self, num_classes, scale="per_class", link="softplus", seed=None, **kwargs):
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.num_classes = check_count(num_classes, name="num_classes", minimum=2)
        self.scale = check_choice(scale, SCALES, name="scale")
        self.link = check_choice(link, tuple(LINKS), name="link")
        self.seed = seed
        widths = {"loc": num_classes, "scale": 1 if scale == "shared" else num_classes}
        self.heads = {  # each part its own Dense, so that each gets its own Glorot fan
            name: keras.layers.Dense(
                width,
                name=name,
                dtype=self.dtype_policy,
                kernel_initializer=keras.initializers.GlorotUniform(
                    None if seed is None else seed + offset
                ),
            )
            for offset, (name, width) in enumerate(widths.items())
        }

    def build(self, input_shape):
        if len(input_shape) != 2:
            raise ValueError(
                "The input of GaussianLogits must have shape (N, features): put Flatten or pooling "
                f"before it. Received: shape={tuple(input_shape)}"
            )
        for head in self.heads.values():
            head.build(input_shape)

    def call(self, inputs):
        loc = self.heads["loc"](inputs)
        scale = LINKS[self.link](self.heads["scale"](inputs)) + SMALLEST_SCALE
        return ops.stack([loc, ops.broadcast_to(scale, ops.shape(loc))], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.num_classes, 2)

    def get_config(self):
        own = {
            "num_classes": self.num_classes,
            "scale": self.scale,
            "link": self.link,
            "seed": self.seed,
        }
        return {**super().get_config(), **own}
