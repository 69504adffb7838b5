"""The negative log of the expected probability of the label: the loss of Kendall and Gal (2017)."""

import keras
from keras import ops

from hetero_unc.gaussian.class_likelihood import negative_log_expected_softmax
from hetero_unc.gaussian.draw_sweeps import drawn_log_expected_softmax, drawn_vote_likelihood
from hetero_unc.gaussian.estimation import Estimating
from hetero_unc.gaussian.integrals import log_expected_softmax
from hetero_unc.gaussian.low_rank import given_factor, log_mean_over_factor, repeated
from hetero_unc.losses.labels import are_distributions, as_classes, as_distributions

__all__ = ["MarginalLikelihood"]


@keras.saving.register_keras_serializable(package="hetero_unc")
class MarginalLikelihood(Estimating, keras.losses.Loss):
    """-log E[softmax(z)_y], z the Gaussian logits: probabilities are averaged.

    The log-loss of the forecast that the model makes; its scale rises where confident predictions
    meet other labels. The recommended loss for a model that ends in `GaussianLogits`; equal to
    `SparseCategoricalCrossentropy(from_logits=True)` on a model that ends in `LogExpectedSoftmax`.
    For a label distribution, the mean over its labels.

    Args:
        draws: Integer D, draws of the logits for each item and step. Ignored by `"exact"`.
        estimator: `"exact"`, a one-dimensional integral, or `"draws"`, whose probabilities are
            unbiased, and whose loss is biased upward by O(1/D) because the log is taken of a mean.
        seed: Integer; the draws depend on it and on the predictions of the batch. Ignored by
            `"exact"`.
        sequence: How the draws of an item stand to each other: `"sobol"`, `"antithetic"`, or
            `"independent"` (Normals from TensorFlow Probability on the TensorFlow backend). Ignored
            by `"exact"`.
        accuracy: `"fast"`, `"standard"` or `"high"`, of the integral. Ignored by `"draws"`.
        factor_draws: Integer, points for the low-rank part of the logits, given which the rest is
            integrated; fresh for each batch. Ignored by `"draws"` and at rank 0.
        reduction, name, dtype: As in `keras.losses.Loss`.

    Call arguments:
        y_true: `(N,)` integer classes, or `(N, C)` label distributions whose rows sum to one.
        y_pred: `(N, C, 2 + R)` parameters from `GaussianLogits`; R = 0 with `"draws"`.

    Returns:
        Nats; for each item >= 0.

    Raises:
        ValueError: On settings out of range, at construction; on labels or predictions of another
            shape, and on more than 21,201 classes with `sequence="sobol"`.

    Reference: Kendall and Gal (2017), https://arxiv.org/abs/1703.04977, equation 12.
    """

    usual_name = "marginal_likelihood"

    def call(self, y_true, y_pred):
        num_classes = y_pred.shape[1]
        if are_distributions(y_true, num_classes):
            # Each label's term needs its own expected probability.
            labels = as_distributions(y_true, num_classes)
            return -ops.sum(labels * self._log_expected_softmax(y_pred), axis=-1)
        classes = as_classes(y_true, num_classes)
        if self.estimator == "draws":
            one_hot = ops.one_hot(classes, num_classes, dtype="float32")
            return drawn_vote_likelihood(
                y_pred, one_hot, self.draws, seed=self.seed, sequence=self.sequence
            )
        loc, scale, points = given_factor(y_pred, self.factor_draws, seed=self.seed)
        loss = negative_log_expected_softmax(
            loc, scale, repeated(classes, points), accuracy=self.accuracy
        )
        return -log_mean_over_factor(-loss, points)

    def _log_expected_softmax(self, y_pred):
        if self.estimator == "draws":
            return drawn_log_expected_softmax(
                y_pred, self.draws, seed=self.seed, sequence=self.sequence
            )
        loc, scale, points = given_factor(y_pred, self.factor_draws, seed=self.seed)
        found = log_expected_softmax(loc, scale, accuracy=self.accuracy)
        return log_mean_over_factor(found, points)
