"""Two models on the same items: which is better, and whether that is more than chance."""

import numpy as np

from hetero_unc.audit.calibration_section import vote_figures
from hetero_unc.audit.evidence import gather_evidence
from hetero_unc.audit.json_values import interval_json
from hetero_unc.audit.resampling import as_interval, resampled_sums
from hetero_unc.audit.settings import AuditSettings
from hetero_unc.metrics import jensen_shannon_distance, vote_shares

__all__ = ["FIGURES", "compare"]

FORMAT = "hetero_unc.comparison.1"
# A difference of sums of the same numbers in another order is no difference.
ROUNDING = 1e-12
# Title, and whether more is better.
FIGURES = {
    "accuracy": ("Accuracy: the prediction has most votes", True),
    "random_vote_agreement": ("A random vote names the prediction", True),
    "log_loss_votes": ("Log loss of a vote, nats", False),
    "brier_votes": ("Brier score of a vote", False),
    "ece_votes": ("Calibration error over votes", False),
    "total_variation": ("Distance to the votes", False),
    "js_distance": ("Jensen-Shannon distance to the votes", False),
}


def compare(first, second, vote_table, *, settings=None):
    """Hold two models' predictions of the same items against the same votes.

    Convention: every figure of both models is worked out on the same resamples of the items, so the
    interval is that of the paired difference, first - second. Where it holds 0 the two are tied:
    which is better cannot be told from these items. Items of the training split are left out.

    Parameters
    ----------
    first, second : hetero_unc.data.Predictions
        Of the items of `vote_table`, in its order.
    vote_table : hetero_unc.data.VoteTable
    settings : AuditSettings, optional
        `resamples`, `level`, `bins` and `seed` are used.

    Returns
    -------
    dict
        JSON-ready: `rows`, one a figure of `FIGURES`, with `first`, `second`, `difference` (an
        interval) and `verdict`, "first", "second" or "tie".

    Raises
    ------
    ValueError
        If predictions and votes do not match.

    References
    ----------
    .. [1] Efron and Tibshirani (1993), An introduction to the bootstrap, chapter 13.
    """
    settings = AuditSettings() if settings is None else settings
    evidence = [
        gather_evidence(predictions, vote_table, seed=settings.seed)
        for predictions in (first, second)
    ]
    judged = [one.take(~one.roles.training) for one in evidence]
    figures = [_figures(one, settings) for one in judged]
    rows = []
    for name, (title, more_is_better) in FIGURES.items():
        ours, theirs = (one[name] for one in figures)
        difference = as_interval(ours - theirs, level=settings.level)
        verdict = "tie"
        if difference.low > ROUNDING or difference.high < -ROUNDING:
            verdict = "first" if (difference.low > 0) == more_is_better else "second"
        rows.append(
            {
                "name": name,
                "title": title,
                "best": 1 if more_is_better else 0,
                "first": float(ours[0]),
                "second": float(theirs[0]),
                "difference": interval_json(difference),
                "verdict": verdict,
            }
        )
    return {
        "format": FORMAT,
        "items": len(judged[0]),
        "same_prediction": float(np.mean(judged[0].predicted == judged[1].predicted)),
        "level": settings.level,
        "resamples": settings.resamples,
        "rows": rows,
    }


def _figures(evidence, settings):
    """Each of `FIGURES` for the items as they are and for every resample, (1 + B,)."""
    distance = jensen_shannon_distance(vote_shares(evidence.votes), evidence.y_prob)
    columns = [
        np.ones(len(evidence)),
        evidence.plurality_hit,
        evidence.agreeing_votes / evidence.vote_counts,
        distance,
    ]
    # The same seed draws the same items for both models, and for both sets of sums.
    sums = resampled_sums(
        np.stack(columns, axis=1), resamples=settings.resamples, seed=settings.seed
    )
    of_votes, _ = vote_figures(evidence.votes, evidence.y_prob, settings)
    return {
        "accuracy": sums[:, 1] / sums[:, 0],
        "random_vote_agreement": sums[:, 2] / sums[:, 0],
        "js_distance": sums[:, 3] / sums[:, 0],
        **of_votes,
    }
