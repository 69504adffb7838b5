"""The Gaussian head: logits with a loc, a scale and, if asked, correlations.

References: Kendall and Gal (2017), https://arxiv.org/abs/1703.04977, section 3.3; Bruss,
Wittenbach and Montgomery, Reasonable Doubt (Capital One, 2018); Collier et al. (2021),
https://arxiv.org/abs/2105.10305, section 4, for the low-rank part and the temperature.
"""

import math
import numbers

import keras
from keras import ops

from hetero_unc.checks import check_choice, check_count
from hetero_unc.gaussian.gumbel_variables import LARGEST_SCALE

__all__ = ["GaussianLogits"]

SCALES = ("per_class", "shared")
LINKS = {"softplus": ops.softplus, "exp": ops.exp}
# softplus and exp reach 0 in float32 when training drives the scale down; a Normal needs > 0.
SMALLEST_SCALE = 1e-6


@keras.saving.register_keras_serializable(package="hetero_unc")
class GaussianLogits(keras.layers.Layer):
    """Dense head whose logits are Gaussian: `(loc + scale * e + factor @ f) / temperature`.

    e and f are standard Normals, C and R of them. At temperature 1 the covariance of the logits is
    that of TensorFlow Probability's `MultivariateNormalDiagPlusLowRankCovariance`.

    The head computes in float32 whatever the global dtype policy, unless `dtype` is given: a
    half-precision scale can underflow.

    Where the largest scale of an item would exceed 40, all parameters of the item are divided by
    one number, so that it is 40. The softmax of logits that wide is hardly ever other than 0 or 1,
    at either size: the loss of single labels hardly says which, and lets training drift there.

    Args:
        num_classes: Integer C >= 2.
        scale: `"per_class"` (2 C outputs), or `"shared"`: one scale an item (C + 1 outputs),
            broadcast to all classes.
        link: `"softplus"` or `"exp"`: what makes the scale positive.
        rank: Integer R, columns of the factor that correlates the classes, 0 <= R < C; 0 for
            independent logits.
        temperature: Number > 0 that divides the logits, or `"learned"`: one number for all items,
            which starts at 1. The output is already divided by it.
        seed: Integer, seeds the initial kernels. None for fresh ones.

    Input shape:
        `(N, features)`.

    Output shape:
        `(N, C, 2 + R)`; last axis loc, scale (a standard deviation, > 0), factor, in logit units.

    Raises:
        ValueError: If an argument breaks its rule, at construction; on an input of other axes.

    Example:

    >>> model = keras.Sequential([keras.Input((8,)), GaussianLogits(3)])
    >>> model.output_shape
    (None, 3, 2)
    """

    def __init__(
        self,
        num_classes,
        scale="per_class",
        link="softplus",
        seed=None,
        rank=0,
        temperature=1.0,
        **kwargs,
    ):
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.num_classes = check_count(num_classes, name="num_classes", minimum=2)
        self.scale = check_choice(scale, SCALES, name="scale")
        self.link = check_choice(link, tuple(LINKS), name="link")
        self.seed = seed
        self.rank = check_count(rank, name="rank", minimum=0)
        if rank >= num_classes:
            raise ValueError(
                "`rank` must be smaller than `num_classes`: a larger factor adds nothing. "
                f"Received: rank={rank}, num_classes={num_classes}"
            )
        self.temperature = _check_temperature(temperature)
        self.temperature_logit = None
        scales = 1 if scale == "shared" else num_classes
        widths = {"loc": num_classes, "scale": scales, "factor": num_classes * rank}
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
            if width
        }

    def build(self, input_shape):
        if len(input_shape) != 2:
            raise ValueError(
                "The input of GaussianLogits must have shape (N, features): put Flatten or pooling "
                f"before it. Received: shape={tuple(input_shape)}"
            )
        for head in self.heads.values():
            head.build(input_shape)
        if self.temperature == "learned":
            start = keras.initializers.Constant(math.log(math.e - 1))  # softplus of it is 1
            self.temperature_logit = self.add_weight((), start, name="temperature_logit")

    def call(self, inputs):
        loc = self.heads["loc"](inputs)
        scale = LINKS[self.link](self.heads["scale"](inputs)) + SMALLEST_SCALE
        parts = [ops.stack([loc, ops.broadcast_to(scale, ops.shape(loc))], axis=-1)]
        if self.rank:
            shape = (-1, self.num_classes, self.rank)
            parts.append(ops.reshape(self.heads["factor"](inputs), shape))
        parameters = ops.concatenate(parts, axis=-1)
        if self.temperature == "learned":
            parameters = parameters / ops.softplus(self.temperature_logit)
        elif self.temperature != 1.0:
            parameters = parameters / self.temperature
        return _no_wider(parameters, LARGEST_SCALE)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.num_classes, 2 + self.rank)

    def get_config(self):
        own = {
            "num_classes": self.num_classes,
            "scale": self.scale,
            "link": self.link,
            "seed": self.seed,
            "rank": self.rank,
            "temperature": self.temperature,
        }
        return {**super().get_config(), **own}


def _no_wider(parameters, largest):
    """Parameters `(N, C, 2 + R)` of which no scale exceeds `largest`, in the same proportions."""
    widest = ops.max(ops.stop_gradient(parameters[..., 1]), axis=-1, initial=0.0)
    return parameters / ops.maximum(widest / largest, 1.0)[:, None, None]


def _check_temperature(temperature):
    number = isinstance(temperature, numbers.Real) and not isinstance(temperature, bool)
    if temperature != "learned" and not (number and 0 < temperature < math.inf):
        raise ValueError(
            "`temperature` must be 'learned' or a number above 0. "
            f"Received: temperature={temperature!r}"
        )
    return temperature if temperature == "learned" else float(temperature)
