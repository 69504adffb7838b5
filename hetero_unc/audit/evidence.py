"""Predictions and votes of the same items, reduced to what every section of an audit needs."""

import dataclasses

import numpy as np

from hetero_unc.audit.logit_noise import logit_noise_figures
from hetero_unc.audit.roles import Roles, assign_roles
from hetero_unc.metrics import entropy_decomposition, unbiased_disagreement

__all__ = ["Evidence", "gather_evidence"]

# Items whose passes are held in float64 at once: 20 passes of 10 classes take 26 MB.
ITEMS_AT_ONCE = 16384


@dataclasses.dataclass(frozen=True, eq=False)
class Evidence:
    """One row an item, in the order of the predictions.

    Attributes
    ----------
    ids : str array of shape (N,)
    classes : tuple of str, length C
    votes : int64 array of shape (N, C)
    y_prob : float64 array of shape (N, C)
        Mean over passes.
    total, aleatoric, epistemic : float arrays of shape (N,)
        Nats; see `hetero_unc.metrics.entropy_decomposition`. `epistemic` is 0 for one pass.
    logit_noise : float array of shape (N,), or None
        Nats; None without a Gaussian head.
    model_disagreement : float array of shape (N,)
        How often two people differ according to the model: 1 - sum_k p_k^2, averaged over passes,
        and over the noise of the logits where there is a Gaussian head.
    vote_disagreement : float array of shape (N,)
        `unbiased_disagreement` of the votes; NaN for one vote.
    passes : int
    roles : Roles
    groups : dict of str to str array of shape (N,)
    """

    ids: np.ndarray
    classes: tuple[str, ...]
    votes: np.ndarray
    y_prob: np.ndarray
    total: np.ndarray
    aleatoric: np.ndarray
    epistemic: np.ndarray
    logit_noise: np.ndarray | None
    model_disagreement: np.ndarray
    vote_disagreement: np.ndarray
    passes: int
    roles: Roles
    groups: dict[str, np.ndarray]

    def __len__(self):
        return len(self.votes)

    @property
    def predicted(self):
        """Most probable class of each item, the first of ties, int (N,)."""
        return self.y_prob.argmax(axis=1)

    @property
    def confidence(self):
        """Probability of the predicted class, (N,)."""
        return self.y_prob.max(axis=1)

    @property
    def vote_counts(self):
        """Number of votes of each item, (N,)."""
        return self.votes.sum(axis=1)

    @property
    def agreeing_votes(self):
        """Votes of each item for its predicted class, (N,)."""
        return self.votes[np.arange(len(self)), self.predicted]

    @property
    def plurality_hit(self):
        """1 where the predicted class has most votes alone, 1 / k where k tie, else 0, (N,)."""
        most = self.votes.max(axis=1)
        ties = np.count_nonzero(self.votes == most[:, None], axis=1)
        return np.where(self.agreeing_votes == most, 1 / ties, 0.0)

    def take(self, chosen):
        """The evidence of some items: a boolean or integer index."""
        names = [
            field.name
            for field in dataclasses.fields(self)
            if isinstance(getattr(self, field.name), np.ndarray)
        ]
        return dataclasses.replace(
            self,
            **{name: getattr(self, name)[chosen] for name in names},
            roles=dataclasses.replace(self.roles, role=self.roles.role[chosen]),
            groups={name: values[chosen] for name, values in self.groups.items()},
        )


def gather_evidence(predictions, vote_table, *, seed=0):
    """Bring predictions and votes of the same items into one row an item.

    Parameters
    ----------
    predictions : hetero_unc.data.Predictions
        N items, P passes, C classes.
    vote_table : hetero_unc.data.VoteTable
        The same items in the same order, the same classes in the same order.
    seed : int, default=0
        Of the halves where there is no split, and of draws of Gaussian logits.

    Returns
    -------
    Evidence

    Raises
    ------
    ValueError
        If the two are not of the same items and classes, or too few items are left to judge.
    """
    passes, items, classes = predictions.probabilities.shape
    if len(vote_table) != items or len(vote_table.classes) != classes:
        raise ValueError(
            "`predictions` and `vote_table` must be of the same items and classes; match them "
            f"first. Received: {items} and {len(vote_table)} items, {classes} and "
            f"{len(vote_table.classes)} classes"
        )
    if predictions.ids is not None and (predictions.ids != vote_table.ids).any():
        row = int(np.flatnonzero(predictions.ids != vote_table.ids)[0])
        raise ValueError(
            "`predictions` and `vote_table` must be in the same order; match them first. "
            f"Received: row {row} is {str(predictions.ids[row])!r:.60} and "
            f"{str(vote_table.ids[row])!r:.60}"
        )
    gaussian = predictions.loc is not None and predictions.scale is not None
    parts = []
    for start in range(0, items, ITEMS_AT_ONCE):
        rows = slice(start, start + ITEMS_AT_ONCE)
        probabilities = predictions.probabilities[:, rows].astype(np.float64)
        probabilities /= probabilities.sum(axis=2, keepdims=True)
        draw_entropy, draw_agreement = None, np.square(probabilities).sum(axis=2)
        if gaussian:
            draw_entropy, draw_agreement = logit_noise_figures(
                predictions.loc[:, rows], predictions.scale[:, rows], seed=seed
            )
        split = entropy_decomposition(probabilities, draw_entropy)
        parts.append(
            (
                probabilities.mean(axis=0),
                split.total,
                split.aleatoric,
                np.maximum(split.epistemic, 0.0),
                split.logit_noise,
                1 - draw_agreement.mean(axis=0),
            )
        )
    y_prob, total, aleatoric, epistemic, logit_noise, model_disagreement = (
        np.concatenate(columns) for columns in zip(*parts, strict=True)
    )
    return Evidence(
        vote_table.ids,
        tuple(vote_table.classes),
        vote_table.votes,
        y_prob,
        total,
        aleatoric,
        epistemic,
        logit_noise if gaussian else None,
        model_disagreement,
        unbiased_disagreement(vote_table.votes),
        passes,
        assign_roles(vote_table.split, items, seed=seed),
        dict(vote_table.groups),
    )
