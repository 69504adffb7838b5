"""Paired tests of the distances to the votes: between networks, and of dropout passes."""

import numpy as np

from ferplus_doubts import PARTS, rows_kept
from ferplus_evaluation import prepared
from ferplus_results import method_name
from ferplus_shown import SPLIT, predictions_of
from hetero_unc import metrics

__all__ = ["paired_tests"]

# Two forecasts of the same images: recipe, method and whether with passes, for both.
BASELINE_AND_UNCNET = (("baseline", False), ("uncnet", True))
OFF_AND_ON = (
    ("published", "uncnet"),
    ("corrected", "uncnet_input_dropout"),
    ("end_to_end", "compact_votes"),
)


def paired_tests(folder, data, rows):
    """Student's paired tests of Jensen-Shannon distances, image by image, of the first seeds.

    Identical images are one image, whose distances are averaged: the test takes its differences for
    independent.

    Parameters
    ----------
    folder : Path
    data : FerPlus
    rows : sequence of dict
        Rows of results. Pairs that are not there are left out, and forecasts that are the same.

    Returns
    -------
    list of (str, PairedTest)
        The difference in words, and its test. Of Baseline and UncNet also the divergence, and the
        three quarters of the images with least of each of UncNet's doubts.
    """
    first = {}
    for row in sorted(rows, key=lambda row: row["seed"]):
        if row["split"] == SPLIT:
            first.setdefault((row["recipe"], row["method"], row["passes"] > 0), row)
    tests = []
    for recipe in ("published", "corrected"):
        pair = [first.get((recipe, *one)) for one in BASELINE_AND_UNCNET]
        if None in pair:
            continue
        (before, _, _), (after, summary, groups) = (_distances(folder, row, data) for row in pair)
        words = _words(pair)
        tests.append((words, groups, before, after))
        tests.append((f"{words}, divergence", groups, np.square(before), np.square(after)))
        for part in PARTS:
            kept = rows_kept(getattr(summary, part))
            by_part = f"{words}, of the 75 % by {part}"
            tests.append((by_part, groups[kept], before[kept], after[kept]))
    for recipe, method in OFF_AND_ON:
        pair = [first.get((recipe, method, passes)) for passes in (False, True)]
        if None not in pair:
            (before, _, _), (after, _, groups) = (_distances(folder, row, data) for row in pair)
            tests.append((_words(pair), groups, before, after))
    found = []
    for words, groups, *distances in tests:
        before, after = (_mean_of_groups(one, groups) for one in distances)
        if np.ptp(before - after) > 0:
            found.append((words, metrics.paired_test(before, after)))
    return found


def _words(pair):
    return " − ".join(
        f"{method_name(row)}, {'passes' if row['passes'] else 'dropout off'}" for row in pair
    )


def _distances(folder, row, data):
    predictive, kept = predictions_of(folder, row, data)
    summary = predictive.summarise()
    shares = metrics.vote_shares(kept.votes)
    distance = metrics.jensen_shannon_distance(shares, summary.probabilities)
    return distance, summary, prepared(data)[2][kept.rows]


def _mean_of_groups(values, groups):
    _, group_of_item, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    return np.bincount(group_of_item, weights=values) / sizes
