"""The accepted predictions: the threshold on doubt, its guarantee and what it costs."""

import numpy as np

from hetero_unc.audit.guarantee import (
    candidate_thresholds,
    plurality_losses,
    risk_bound,
    risk_threshold,
)
from hetero_unc.audit.json_values import interval_json, number_json
from hetero_unc.audit.resampling import as_interval, resampled_sums
from hetero_unc.formats import format_percent

__all__ = ["guarantee_section"]

POINTS = 200
# Tried in turn where the risk asked for cannot be kept, to say what could be asked for.
LARGER_RISKS = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4)


def guarantee_section(evidence, settings):
    """Choose the threshold on validation items, and judge it on the evaluated ones.

    Parameters
    ----------
    evidence : Evidence
        All items, with their roles.
    settings : AuditSettings

    Returns
    -------
    dict
        JSON-ready; `threshold` is None where no threshold keeps the risk.
    """
    judged = evidence.take(evidence.roles.evaluated)
    validation = evidence.take(evidence.roles.validation)
    doubt = 1 - judged.confidence
    losses = plurality_losses(validation.votes, validation.predicted, seed=settings.seed)
    candidates = candidate_thresholds(doubt)

    def threshold_for(target_risk):
        return risk_threshold(
            1 - validation.confidence,
            losses,
            candidates,
            target_risk=target_risk,
            confidence=settings.risk_confidence,
        )

    found = threshold_for(settings.target_risk)
    reachable = None
    if found.threshold is None:
        larger = (risk for risk in LARGER_RISKS if risk > settings.target_risk)
        reachable = next(
            (risk for risk in larger if threshold_for(risk).threshold is not None), None
        )
    accepted = np.zeros(len(judged)) if found.threshold is None else doubt <= found.threshold
    columns = np.stack(
        [
            np.ones(len(judged)),
            accepted,
            accepted * (1 - judged.plurality_hit),
            accepted * (1 - judged.agreeing_votes / judged.vote_counts),
        ],
        axis=1,
    )
    sums = resampled_sums(columns, resamples=settings.resamples, seed=settings.seed)
    taken = np.where(sums[:, 1] > 0, sums[:, 1], np.nan)
    return {
        "target_risk": settings.target_risk,
        "confidence": settings.risk_confidence,
        "threshold": found.threshold,
        "method": "Learn-then-Test: exact binomial tests of 100 thresholds in fixed sequence",
        "validation_items": len(validation),
        "validation_accepted": found.accepted,
        "validation_risk": number_json(found.risk),
        "coverage": interval_json(as_interval(sums[:, 1] / sums[:, 0], level=settings.level)),
        "risk": interval_json(as_interval(sums[:, 2] / taken, level=settings.level)),
        "random_annotator_disagrees": number_json((sums[:, 3] / taken)[0]),
        "reachable_risk": reachable,
        "statement": _statement(found, reachable, settings),
        "curve": _curve(judged, doubt, settings),
    }


def _statement(found, reachable, settings):
    target = format_percent(settings.target_risk, 1)
    confidence = format_percent(settings.risk_confidence, 0)
    if found.threshold is None:
        return (
            f"No threshold on doubt could be shown to keep the share of wrong predictions at or "
            f"below {target}: either the model errs more often even where it is sure, or there are "
            "too few validation items. Nothing is accepted."
            + (f" A target of {format_percent(reachable, 0)} could be kept." if reachable else "")
        )
    return (
        f"Accept a prediction where its doubt (1 - the largest probability) is at most "
        f"{found.threshold:.4g}. With probability {confidence} over the draw of validation items, "
        f"at most {target} of all predictions accepted so are wrong, that is, name another class "
        "than most people do. It holds for items like those of validation, and for no others."
    )


def _curve(judged, doubt, settings):
    """Risk of the least doubtful items and its upper limit, at 200 coverages."""
    # Tied votes are parts of an error, which `risk_coverage_curve` does not take.
    order = np.argsort(doubt, kind="stable")
    wrong = np.cumsum(1 - judged.plurality_hit[order])
    kept = np.unique(np.linspace(1, len(order), min(POINTS, len(order)), dtype=int))
    bound = risk_bound(wrong[kept - 1], kept, confidence=settings.risk_confidence)
    return {
        "coverage": (kept / len(order)).tolist(),
        "risk": (wrong[kept - 1] / kept).tolist(),
        "bound": bound.tolist(),
    }
