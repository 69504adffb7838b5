"""Whether the model's doubt stands where people disagree, held against what could be reached."""

import numpy as np

from hetero_unc.audit.json_values import absent, interval_json, number_json
from hetero_unc.audit.resampling import as_interval, resampled_sums
from hetero_unc.metrics import (
    Interval,
    jensen_shannon_distance,
    resampling_floor,
    split_half_ceiling,
    unbiased_disagreement,
    vote_shares,
)

__all__ = ["disagreement_section"]

FEWEST_ITEMS = 20
SPLITS = 20
REDRAWS = 5
TITLES = {
    "predicted_disagreement": "Disagreement expected by the model",
    "doubt": "Doubt: 1 - confidence",
    "total": "Total uncertainty",
    "aleatoric": "Aleatoric uncertainty",
    "logit_noise": "Noise of the logits",
    "epistemic": "Epistemic uncertainty",
}


def disagreement_section(evidence, settings):
    """Correlations of each uncertainty with the votes' disagreement, and their noise ceiling.

    Convention: disagreement is 1 - sum of squared vote shares times n / (n - 1), of items with two
    votes or more. Intervals resample items; ranks are those of the items as they are, in every
    resample. The partial correlation takes the confidence out of both. The share of the ceiling
    divides by `split_half_ceiling`, taken as known.

    Parameters
    ----------
    evidence : Evidence
        Of the items that judge.
    settings : AuditSettings

    Returns
    -------
    dict
        JSON-ready; `{"absent": why}` where fewer than 20 items have two votes.
    """
    from scipy import stats  # not at the top: importing the room must stay quick

    several = evidence.take(np.isfinite(evidence.vote_disagreement))
    if len(several) < FEWEST_ITEMS:
        return absent(
            f"Disagreement needs items with two votes or more: {len(several)} have them, of the "
            f"{FEWEST_ITEMS} that it takes."
        )
    if np.ptp(several.vote_disagreement) == 0:
        return absent("All items have the same disagreement, so nothing can correlate with it.")
    quantities = {
        "predicted_disagreement": several.model_disagreement,
        "doubt": 1 - several.confidence,
        "total": several.total,
        "aleatoric": several.aleatoric,
    }
    if several.logit_noise is not None:
        quantities["logit_noise"] = several.logit_noise
    if several.passes > 1:
        quantities["epistemic"] = several.epistemic
    values = np.stack([several.vote_disagreement, several.confidence, *quantities.values()], axis=1)
    pearson, partial = _correlations(values, settings)
    spearman, _ = _correlations(stats.rankdata(values, axis=0), settings)
    ceiling = split_half_ceiling(
        several.votes, statistic=unbiased_disagreement, splits=SPLITS, seed=settings.seed
    )
    rows = []
    for index, name in enumerate(quantities):
        intervals = {
            "pearson": as_interval(pearson[:, index], level=settings.level),
            "spearman": as_interval(spearman[:, index], level=settings.level),
        }
        if ceiling > 0:
            intervals["share_of_ceiling"] = as_interval(
                pearson[:, index] / ceiling, level=settings.level
            )
        if name != "doubt":
            intervals["partial_given_confidence"] = as_interval(
                partial[:, index], level=settings.level
            )
        row = {key: interval_json(value) for key, value in intervals.items()}
        rows.append(
            {
                "quantity": name,
                "title": TITLES[name],
                "share_of_ceiling": None,
                "partial_given_confidence": None,
                **row,
            }
        )
    return {
        "measure": "1 - sum of squared vote shares, times n / (n - 1)",
        "items": len(several),
        "mean": float(several.vote_disagreement.mean()),
        "rows": rows,
        "ceiling": {
            "split_half": number_json(ceiling),
            "how": "The votes themselves are a noisy reading of the crowd: correlation of random "
            "halves of each item's votes, extended to all of them (Spearman and Brown).",
        },
        "js_distance": _distance(evidence, settings),
    }


def _correlations(values, settings):
    """Correlation of columns 2, 3, ... with column 0, plain and given column 1, by resample."""
    spread = values.std(axis=0)
    scaled = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    target, given, others = scaled[:, :1], scaled[:, 1:2], scaled[:, 2:]
    columns = [
        np.ones_like(target), scaled, np.square(scaled), others * target, others * given,
        target * given,
    ]  # fmt: skip
    sums = resampled_sums(
        np.concatenate(columns, axis=1), resamples=settings.resamples, seed=settings.seed
    )
    widths = np.cumsum([column.shape[1] for column in columns])[:-1]
    items, first, second, with_target, with_given, target_given = np.split(sums, widths, axis=1)
    mean = first / items
    deviation = np.sqrt(np.maximum(second / items - mean**2, 0.0))
    deviation = np.where(deviation > 1e-9, deviation, np.nan)

    def correlation(products, left, right):
        covariance = products / items - mean[:, left] * mean[:, right]
        return covariance / (deviation[:, left] * deviation[:, right])

    rest = slice(2, None)
    with_target = correlation(with_target, rest, slice(0, 1))
    with_given = correlation(with_given, rest, slice(1, 2))
    target_given = correlation(target_given, slice(0, 1), slice(1, 2))
    left_over = (1 - with_given**2) * (1 - target_given**2)
    left_over = np.where(left_over > 1e-9, left_over, np.nan)
    return with_target, (with_target - with_given * target_given) / np.sqrt(left_over)


def _distance(evidence, settings):
    """Mean Jensen-Shannon distance of votes and forecast, and that of redrawn votes."""
    from scipy import special

    distance = jensen_shannon_distance(vote_shares(evidence.votes), evidence.y_prob)
    half = special.ndtri((1 + settings.level) / 2) * distance.std(ddof=1) / np.sqrt(len(distance))
    mean = float(distance.mean())
    floor = resampling_floor(
        evidence.y_prob, evidence.vote_counts, redraws=REDRAWS, seed=settings.seed
    )
    return {
        "mean": interval_json(Interval(mean, mean - half, mean + half, settings.level)),
        "floor": number_json(floor.estimate),
        "meaning": "Jensen-Shannon distance of forecast and vote shares; the floor is where votes "
        "drawn from the forecast itself would stand.",
    }
