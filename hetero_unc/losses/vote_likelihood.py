"""The negative log-likelihood of raw vote counts under Gaussian logits."""

import keras
from keras import ops

from hetero_unc.checks import check_votes
from hetero_unc.gaussian.draw_sweeps import drawn_vote_likelihood
from hetero_unc.gaussian.estimation import Estimating
from hetero_unc.gaussian.gaussian_arguments import values_of
from hetero_unc.gaussian.low_rank import given_factor, log_mean_over_factor, repeated
from hetero_unc.gaussian.vote_integrals import log_expected_votes

__all__ = ["VoteLikelihood"]


@keras.saving.register_keras_serializable(package="hetero_unc")
class VoteLikelihood(Estimating, keras.losses.Loss):
    """-log E[prod_k softmax(z)_k^{n_k}], z the Gaussian logits, n_k the votes for class k.

    The annotators of an item share its logits and vote independently given them: the expectation is
    taken once for all votes of the item. So votes that agree and votes that do not say how wide the
    logits are, which the shares of the votes alone cannot. With one vote, `MarginalLikelihood`.

    The loss of an item is that of all its votes, and grows with their number. The multinomial
    coefficient, which no parameter changes, is left out.

    Args:
        draws: Integer D, draws of the logits for each item and step. Ignored by `"exact"`.
        estimator: `"exact"`, a one-dimensional integral, or `"draws"`, biased upward by O(1/D)
            because the log is taken of a mean, and the more so the more votes there are.
        accuracy: `"fast"`, `"standard"` or `"high"`, of the integral. Ignored by `"draws"`.
        seed: Integer; the draws depend on it and on the predictions of the batch. Ignored by
            `"exact"`.
        factor_draws: Integer, points for the low-rank part of the logits, given which the rest is
            integrated; fresh for each batch. Ignored by `"draws"` and at rank 0.
        sequence: How the draws of an item stand to each other: `"sobol"`, `"antithetic"`, or
            `"independent"` (Normals from TensorFlow Probability on the TensorFlow backend). Ignored
            by `"exact"`.
        reduction, name, dtype: As in `keras.losses.Loss`.

    Call arguments:
        y_true: `(N, C)` counts of votes, each row with at least one. Checked where their values
            can be seen; a compiled step takes what comes, and a row without votes costs nothing.
        y_pred: `(N, C, 2 + R)` parameters from `GaussianLogits`; R = 0 with `"draws"`.

    Returns:
        Nats; for each item >= 0.

    Raises:
        ValueError: On settings out of range, at construction; on votes that are negative,
            fractional or missing from a row, on predictions of another shape, and on more than
            21,201 classes with `sequence="sobol"`.
    """

    usual_name = "vote_likelihood"

    def __init__(
        self,
        draws=1000,
        estimator="exact",
        accuracy="standard",
        seed=0,
        factor_draws=64,
        **more,
    ):
        super().__init__(
            draws,
            estimator,
            seed,
            accuracy=accuracy,
            factor_draws=factor_draws,
            **more,
        )

    def call(self, y_true, y_pred):
        fits = len(y_true.shape) == 2 and len(y_pred.shape) == 3
        if not fits or y_true.shape[1] != y_pred.shape[1] or y_pred.shape[2] < 2:
            raise ValueError(
                "`y_true` must be counts of votes, (N, C), and `y_pred` of shape (N, C, 2 + R). "
                f"Received: y_true.shape={tuple(y_true.shape)}, y_pred.shape={tuple(y_pred.shape)}"
            )
        seen = values_of(y_true)
        if seen is not None:
            check_votes(seen, name="y_true")
        if self.estimator == "draws":
            votes = ops.cast(y_true, "float32")
            return drawn_vote_likelihood(
                y_pred, votes, self.draws, seed=self.seed, sequence=self.sequence
            )
        loc, scale, points = given_factor(y_pred, self.factor_draws, seed=self.seed)
        votes = repeated(y_true, points)
        found = log_expected_votes(loc, scale, votes, accuracy=self.accuracy)
        return -log_mean_over_factor(found, points)
