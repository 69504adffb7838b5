"""Calibration against people: every vote is a trial, items are the independent units."""

import numpy as np

from hetero_unc.audit.json_values import interval_json
from hetero_unc.audit.resampling import as_interval, resampled_sums
from hetero_unc.metrics import entropy, label_entropy, total_variation_distance, vote_shares
from hetero_unc.metrics.reliability import assign_bins

__all__ = ["calibration_section", "vote_figures"]

MEANINGS = {
    "ece_votes": (
        "Calibration error over votes",
        (
            "How far the stated confidence is from the share of votes for the predicted class, on "
            "average over bins of equal width. Chance alone lifts it above 0."
        ),
    ),
    "ece_votes_equal_mass": (
        "The same over bins of equally many votes",
        "No bin is nearly empty, so the figure depends less on the choice of bins.",
    ),
    "calibration_debiased": (
        "Calibration error without chance",
        "Root mean square gap over bins of equally many votes, less what chance adds.",
    ),
    "calibration_worst_bin": (
        "Largest gap of a bin",
        "The worst bin of equally many votes.",
    ),
    "overconfidence": (
        "Overconfidence",
        (
            "Mean confidence less the share of votes for the predicted class: above 0 the model is "
            "too sure of itself."
        ),
    ),
    "total_variation": (
        "Distance to the votes",
        (
            "Mean total variation distance of forecast and vote shares. Even a perfect forecast is "
            "not at 0, because votes are few."
        ),
    ),
    "entropy_calibration": (
        "Error of the stated doubt",
        "Mean absolute difference of the entropies of forecast and vote shares, in nats.",
    ),
    "log_loss_votes": (
        "Log loss of a vote",
        "Mean of -log of the probability that the forecast gave to a vote, in nats.",
    ),
    "brier_votes": (
        "Brier score of a vote",
        "Squared distance of the forecast to a single vote, summed over classes.",
    ),
}
SMALLEST_PROBABILITY = 1e-12


def calibration_section(evidence, settings):
    """The reliability curve over votes, the calibration errors and the split of the Brier score.

    Parameters
    ----------
    evidence : Evidence
        Of the items that judge.
    settings : AuditSettings

    Returns
    -------
    dict
        JSON-ready. Intervals resample items, the bins stay as they are.
    """
    figures, curve = vote_figures(evidence.votes, evidence.y_prob, settings)
    intervals = {
        name: interval_json(as_interval(values, level=settings.level))
        for name, values in figures.items()
    }
    return {
        "curve": curve,
        "numbers": [
            {
                "name": name,
                "title": title,
                "value": intervals[name],
                "best": 0,
                "meaning": meaning,
            }
            for name, (title, meaning) in MEANINGS.items()
        ],
        "brier": {
            "total": intervals["brier_votes"]["estimate"],
            "excess": intervals["brier_excess"]["estimate"],
            "votes_own_spread": intervals["brier_spread"]["estimate"],
        },
    }


