"""How doubt goes with what people say: correlations, Brier by percentile, nulls and intervals.

A null is the same number for votes drawn from the forecast itself: what a perfectly calibrated
network would show on these images. Only what goes beyond it says something of the network.
"""

import numpy as np
from scipy import stats

from hetero_unc import metrics

__all__ = [
    "PARTS",
    "REDRAWS",
    "brier_by_percentile",
    "correlations",
    "doubts_of",
    "intervals",
    "least_confidence",
    "nulls",
    "percentile_bins",
    "predicted_disagreement",
    "refusal",
    "rows_kept",
    "sorts",
]

PARTS = ("aleatoric", "epistemic", "total")
KEPT = 0.75  # of the items, as the paper refuses a quarter
REDRAWS = 30  # of all votes; each redraw is a mean over all items already


def predicted_disagreement(predictive):
    """The model's own forecast of the chance that two people differ, float of shape (N,).

    1 - E sum_k p_k^2 over passes and logits: two people look at the same image with the same eyes.
    For a head without noise on its logits, over passes alone.
    """
    if predictive.draw_agreement is not None:
        return 1 - predictive.draw_agreement.mean(axis=0, dtype=np.float64)
    squares = np.square(predictive.probabilities, dtype=np.float64)
    return 1 - squares.sum(axis=2).mean(axis=0)


def least_confidence(summary):
    """One minus the largest probability, float of shape (N,)."""
    return 1 - summary.probabilities.max(axis=1)


def doubts_of(predictive, summary):
    """Name -> float of shape (N,): parts of doubt, two readouts, and the scale where there is."""
    found = {part: getattr(summary, part) for part in PARTS}
    found["predicted_disagreement"] = predicted_disagreement(predictive)
    found["least_confidence"] = least_confidence(summary)
    if summary.mean_scale is not None:
        found["scale"] = summary.mean_scale
    return found


def correlations(doubts, votes, distance):
    """Pearson of each doubt with d, with the entropy of the votes, and with the distance to them.

    Parameters
    ----------
    doubts : dict
        From `doubts_of`.
    votes : int array of shape (N, C)
    distance : float array of shape (N,)
        Jensen-Shannon distances; the divergence is its square.

    Returns
    -------
    dict
    """
    d, entropy = metrics.disagreement(votes), metrics.label_entropy(votes)
    found = {}
    for name, doubt in doubts.items():
        found |= {
            f"pearson_{name}": metrics.pearson(doubt, d),
            f"pearson_entropy_{name}": metrics.pearson(doubt, entropy),
            f"pearson_js_{name}": metrics.pearson(doubt, distance),
            f"pearson_js_divergence_{name}": metrics.pearson(doubt, np.square(distance)),
        }
    return found


def rows_kept(doubt):
    """The three quarters of the items with least doubt, int array; equals in their order."""
    return np.argsort(doubt, kind="stable")[: int(KEPT * len(doubt))]


def sorts(doubt):
    """Whether a doubt tells images apart: without passes, or of a network that ignores its input,
    it is the same for nearly all.
    """
    low, high = np.quantile(doubt, (0.05, 0.95))
    return bool(low < high)


def refusal(right, summary, distance):
    """Accuracy and distance of the three quarters with least of each doubt; two gains.

    The paper refuses by the total. What an answer risks is one minus its own probability, whatever
    the rest is shared among.
    """
    found = {}
    for part in PARTS:
        doubt = getattr(summary, part)
        least = rows_kept(doubt)
        varies = sorts(doubt)
        found[f"accuracy_kept_{part}"] = right[least].mean() if varies else None
        found[f"js_distance_kept_{part}"] = distance[least].mean() if varies else None
    for name, doubt in (
        ("reject_gain_25", summary.total),
        ("reject_gain_25_least_confidence", least_confidence(summary)),
    ):
        # Of equals the first in the file would be kept, which is nobody's choice.
        found[name] = right[rows_kept(doubt)].mean() - right.mean() if sorts(doubt) else None
    return found


def brier_by_percentile(votes, summary):
    """Correlation of the percentile of each doubt with Brier, and with its excess over the null."""
    found = {"brier_bins": percentile_bins(len(votes))}
    for what, name in (("", "brier"), ("excess_", "excess")):
        found |= {f"brier_{what}{part}": None for part in PARTS}
        values = _along_percentiles(votes, summary, name)
        found |= {f"brier_{what}{part}": value for part, value in values.items()}
    return found


def _along_percentiles(votes, summary, name):
    doubts = {part: getattr(summary, part) for part in PARTS}
    return {
        part: metrics.brier_by_uncertainty(
            votes, summary.probabilities, doubt, n_bins=percentile_bins(len(votes))
        ).index_correlation(name)
        for part, doubt in doubts.items()
        if sorts(doubt)
    }


