"""All numbers of one forecast of votes, as they stand in a row of results and on the page."""

import functools

import numpy as np
from scipy import stats

from hetero_unc import metrics

__all__ = [
    "calibration_of",
    "evaluate_labels",
    "evaluate_votes",
    "headlines",
    "percentile_bins",
    "predicted_disagreement",
    "vote_log_loss",
]

PARTS = ("aleatoric", "epistemic", "total")
KEPT = 0.75  # of the items, as the paper refuses a quarter
REDRAWS = 30  # of all votes; each redraw is a mean over all items already
# A log likelihood of Gaussian logits is an integral for each item and pass: of one pass only.
PASSES_WITH_INTEGRALS = 1


def evaluate_votes(predictive, votes, *, groups=None, resamples=400):
    """What can be said of predictions and votes of the same items.

    Parameters
    ----------
    predictive : Predictive
        Of N items on C classes.
    votes : int array of shape (N, C)
    groups : int array of shape (N,), optional
        Identical images carry one value; the intervals draw whole groups.
    resamples : int, default=400
        Of the intervals; 0 for none, and no null of the Brier score.

    Returns
    -------
    dict
        Floats, counts and None where a number is not defined; `intervals` is a dict of
        [low, high], 95 %.
    """
    summary = predictive.summarise()
    probabilities = summary.probabilities
    shares = metrics.vote_shares(votes)
    d = metrics.disagreement(votes)
    distance = metrics.jensen_shannon_distance(shares, probabilities)
    doubts = {
        **{part: getattr(summary, part) for part in PARTS},
        "predicted_disagreement": predicted_disagreement(predictive),
    }
    loss = vote_log_loss(predictive, votes)
    found = {
        **headlines(predictive, votes),
        **_accuracies(votes, probabilities),
        "js_distance_sd": distance.std(ddof=1),
        "js_divergence": np.square(distance).mean(),
        "js_floor": metrics.resampling_floor(
            probabilities, votes.sum(axis=1), redraws=REDRAWS
        ).estimate,
        "cross_entropy": metrics.log_loss(shares, probabilities),
        "vote_log_loss": None if loss is None else loss.mean(),
        "mean_scale": None if summary.mean_scale is None else summary.mean_scale.mean(),
        **_ceilings(votes.tobytes(), votes.shape),
        **_correlations(doubts, votes, d, distance, probabilities.max(axis=1)),
        "pearson_entropy": metrics.pearson(summary.aleatoric, metrics.label_entropy(votes)),
        "partial_epistemic_given_aleatoric": metrics.partial_correlation(
            summary.epistemic, d, summary.aleatoric
        ),
        **_refusal(votes, summary, distance),
        **calibration_of(votes, probabilities),
        **_brier_by_percentile(votes, summary, REDRAWS if resamples else 0),
    }
    found = {name: _plain(value) for name, value in found.items()}
    found["intervals"] = _intervals(summary, doubts, d, distance, votes, groups, resamples)
    return found


def headlines(predictive, votes):
    """The few numbers that are also given without the images that have a twin."""
    summary = predictive.summarise()
    d = metrics.disagreement(votes)
    distance = metrics.jensen_shannon_distance(metrics.vote_shares(votes), summary.probabilities)
    found = {
        "n": len(votes),
        "accuracy_9": _first_maximum(votes, summary.probabilities).mean(),
        "js_distance": distance.mean(),
        "pearson_aleatoric": metrics.pearson(summary.aleatoric, d),
        "pearson_predicted_disagreement": metrics.pearson(predicted_disagreement(predictive), d),
        "pearson_epistemic": metrics.pearson(summary.epistemic, d),
    }
    return {name: _plain(value) for name, value in found.items()}


def evaluate_labels(labels, probabilities, class_names):
    """Accuracy on eight classes against one label an image, overall and class by class.

    Parameters
    ----------
    labels : int array of shape (N,)
    probabilities : float array of shape (N, 8 or more)
        The further columns are not looked at; rows need not sum to one.
    class_names : sequence of str
        Of the eight.
    """
    # What goes to other classes is shared out, so that the rows are forecasts of these.
    forecast = probabilities[:, : len(class_names)] + np.finfo(np.float64).tiny
    forecast = forecast / forecast.sum(axis=1, keepdims=True)
    recall = metrics.class_recall(labels, forecast)
    return {
        "n_8": len(labels),
        "accuracy_8": metrics.accuracy(labels, forecast),
        "balanced_accuracy_8": metrics.balanced_accuracy(labels, forecast),
        "recall_8": {name: _plain(one) for name, one in zip(class_names, recall, strict=True)},
    }


