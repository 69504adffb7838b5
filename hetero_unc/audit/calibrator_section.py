"""What calibration on votes would mend: fitted on validation items, judged on the others."""

import numpy as np

from hetero_unc.audit.json_values import interval_json
from hetero_unc.audit.resampling import as_interval, resampled_sums
from hetero_unc.metrics import (
    DirichletCalibrator,
    TemperatureCalibrator,
    VectorCalibrator,
    total_variation_distance,
    vote_shares,
)
from hetero_unc.metrics.reliability import assign_bins

__all__ = ["calibrator_rows"]

SMALLEST_PROBABILITY = 1e-12
# A full matrix has C^2 + C numbers: with fewer votes than this for each it learns chance.
VOTES_A_PARAMETER = 20


def calibrator_rows(judged, validation, settings):
    """Log loss, calibration error and distance to the votes, before and after each calibrator.

    Parameters
    ----------
    judged, validation : Evidence
    settings : AuditSettings

    Returns
    -------
    list of dict
        JSON-ready; the forecast as it is comes first. Calibrators with too many numbers for the
        votes of validation are left out.
    """
    rows = [_row("none", "As predicted", "", judged.y_prob, judged.votes, settings)]
    classes = len(judged.classes)
    calibrators = [
        ("temperature", "Temperature", 1, TemperatureCalibrator()),
        ("vector", "Weight and intercept of each class", 2 * classes, VectorCalibrator()),
        ("dirichlet", "Dirichlet: a full matrix", classes * (classes + 1), DirichletCalibrator()),
    ]
    for name, title, parameters, calibrator in calibrators:
        if validation.votes.sum() < VOTES_A_PARAMETER * parameters:
            continue
        calibrator.fit(validation.y_prob, validation.votes)
        words = (
            f"temperature {calibrator.temperature:.3g}"
            if name == "temperature"
            else f"{parameters} numbers"
        )
        y_prob = calibrator.transform(judged.y_prob)
        rows.append(_row(name, title, words, y_prob, judged.votes, settings))
    return rows


def _row(name, title, words, y_prob, votes, settings):
    count = votes.sum(axis=1)
    confidence = y_prob.max(axis=1)
    gap = votes[np.arange(len(votes)), y_prob.argmax(axis=1)] - count * confidence
    bins = np.eye(settings.bins)[assign_bins(confidence, settings.bins, "equal_width")]
    surprise = -(votes * np.log(np.maximum(y_prob, SMALLEST_PROBABILITY))).sum(axis=1)
    distance = total_variation_distance(vote_shares(votes), y_prob)
    columns = [np.ones(len(votes)), count, surprise, distance, *(bins * gap[:, None]).T]
    sums = resampled_sums(
        np.stack(columns, axis=1), resamples=settings.resamples, seed=settings.seed
    )
    figures = {
        "log_loss_votes": sums[:, 2] / sums[:, 1],
        "ece_votes": np.abs(sums[:, 4:]).sum(axis=1) / sums[:, 1],
        "total_variation": sums[:, 3] / sums[:, 0],
    }
    intervals = {
        key: interval_json(as_interval(values, level=settings.level))
        for key, values in figures.items()
    }
    return {"name": name, "title": title, "parameters": words, **intervals}
