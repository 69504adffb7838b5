"""The cross-entropy that Gaussian logits pay on average: the loss of Reasonable Doubt (2018)."""

import keras
from keras import ops

from hetero_unc.gaussian.draw_sweeps import drawn_cross_entropy
from hetero_unc.gaussian.estimation import Estimating
from hetero_unc.gaussian.integrals import expected_log_sum_exp
from hetero_unc.gaussian.low_rank import given_factor, mean_over_factor
from hetero_unc.losses.labels import as_distributions

__all__ = ["ExpectedCrossEntropy"]


@keras.saving.register_keras_serializable(package="hetero_unc")
class ExpectedCrossEntropy(Estimating, keras.losses.Loss):
    """E[-log softmax(z)_y], z the Gaussian logits: cross-entropies are averaged.

    It is never below `MarginalLikelihood`, by Jensen's inequality. Because log-sum-exp is convex,
    more noise never lowers it, whatever the label: its optimum is scale -> 0, so the scale that it
    learns is not a measure of ambiguity. Reproduces the published method, with
    `estimator="draws", sequence="independent"`; prefer `MarginalLikelihood`.

    Args:
        draws: Integer D, draws of the logits for each item and step. Ignored by `"exact"`.
        estimator: `"exact"`, a one-dimensional integral, or `"draws"`, an unbiased mean over draws.
        seed: Integer; the draws depend on it and on the predictions of the batch. Ignored by
            `"exact"`.
        sequence: How the draws of an item stand to each other: `"sobol"`, `"antithetic"`, or
            `"independent"` as in the published method (Normals from TensorFlow Probability on the
            TensorFlow backend). Ignored by `"exact"`.
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
    """

    usual_name = "expected_cross_entropy"

    def call(self, y_true, y_pred):
        labels = as_distributions(y_true, y_pred.shape[1])
        if self.estimator == "draws":
            return drawn_cross_entropy(
                y_pred, labels, self.draws, seed=self.seed, sequence=self.sequence
            )
        loc, scale, points = given_factor(y_pred, self.factor_draws, seed=self.seed)
        log_sum = expected_log_sum_exp(loc, scale, accuracy=self.accuracy)
        # The label's term is linear in the logits, whose mean is loc whatever the factor.
        return mean_over_factor(log_sum, points) - ops.sum(labels * y_pred[..., 0], axis=-1)
