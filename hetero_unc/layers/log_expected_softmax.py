"""Gaussian logits -> log of the expected softmax: makes the head an ordinary classifier."""

import keras

from hetero_unc.gaussian import (
    draw_estimates,
    draw_shared_logits,
    log_expected_softmax,
)
from hetero_unc.gaussian.draw_sweeps import drawn_log_expected_softmax
from hetero_unc.gaussian.estimation import Estimating
from hetero_unc.gaussian.integrals import exportable_log_expected_softmax
from hetero_unc.gaussian.low_rank import (
    given_factor,
    given_shared_factor,
    log_mean_over_factor,
)

__all__ = ["LogExpectedSoftmax"]


@keras.saving.register_keras_serializable(package="hetero_unc")
class LogExpectedSoftmax(Estimating, keras.layers.Layer):
    """log E[softmax(z)] of Gaussian logits z.

    A model that ends in this layer is an ordinary Keras classifier whose outputs serve as logits:
    `SparseCategoricalCrossentropy(from_logits=True)` on them is the marginal likelihood of Kendall
    and Gal (2017), equation 12, because softmax leaves log-probabilities as they are.

    With `estimator="draws"` every batch gets fresh draws in training; at prediction the draws are
    the same for every item and every call, so that `predict` is a function of the item alone.

    Args:
        draws: Integer D, draws of the logits. The standard error of a probability p is at most
            `sqrt(p (1 - p) / D)`. Ignored by `"exact"`.
        estimator: `"exact"`, a one-dimensional integral, or `"draws"`.
        seed: Integer; the same seed gives the same draws. Ignored by `"exact"`.
        accuracy: `"fast"`, `"standard"` or `"high"`, of the integral, as in
            `hetero_unc.gaussian.expected_softmax`. Ignored by `"draws"`.
        sequence: Of the draws in training, as in `hetero_unc.losses.MarginalLikelihood`.
        factor_draws: Integer, points for the low-rank part of the logits, given which the rest is
            integrated; in training fresh for each batch. Ignored by `"draws"` and at rank 0.

    Input shape:
        `(N, C, 2 + R)`, as `GaussianLogits` returns it.

    Output shape:
        `(N, C)`, log-probabilities in nats.

    Call arguments:
        inputs: The parameters.
        training: Whether to draw afresh for each batch.

    Raises:
        ValueError: On settings out of range, at construction; on an input of another shape.

    Example:

    >>> model = keras.Sequential([keras.Input((8,)), GaussianLogits(3), LogExpectedSoftmax()])
    >>> loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    >>> model.compile("adam", loss, metrics=["accuracy"])
    """

    def __init__(
        self,
        draws=1000,
        estimator="exact",
        seed=0,
        accuracy="standard",
        sequence="sobol",
        factor_draws=64,
        **kwargs,
    ):
        kwargs.setdefault("dtype", "float32")
        super().__init__(draws, estimator, seed, sequence, accuracy, factor_draws, **kwargs)

    def build(self, input_shape):
        self.compute_output_shape(input_shape)

    def call(self, inputs, training=False):
        if self.estimator == "exact":
            return self._integrated(inputs, training)
        if training:
            return drawn_log_expected_softmax(
                inputs, self.draws, seed=self.seed, sequence=self.sequence
            )
        logits = draw_shared_logits(inputs, self.draws, seed=self.seed)
        return draw_estimates.log_expected_softmax(logits)

    def _integrated(self, inputs, training):
        if training:
            loc, scale, points = given_factor(inputs, self.factor_draws, seed=self.seed)
            found = log_expected_softmax(loc, scale, accuracy=self.accuracy)
        else:
            loc, scale, points = given_shared_factor(inputs, self.factor_draws)
            # A model that is exported and served must not depend on a compiler being there.
            found = exportable_log_expected_softmax(loc, scale, accuracy=self.accuracy)
        return log_mean_over_factor(found, points)

    def compute_output_shape(self, input_shape):
        if len(input_shape) != 3 or input_shape[-1] is None or input_shape[-1] < 2:
            raise ValueError(
                "The input of LogExpectedSoftmax must be Gaussian logits of shape (N, C, 2 + R). "
                f"Received: shape={tuple(input_shape)}"
            )
        return tuple(input_shape[:-1])
