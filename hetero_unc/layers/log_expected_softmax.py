"""Gaussian logits -> log of the expected softmax: makes the head an ordinary classifier."""

import keras

from hetero_unc.checks import check_choice, check_count
from hetero_unc.gaussian import draw_logits, draw_shared_logits
from hetero_unc.gaussian.draw_estimates import log_expected_softmax

__all__ = ["LogExpectedSoftmax"]


@keras.saving.register_keras_serializable(package="hetero_unc")
class LogExpectedSoftmax(keras.layers.Layer):
    """log E[softmax(z)] of Gaussian logits z.

    A model that ends in this layer is an ordinary Keras classifier whose outputs serve as logits:
    `SparseCategoricalCrossentropy(from_logits=True)` on them is the marginal likelihood of Kendall
    and Gal (2017), equation 12, because softmax leaves log-probabilities as they are.

    In training every batch gets fresh draws. At prediction the draws are the same for every item
    and every call, so that `predict` is a function of the item alone.

    Args:
        draws: Integer D, draws of the logits. The standard error of a probability p is at most
            `sqrt(p (1 - p) / D)`.
        estimator: `"draws"`.
        seed: Integer; the same seed gives the same draws.

    Input shape:
        `(N, C, 2)`, as `GaussianLogits` returns it.

    Output shape:
        `(N, C)`, log-probabilities in nats.

    Call arguments:
        inputs: The parameters.
        training: Whether to draw afresh for each batch.

    Example:

    >>> model = keras.Sequential([keras.Input((8,)), GaussianLogits(3), LogExpectedSoftmax()])
    >>> loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    >>> model.compile("adam", loss, metrics=["accuracy"])
    """

    def __init__(self, draws=1000, estimator="draws", seed=0, **kwargs):
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.draws = check_count(draws, name="draws")
        self.estimator = check_choice(estimator, ("draws",), name="estimator")
        self.seed = check_count(seed, name="seed", minimum=0)

    def build(self, input_shape):
        self.compute_output_shape(input_shape)

    def call(self, inputs, training=False):
        draw = draw_logits if training else draw_shared_logits
        return log_expected_softmax(draw(inputs, self.draws, seed=self.seed))

    def compute_output_shape(self, input_shape):
        if len(input_shape) != 3 or input_shape[-1] != 2:
            raise ValueError(
                "The input of LogExpectedSoftmax must be Gaussian logits of shape (N, C, 2). "
                f"Received: shape={tuple(input_shape)}"
            )
        return tuple(input_shape[:-1])

    def get_config(self):
        own = {"draws": self.draws, "estimator": self.estimator, "seed": self.seed}
        return {**super().get_config(), **own}