def percentile_bins(items):
    """Percentiles where there are items enough for twenty in each, else fewer bins."""
    return max(2, min(100, items // 20))


def nulls(doubts, summary, votes_per_item, redraws=REDRAWS):
    """What correlations, Brier by percentile and ECE are on votes drawn from the forecast itself.

    Returns
    -------
    dict
        `pearson_<doubt>_null`, `pearson_js_<doubt>_null`, `brier_null_<part>`, `ece_votes_null`;
        means over the redraws, None without any and for a doubt that does not vary.
    """
    probabilities = summary.probabilities
    varying = {name: doubt for name, doubt in doubts.items() if sorts(doubt)}

    def statistic(drawn):
        d = metrics.disagreement(drawn)
        distance = metrics.jensen_shannon_distance(metrics.vote_shares(drawn), probabilities)
        return [
            *(metrics.pearson(doubt, d) for doubt in varying.values()),
            *(metrics.pearson(doubt, distance) for doubt in varying.values()),
            *_along_percentiles(drawn, summary, "brier").values(),
            metrics.vote_calibration_error(drawn, probabilities),
        ]

    def names(doubts):
        return [
            *(f"pearson_{name}_null" for name in doubts),
            *(f"pearson_js_{name}_null" for name in doubts),
            *(f"brier_null_{part}" for part in PARTS if part in doubts),
            "ece_votes_null",
        ]

    found = dict.fromkeys(names(doubts))
    if redraws:
        null = metrics.calibrated_null(statistic, probabilities, votes_per_item, redraws=redraws)
        found |= zip(names(varying), null.estimate, strict=True)
    return found


def intervals(measured, doubts, votes, groups, resamples):
    """95 % intervals of the numbers that are compared, by images, identical ones together.

    Parameters
    ----------
    measured : dict of str to array of shape (N,)
        Numbers whose mean is compared. `accuracy_9` and `js_distance` are among them, which are
        also looked at after refusal.
    doubts : dict of str to array of shape (N,)
        From `doubts_of`.
    votes : int array of shape (N, C)
    groups : int array of shape (N,), or None
    resamples : int
        0 for none.

    Returns
    -------
    dict of str to [float, float]
    """
    if not resamples:
        return {}
    against = {
        "pearson": metrics.disagreement(votes),
        "pearson_entropy": metrics.label_entropy(votes),
        "pearson_js": measured["js_distance"],
        "pearson_js_divergence": np.square(measured["js_distance"]),
    }
    names = [
        *measured,
        "js_distance_sd",
        *(f"{kept}_kept_{part}" for kept in ("accuracy", "js_distance") for part in PARTS),
        "reject_gain_25",
        "reject_gain_25_least_confidence",
        *(f"{kind}_{name}" for kind in (*against, "spearman") for name in doubts),
    ]
    columns = np.stack([*measured.values(), *against.values(), *doubts.values()], axis=1)
    right, distance = (list(measured).index(name) for name in ("accuracy_9", "js_distance"))
    kinds, first = len(against), len(measured)
    *parts, least = (
        first + kinds + list(doubts).index(name) for name in (*PARTS, "least_confidence")
    )

    def statistic(drawn):
        # All correlations of one draw are one product of matrices.
        pearson = np.corrcoef(drawn[:, first:], rowvar=False)[:kinds, kinds:]
        ranks = stats.rankdata(drawn[:, [first, *range(first + kinds, drawn.shape[1])]], axis=0)
        kept = [rows_kept(drawn[:, part]) for part in parts]
        accuracies, distances = (
            [drawn[rows, column].mean() for rows in kept] for column in (right, distance)
        )
        means = drawn[:, :first].mean(axis=0)
        confident = drawn[rows_kept(drawn[:, least]), right].mean()
        gains = [kept - means[right] for kept in (accuracies[PARTS.index("total")], confident)]
        numbers = [drawn[:, distance].std(ddof=1), *accuracies, *distances, *gains]
        spearman = np.corrcoef(ranks, rowvar=False)[0, 1:]
        return np.concatenate([means, numbers, pearson.ravel(), spearman])

    varies = {name: sorts(doubt) for name, doubt in doubts.items()}
    with np.errstate(invalid="ignore", divide="ignore"):
        found = metrics.bootstrap_interval(
            statistic, columns.astype(np.float64), groups=groups, resamples=resamples
        )
    known = [
        *[True] * (first + 1),
        *[varies[part] for part in PARTS] * 2,
        varies["total"],
        varies["least_confidence"],
        *[*varies.values()] * (kinds + 1),
    ]
    return {
        name: [float(low), float(high)]
        for name, low, high, defined in zip(names, found.low, found.high, known, strict=True)
        if defined and np.isfinite([low, high]).all()
    }