def predicted_disagreement(predictive):
    """The model's own forecast of the chance that two people differ, float of shape (N,).

    1 - E sum_k p_k^2 over passes and logits: two people look at the same image with the same eyes.
    For a head without noise on its logits, over passes alone.
    """
    if predictive.draw_agreement is not None:
        return 1 - predictive.draw_agreement.mean(axis=0, dtype=np.float64)
    squares = np.square(predictive.probabilities, dtype=np.float64)
    return 1 - squares.sum(axis=2).mean(axis=0)


def vote_log_loss(predictive, votes):
    """-log of the probability of each item's votes, in nats, float of shape (N,).

    All votes of an item share its pass and its logits; the multinomial coefficient is left out.
    None for Gaussian logits with passes, where it would be an integral for each pass.
    """
    if predictive.scale is None:
        smallest = np.finfo(np.float32).tiny
        logs = np.log(np.maximum(predictive.probabilities, smallest), dtype=np.float64)
        by_pass = (votes * logs).sum(axis=2)
        return np.log(predictive.passes) - np.logaddexp.reduce(by_pass, axis=0)
    if predictive.passes > PASSES_WITH_INTEGRALS:
        return None
    # Here and not above: the integral is of the Keras rooms, all else of this file is NumPy.
    from hetero_unc.gaussian.vote_integrals import log_expected_votes

    found = log_expected_votes(
        predictive.loc[0], predictive.scale[0], votes.astype(np.float32), accuracy="high"
    )
    return -np.asarray(found, dtype=np.float64)


def calibration_of(votes, probabilities):
    """Calibration to people and to their majority, as a dict; errors in [0, 1] but for entropy."""
    labels, spread_out = metrics.annotations_as_items(votes, probabilities)
    majority = votes.argmax(axis=1)
    brier = metrics.annotation_brier_score(votes, probabilities)
    return {
        "ece_votes": metrics.vote_calibration_error(votes, probabilities),
        "ece_votes_equal_mass": metrics.vote_calibration_error(
            votes, probabilities, binning="equal_mass"
        ),
        "ece_votes_debiased": metrics.debiased_vote_calibration_error(votes, probabilities),
        "mce_votes": metrics.maximum_calibration_error(labels, spread_out),
        "sce_votes": metrics.classwise_calibration_error(labels, spread_out),
        "ace_votes": metrics.adaptive_calibration_error(labels, spread_out),
        "tace_votes": metrics.thresholded_adaptive_calibration_error(labels, spread_out),
        "ece_majority": metrics.expected_calibration_error(majority, probabilities),
        "total_variation": metrics.total_variation_error(votes, probabilities),
        "entropy_calibration": metrics.entropy_calibration_error(votes, probabilities),
        "brier_votes": brier.total.mean(),
        "brier_distance": brier.distance.mean(),
    }


def _correlations(doubts, votes, d, distance, confidence):
    found = {}
    unbiased = metrics.unbiased_disagreement(votes)
    defined = np.isfinite(unbiased)  # one vote says nothing about disagreement
    for name, doubt in doubts.items():
        found |= {
            f"pearson_{name}": metrics.pearson(doubt, d),
            f"spearman_{name}": metrics.spearman(doubt, d),
            f"pearson_{name}_unbiased": metrics.pearson(doubt[defined], unbiased[defined]),
            f"pearson_js_{name}": metrics.pearson(doubt, distance),
            f"partial_{name}_given_confidence": metrics.partial_correlation(doubt, d, confidence),
        }
    return found


def _accuracies(votes, probabilities):
    found = metrics.vote_accuracy(votes, probabilities)
    return {
        "accuracy_9_fractional": found.fractional,
        "accuracy_9_any_maximum": found.any_maximum,
        "accuracy_9_strict_majority": found.strict_majority,
        "n_strict_majority": found.strict_majority_items,
        "balanced_accuracy_9": metrics.balanced_accuracy(votes.argmax(axis=1), probabilities),
    }