def vote_figures(votes, y_prob, settings):
    """Each figure of `MEANINGS` for the items as they are and for every resample of them.

    Parameters
    ----------
    votes : int array of shape (N, C)
    y_prob : float array of shape (N, C)
    settings : AuditSettings

    Returns
    -------
    figures : dict of str to float array of shape (1 + resamples,)
        For `as_interval`; besides `brier_excess` and `brier_spread`, which add up to `brier_votes`.
    curve : dict of str to list
        The reliability curve of bins of equal width that are not empty.
    """
    rows = np.arange(len(votes))
    count = votes.sum(axis=1)
    confidence = y_prob.max(axis=1)
    gap = votes[rows, y_prob.argmax(axis=1)] - count * confidence
    shares = vote_shares(votes)
    spread = 1 - np.square(shares).sum(axis=1)
    excess = np.square(shares - y_prob).sum(axis=1)
    surprise = -(votes * np.log(np.maximum(y_prob, SMALLEST_PROBABILITY))).sum(axis=1)
    wide = _one_hot(assign_bins(confidence, settings.bins, "equal_width"), settings.bins)
    # Votes of an item share its confidence, so bins of equally many votes keep items whole.
    first = np.cumsum(count) - count
    equal = _one_hot(
        assign_bins(np.repeat(confidence, count), settings.bins, "equal_mass")[first], settings.bins
    )
    blocks = {
        "items": np.ones(len(votes)),
        "votes": count,
        "gap": gap,
        "wide_gap": wide * gap[:, None],
        "wide_votes": wide * count[:, None],
        "equal_gap": equal * gap[:, None],
        "equal_square": equal * np.square(gap)[:, None],
        "equal_votes": equal * count[:, None],
        "equal_items": equal,
        "total_variation": total_variation_distance(shares, y_prob),
        "entropy": np.abs(entropy(y_prob) - label_entropy(votes)),
        "surprise": surprise,
        "excess": excess * count,
        "spread": spread * count,
    }
    columns = [np.reshape(block, (len(votes), -1)).astype(np.float64) for block in blocks.values()]
    sums = resampled_sums(
        np.concatenate(columns, axis=1), resamples=settings.resamples, seed=settings.seed
    )
    edges = np.cumsum([block.shape[1] for block in columns])[:-1]
    total = dict(zip(blocks, np.split(sums, edges, axis=1), strict=True))
    one = {name: block[:, 0] for name, block in total.items() if block.shape[1] == 1}

    trials = one["votes"]
    equal_votes = np.where(total["equal_votes"] > 0, total["equal_votes"], np.nan)
    equal_items = total["equal_items"]
    # A resample draws items twice, and pairs of an item with itself are no pairs of two: their
    # mean is the sum of squares once more, which is taken off too.
    chance = np.full((len(sums), 1), 2.0)
    chance[0] = 1.0
    pairs = (np.square(total["equal_gap"]) - chance * total["equal_square"]) / equal_votes
    pairs = np.where(equal_items > 1, pairs * equal_items / np.maximum(equal_items - 1, 1), 0.0)
    figures = {
        "ece_votes": np.abs(total["wide_gap"]).sum(axis=1) / trials,
        "ece_votes_equal_mass": np.abs(total["equal_gap"]).sum(axis=1) / trials,
        "calibration_debiased": np.sqrt(np.maximum(np.nansum(pairs, axis=1) / trials, 0.0)),
        "calibration_worst_bin": np.nanmax(np.abs(total["equal_gap"]) / equal_votes, axis=1),
        "overconfidence": -one["gap"] / trials,
        "total_variation": one["total_variation"] / one["items"],
        "entropy_calibration": one["entropy"] / one["items"],
        "log_loss_votes": one["surprise"] / trials,
        "brier_votes": (one["excess"] + one["spread"]) / trials,
        "brier_excess": one["excess"] / trials,
        "brier_spread": one["spread"] / trials,
    }
    return figures, _curve(wide, confidence * count, total, settings)


def _curve(wide, weighted_confidence, total, settings):
    """Bins of equal width with their agreement and its interval."""
    filled = total["wide_votes"][0] > 0
    votes = total["wide_votes"][0, filled]
    confidence = (weighted_confidence @ wide)[filled] / votes
    # In a resample the mean confidence of a bin stays what it is; only its gap moves.
    with np.errstate(invalid="ignore", divide="ignore"):
        gaps = total["wide_gap"][:, filled] / total["wide_votes"][:, filled]
    agreement = [as_interval(column, level=settings.level) for column in (confidence + gaps).T]
    return {
        "confidence": confidence.tolist(),
        "agreement": [interval.estimate for interval in agreement],
        "low": [interval_json(interval)["low"] for interval in agreement],
        "high": [interval_json(interval)["high"] for interval in agreement],
        "votes": votes.astype(int).tolist(),
        "items": wide.sum(axis=0)[filled].astype(int).tolist(),
    }


def _one_hot(bins, n_bins):
    return np.eye(n_bins)[bins]
