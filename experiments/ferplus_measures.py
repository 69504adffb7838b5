"""All numbers of one forecast of votes, as they stand in a row of results and on the page."""

import functools

import numpy as np

from ferplus_doubts import (
    REDRAWS,
    brier_by_percentile,
    correlations,
    doubts_of,
    intervals,
    nulls,
    refusal,
)
from hetero_unc import metrics

__all__ = [
    "calibration_of",
    "evaluate_labels",
    "evaluate_votes",
    "headlines",
    "vote_log_loss",
]

# A log likelihood of Gaussian logits is an integral for each item and pass: of a few networks that
# are averaged, not of a hundred passes.
PASSES_WITH_INTEGRALS = 10


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
        Of the intervals; 0 for none, and no nulls.

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
    doubts = doubts_of(predictive, summary)
    loss = vote_log_loss(predictive, votes)
    found = {
        **headlines(predictive, votes),
        **_accuracies(votes, probabilities),
        "js_floor": metrics.resampling_floor(
            probabilities, votes.sum(axis=1), redraws=REDRAWS
        ).estimate,
        "vote_log_loss": None if loss is None else loss.mean(),
        "mean_scale": None if summary.mean_scale is None else summary.mean_scale.mean(),
        **_ceilings(votes.tobytes(), votes.shape),
        **_other_correlations(doubts, votes, d, probabilities.max(axis=1)),
        "partial_epistemic_given_aleatoric": metrics.partial_correlation(
            summary.epistemic, d, summary.aleatoric
        ),
        "aurc": metrics.area_under_risk_coverage_curve(
            votes.argmax(axis=1), probabilities, summary.total
        ),
        **calibration_of(votes, probabilities),
        **nulls(doubts, summary, votes.sum(axis=1), REDRAWS if resamples else 0),
    }
    found = {name: _plain(value) for name, value in found.items()}
    measured = {
        "accuracy_9": _first_maximum(votes, probabilities),
        "js_distance": distance,
        "js_divergence": np.square(distance),
        "cross_entropy": _cross_entropies(shares, probabilities),
    }
    if loss is not None:
        measured["vote_log_loss"] = loss
    found["intervals"] = intervals(measured, doubts, votes, groups, resamples)
    return found


def headlines(predictive, votes):
    """The numbers that the paper prints, which are also given without images that have a twin."""
    summary = predictive.summarise()
    shares = metrics.vote_shares(votes)
    distance = metrics.jensen_shannon_distance(shares, summary.probabilities)
    right = _first_maximum(votes, summary.probabilities)
    found = {
        "n": len(votes),
        "accuracy_9": right.mean(),
        "js_distance": distance.mean(),
        "js_distance_sd": distance.std(ddof=1),
        "js_divergence": np.square(distance).mean(),
        "cross_entropy": metrics.log_loss(shares, summary.probabilities),
        **correlations(doubts_of(predictive, summary), votes, distance),
        **refusal(right, summary, distance),
        **brier_by_percentile(votes, summary),
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


def vote_log_loss(predictive, votes):
    """-log of the probability of each item's votes, in nats, float of shape (N,).

    All votes of an item share its pass and its logits; the multinomial coefficient is left out.
    None for Gaussian logits with many passes, where it would be an integral for each pass.
    """
    if predictive.scale is None:
        smallest = np.finfo(np.float32).tiny
        logs = np.log(np.maximum(predictive.probabilities, smallest), dtype=np.float64)
        by_pass = (votes * logs).sum(axis=2)
    elif predictive.passes <= PASSES_WITH_INTEGRALS:
        by_pass = _log_integrals(predictive, votes)
    else:
        return None
    return np.log(predictive.passes) - np.logaddexp.reduce(by_pass, axis=0)


def _log_integrals(predictive, votes):
    # Here and not above: the integral is of the Keras rooms, all else of this file is NumPy.
    from hetero_unc.gaussian.vote_integrals import log_expected_votes

    found = [
        log_expected_votes(loc, scale, votes.astype(np.float32), accuracy="high")
        for loc, scale in zip(predictive.loc, predictive.scale, strict=True)
    ]
    return np.asarray(found, dtype=np.float64)


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
        "mce_majority": metrics.maximum_calibration_error(majority, probabilities),
        "sce_majority": metrics.classwise_calibration_error(majority, probabilities),
        "ace_majority": metrics.adaptive_calibration_error(majority, probabilities),
        "tace_majority": metrics.thresholded_adaptive_calibration_error(majority, probabilities),
        "total_variation": metrics.total_variation_error(votes, probabilities),
        "entropy_calibration": metrics.entropy_calibration_error(votes, probabilities),
        "brier_votes": brier.total.mean(),
        "brier_distance": brier.distance.mean(),
    }


def _other_correlations(doubts, votes, d, confidence):
    """With unbiased disagreement, by rank, and given the largest probability."""
    found = {}
    unbiased = metrics.unbiased_disagreement(votes)
    defined = np.isfinite(unbiased)  # one vote says nothing about disagreement
    for name, doubt in doubts.items():
        found |= {
            f"spearman_{name}": metrics.spearman(doubt, d),
            f"pearson_{name}_unbiased": metrics.pearson(doubt[defined], unbiased[defined]),
            f"partial_{name}_given_confidence": metrics.partial_correlation(doubt, d, confidence),
        }
    return found


def _cross_entropies(shares, probabilities):
    """Of each item; their mean is `metrics.log_loss`."""
    smallest = np.finfo(probabilities.dtype).tiny
    return -(shares * np.log(np.maximum(probabilities, smallest))).sum(axis=1)


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


def _first_maximum(votes, probabilities):
    """Whether the forecast's first maximum is that of the votes, bool of shape (N,)."""
    return probabilities.argmax(axis=1) == votes.argmax(axis=1)


def _plain(value):
    """A number as JSON takes it: None for what is not defined."""
    if value is None or isinstance(value, int):
        return value
    value = float(value)
    return value if np.isfinite(value) else None
