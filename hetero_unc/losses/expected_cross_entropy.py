"""The cross-entropy that Gaussian logits pay on average: the loss of Reasonable Doubt (2018)."""

import keras
from keras import ops

from hetero_unc.checks import check_choice, check_count
from hetero_unc.gaussian import draw_logits
from hetero_unc.losses.labels import as_distributions

__all__ = ["ExpectedCrossEntropy", "expected_cross_entropy"]


def expected_cross_entropy(y_true, logits):
    """E[-log softmax(z)_y] over draws of z.

    Args:
        y_true: `(N,)` classes, or `(N, C)` label distributions whose rows sum to one.
        logits: `(D, N, C)` draws.

    Returns:
        `(N,)`, nats, each >= 0.
    """
    y_true = as_distributions(y_true, logits.shape[-1])
    # The label meets the draws by broadcasting; it is never tiled. It meets their mean, since the
    # term is linear in the logits.
    chosen = ops.sum(y_true * ops.mean(logits, axis=0), axis=-1)
    return ops.mean(ops.logsumexp(logits, axis=-1), axis=0) - chosen


@keras.saving.register_keras_serializable(package="hetero_unc")
class ExpectedCrossEntropy(keras.losses.Loss):
    """E[-log softmax(z)_y], z the Gaussian logits: cross-entropies are averaged.

    It is never below `MarginalLikelihood`, by Jensen's inequality. Because log-sum-exp is convex,
    more noise never lowers it, whatever the label: its optimum is scale -> 0, so the scale that it
    learns is not a measure of ambiguity. Reproduces the published method; prefer
    `MarginalLikelihood`.

    Args:
        draws: Integer D, draws of the logits for each item and step.
        estimator: `"draws"`.
        seed: Integer; the draws depend on it and on the predictions of the batch.
        reduction, name, dtype: As in `keras.losses.Loss`.

    Call arguments:
        y_true: `(N,)` integer classes, or `(N, C)` label distributions whose rows sum to one.
        y_pred: `(N, C, 2)` parameters from `GaussianLogits`.
    """

    def __init__(
        self, draws=1000, estimator="draws", seed=0, name="expected_cross_entropy", **kwargs
    ):
        super().__init__(name=name, **kwargs)
        self.draws = check_count(draws, name="draws")
        self.estimator = check_choice(estimator, ("draws",), name="estimator")
        self.seed = check_count(seed, name="seed", minimum=0)

    def call(self, y_true, y_pred):
        return expected_cross_entropy(y_true, draw_logits(y_pred, self.draws, seed=self.seed))

    def get_config(self):
        own = {"draws": self.draws, "estimator": self.estimator, "seed": self.seed}
        return {**super().get_config(), **own}