@functools.lru_cache(maxsize=8)
def _ceilings(content, shape):
    """Of the votes alone, so that many runs on the same items share them."""
    votes = np.frombuffer(content, np.int64).reshape(shape)
    return {
        "noise_ceiling": metrics.split_half_ceiling(votes),
        "noise_ceiling_model": metrics.dirichlet_multinomial_ceiling(votes),
        "noise_ceiling_moments": metrics.moment_ceiling(votes),
        "annotator_agreement": metrics.annotator_agreement(votes),
    }


def _refusal(votes, summary, distance):
    """Of the three quarters with least doubt: accuracy and distance; gain by total doubt, AURC."""
    right = _first_maximum(votes, summary.probabilities)
    kept = int(KEPT * len(votes))
    found = {}
    for part in PARTS:
        least = np.argsort(getattr(summary, part), kind="stable")[:kept]
        found[f"accuracy_kept_{part}"] = right[least].mean()
        found[f"js_distance_kept_{part}"] = distance[least].mean()
    found["reject_gain_25"] = found["accuracy_kept_total"] - right.mean()
    found["aurc"] = metrics.area_under_risk_coverage_curve(
        votes.argmax(axis=1), summary.probabilities, summary.total
    )
    return found


def _brier_by_percentile(votes, summary, redraws):
    """Correlation of the percentile of each doubt with Brier, with its null and with the excess."""
    probabilities = summary.probabilities
    bins = percentile_bins(len(votes))
    # Without passes there is no epistemic doubt, and nothing to sort by.
    parts = [part for part in PARTS if np.ptp(getattr(summary, part)) > 0]

    def correlations(drawn, name):
        by_doubt = (
            metrics.brier_by_uncertainty(drawn, probabilities, getattr(summary, part), n_bins=bins)
            for part in parts
        )
        return [one.index_correlation(name) for one in by_doubt]

    found = {"brier_bins": bins}
    for part in PARTS:
        found |= {f"brier_{what}{part}": None for what in ("", "excess_", "null_")}
    for what, name in (("", "brier"), ("excess_", "excess")):
        values = correlations(votes, name)
        found |= {f"brier_{what}{part}": one for part, one in zip(parts, values, strict=True)}
    if redraws:
        null = metrics.calibrated_null(
            lambda drawn: correlations(drawn, "brier"),
            probabilities,
            votes.sum(axis=1),
            redraws=redraws,
        )
        found |= {f"brier_null_{part}": one for part, one in zip(parts, null.estimate, strict=True)}
    return found


def percentile_bins(items):
    """Percentiles where there are items enough for twenty in each, else fewer bins."""
    return max(2, min(100, items // 20))


def _first_maximum(votes, probabilities):
    """Whether the forecast's first maximum is that of the votes, bool of shape (N,)."""
    return probabilities.argmax(axis=1) == votes.argmax(axis=1)


def _intervals(summary, doubts, d, distance, votes, groups, resamples):
    """95 % intervals of the numbers that are compared, by images."""
    if not resamples:
        return {}
    right = _first_maximum(votes, summary.probabilities)
    kinds = ("pearson", "spearman")
    names = ["accuracy_9", "js_distance", *(f"{kind}_{name}" for kind in kinds for name in doubts)]
    columns = np.stack([right, distance, d, *doubts.values()], axis=1).astype(np.float64)

    def statistic(drawn):
        # All correlations with d of one draw are one product of matrices.
        pearson = np.corrcoef(drawn[:, 2:], rowvar=False)[0, 1:]
        spearman = np.corrcoef(stats.rankdata(drawn[:, 2:], axis=0), rowvar=False)[0, 1:]
        return np.concatenate([drawn[:, :2].mean(axis=0), pearson, spearman])

    varies = np.ptp(columns[:, 2:], axis=0) > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        found = metrics.bootstrap_interval(statistic, columns, groups=groups, resamples=resamples)
    defined = [True, True, *varies[1:], *varies[1:]]
    return {
        name: [float(low), float(high)]
        for name, low, high, known in zip(names, found.low, found.high, defined, strict=True)
        if known and np.isfinite([low, high]).all()
    }


def _plain(value):
    """A number as JSON takes it: None for what is not defined."""
    if value is None or isinstance(value, int):
        return value
    value = float(value)
    return value if np.isfinite(value) else None
