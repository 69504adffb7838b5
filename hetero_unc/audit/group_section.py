"""Every headline by group, and which differences are more than chance."""

import numpy as np

from hetero_unc.audit.json_values import absent, interval_json, number_json
from hetero_unc.audit.resampling import as_interval, resampled_sums
from hetero_unc.metrics.reliability import assign_bins

__all__ = ["group_section"]

SIGNIFICANCE = 0.05
PERMUTATIONS = 500
FEWEST_ITEMS = 20
MOST_VALUES = 50
FEWEST_VALUES_TO_CORRELATE = 4


def group_section(judged, training, accepted, settings):
    """Accuracy, calibration error, disagreement and epistemic uncertainty of each group.

    Convention: each value of a group is held against all other items. Means are compared by
    Welch's t-test, the calibration error by 500 permutations of the group among items; all p-values
    of all groups are adjusted together (Benjamini and Hochberg). Values with fewer than 20 items
    are shown and not tested. The calibration error of few items is larger by chance alone, which
    the permutations take into account and the interval does not.

    Parameters
    ----------
    judged : Evidence
    training : Evidence
        Items that the model was trained on, for each group's share of them; may be empty.
    accepted : boolean array of shape (N,)
        Which of `judged` are accepted.
    settings : AuditSettings

    Returns
    -------
    dict
        JSON-ready; `{"absent": why}` without groups.

    References
    ----------
    .. [1] Welch (1947), The generalization of "Student's" problem when several different population
       variances are involved, https://doi.org/10.1093/biomet/34.1-2.28
    .. [2] Benjamini and Hochberg (1995), https://doi.org/10.1111/j.2517-6161.1995.tb02031.x
    """
    from scipy import stats  # not at the top: importing the room must stay quick

    if not judged.groups:
        return absent("The votes have no column group_NAME, so nothing is known of groups.")
    measures = {
        "accuracy": judged.plurality_hit,
        "disagreement": judged.vote_disagreement,
        "epistemic": judged.epistemic,
    }
    groups, tests = [], []
    for name, values in judged.groups.items():
        rows = _rows(judged, values, training.groups[name], measures, accepted, settings)
        tests += [test for row in rows for test in row["tests"].values()]
        groups.append({"group": name, "rows": rows, **_against_training(rows)})
    if tests:
        adjusted = stats.false_discovery_control([test["p"] for test in tests])
        for test, p_value in zip(tests, adjusted.tolist(), strict=True):
            test.update(adjusted_p=p_value, differs=p_value <= SIGNIFICANCE)
    return {
        "tests": len(tests),
        "method": f"Benjamini and Hochberg at {SIGNIFICANCE:g} over all tests of all groups",
        "groups": groups,
    }


def _rows(judged, values, training_values, measures, accepted, settings):
    names, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    kept = np.argsort(-counts, kind="stable")[:MOST_VALUES]
    permuted = _calibration_tests(judged, index, len(names), settings)
    rows = []
    for value in kept:
        inside = index == value
        tests = {}
        if min(counts[value], len(judged) - counts[value]) >= FEWEST_ITEMS:
            tests = {
                name: test
                for name, values_of in measures.items()
                if (test := _welch(values_of[inside], values_of[~inside])) is not None
            }
            tests["ece_votes"] = permuted[value]
        share = np.mean(training_values == names[value]) if len(training_values) else None
        rows.append(
            {
                "value": str(names[value]),
                "items": int(counts[value]),
                "share": float(counts[value] / len(judged)),
                "training_share": number_json(share),
                **_intervals(judged.take(inside), measures, inside, settings),
                "accepted": float(accepted[inside].mean()),
                "tests": tests,
            }
        )
    return rows


def _intervals(own, measures, inside, settings):
    """Each measure's mean, and the calibration error over votes, with their intervals."""
    figures = {name: values[inside] for name, values in measures.items()}
    gaps, votes = _gaps(own)
    defined = [np.isfinite(values) for values in figures.values()]
    columns = [
        np.where(known, values, 0.0)
        for known, values in zip(defined, figures.values(), strict=True)
    ]
    bins = np.eye(settings.bins)[assign_bins(own.confidence, settings.bins, "equal_width")]
    sums = resampled_sums(
        np.column_stack([*columns, *defined, votes, bins * gaps[:, None]]),
        resamples=settings.resamples,
        seed=settings.seed,
    )
    means = sums[:, :3] / np.where(sums[:, 3:6] > 0, sums[:, 3:6], np.nan)
    found = {name: means[:, place] for place, name in enumerate(figures)}
    found["ece_votes"] = np.abs(sums[:, 7:]).sum(axis=1) / sums[:, 6]
    return {
        name: interval_json(as_interval(values, level=settings.level))
        for name, values in found.items()
    }


def _welch(inside, outside):
    """Difference of means and its p-value; None where it is undefined."""
    from scipy import stats

    inside, outside = inside[np.isfinite(inside)], outside[np.isfinite(outside)]
    if min(len(inside), len(outside)) < 2 or np.ptp(inside) + np.ptp(outside) == 0:
        return None
    found = stats.ttest_ind(inside, outside, equal_var=False)
    return {"difference": float(inside.mean() - outside.mean()), "p": float(found.pvalue)}


def _calibration_tests(judged, index, values, settings):
    """For each value: its calibration error less that of the rest, and the share of permutations
    in which the difference is as large."""
    gaps, votes = _gaps(judged)
    bins = assign_bins(judged.confidence, settings.bins, "equal_width")
    all_gaps = np.bincount(bins, weights=gaps, minlength=settings.bins)

    def differences(of_value):
        cell = of_value * settings.bins + bins
        inside = np.bincount(cell, weights=gaps, minlength=values * settings.bins)
        inside = inside.reshape(values, settings.bins)
        count = np.bincount(of_value, weights=votes, minlength=values)
        rest = np.maximum(votes.sum() - count, 1)
        outside = np.abs(all_gaps - inside).sum(axis=1) / rest
        return np.abs(inside).sum(axis=1) / count - outside

    rng = np.random.default_rng(settings.seed)
    observed = differences(index)
    permuted = np.stack([differences(rng.permutation(index)) for _ in range(PERMUTATIONS)])
    # Few items have a larger calibration error by chance: deviations are from that mean.
    middle = permuted.mean(axis=0)
    as_large = (np.abs(permuted - middle) >= np.abs(observed - middle)).sum(axis=0)
    return [
        {"difference": float(difference), "p": float((1 + count) / (1 + PERMUTATIONS))}
        for difference, count in zip(observed, as_large, strict=True)
    ]


def _gaps(evidence):
    """Votes for the predicted class less those expected, and the number of votes, each (N,)."""
    votes = evidence.vote_counts
    return evidence.agreeing_votes - votes * evidence.confidence, votes


def _against_training(rows):
    """Rank correlation of the groups' epistemic uncertainty with their share of the training."""
    from scipy import stats

    if len(rows) < FEWEST_VALUES_TO_CORRELATE or rows[0]["training_share"] is None:
        return {"epistemic_against_training_share": None}
    shares = [row["training_share"] for row in rows]
    epistemic = [row["epistemic"]["estimate"] for row in rows]
    if len(set(shares)) == 1 or len(set(epistemic)) == 1:
        return {"epistemic_against_training_share": None}
    found = stats.spearmanr(shares, epistemic)
    return {
        "epistemic_against_training_share": {
            "spearman": float(found.statistic),
            "p": float(found.pvalue),
        }
    }
