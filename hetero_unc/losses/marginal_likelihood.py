"""The negative log of the expected probability of the label: the loss of Kendall and Gal (2017)."""

import keras
from keras import ops

from hetero_unc.checks import check_choice, check_count
from hetero_unc.gaussian import draw_logits
from hetero_unc.gaussian.draw_estimates import log_expected_softmax, log_mean_exp
from hetero_unc.losses.labels import are_distributions, as_distributions

__all__ = ["MarginalLikelihood", "marginal_likelihood"]


def marginal_likelihood(y_true, logits):
    """-log E[softmax(z)_y] over draws of z; for a label distribution, its mean over the labels.

    Biased upward by O(1/D), because the log is taken of a mean of D draws.

    Args:
        y_true: `(N,)` classes, or `(N, C)` label distributions whose rows sum to one.
        logits: `(D, N, C)` draws.

    Returns:
        `(N,)`, nats, each >= 0.

    Reference: Kendall and Gal (2017), https://arxiv.org/abs/1703.04977, equation 12.
    """
    num_classes = logits.shape[-1]
    distributions = as_distributions(y_true, num_classes)
    if are_distributions(y_true, num_classes):
        return -ops.sum(distributions * log_expected_softmax(logits), axis=-1)
    # One class a row: the log-mean-exp runs over (D, N), not (D, N, C).
    chosen = ops.sum(distributions * logits, axis=-1)
    return -log_mean_exp(chosen - ops.logsumexp(logits, axis=-1))


@keras.saving.register_keras_serializable(package="hetero_unc")
class MarginalLikelihood(keras.losses.Loss):
    """-log E[softmax(z)_y], z the Gaussian logits: probabilities are averaged.

    The log-loss of the forecast that the model makes; its scale rises where confident predictions
    meet other labels. The recommended loss for a model that ends in `GaussianLogits`; equal to
    `SparseCategoricalCrossentropy(from_logits=True)` on a model that ends in `LogExpectedSoftmax`.

    Args:
        draws: Integer D, draws of the logits for each item and step.
        estimator: `"draws"`.
        seed: Integer; the draws depend on it and on the predictions of the batch.
        reduction, name, dtype: As in `keras.losses.Loss`.

    Call arguments:
        y_true: `(N,)` integer classes, or `(N, C)` label distributions whose rows sum to one.
        y_pred: `(N, C, 2)` parameters from `GaussianLogits`.
    """

    def __init__(self, draws=1000, estimator="draws", seed=0, name="marginal_likelihood", **kwargs):
        super().__init__(name=name, **kwargs)
        self.draws = check_count(draws, name="draws")
        self.estimator = check_choice(estimator, ("draws",), name="estimator")
        self.seed = check_count(seed, name="seed", minimum=0)

    def call(self, y_true, y_pred):
        return marginal_likelihood(y_true, draw_logits(y_pred, self.draws, seed=self.seed))

    def get_config(self):
        own = {"draws": self.draws, "estimator": self.estimator, "seed": self.seed}
        return {**super().get_config(), **own}
