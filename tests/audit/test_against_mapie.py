"""Thresholds against MAPIE's tests, conformal sets against a double loop."""

import math

import numpy as np
import pytest
from scipy import stats

from hetero_unc.audit import AuditSettings
from hetero_unc.audit.conformal_section import conformal_section
from hetero_unc.audit.evidence import gather_evidence
from hetero_unc.audit.guarantee import RUNS, candidate_thresholds, risk_threshold

SETTINGS = AuditSettings(resamples=2)


def simulated(seed, items):
    """Doubt, losses of half that probability, and candidates drawn independently of both."""
    rng = np.random.default_rng(seed)
    doubt = rng.random(items)
    return doubt, rng.random(items) < doubt / 2, candidate_thresholds(rng.random(items))


@pytest.mark.parametrize("items", [100, 600, 3000])
@pytest.mark.parametrize("target", [0.05, 0.1, 0.2])
def test_the_threshold_is_the_largest_that_mapies_fixed_sequences_accept(items, target):
    risk_control = pytest.importorskip("mapie.risk_control.fwer_control")
    methods = pytest.importorskip("mapie.risk_control.methods")
    doubt, losses, candidates = simulated(items, items)
    accepted = np.array([(doubt <= candidate).sum() for candidate in candidates])
    wrong = np.array([losses[doubt <= candidate].sum() for candidate in candidates])
    some = accepted > 0
    p_value = np.ones(len(candidates))
    p_value[some] = methods.compute_hoeffding_bentkus_p_value(
        wrong[some] / accepted[some], accepted[some], target, binary=True
    )[:, 0]
    budget = 0.1 / RUNS
    # No run starts where even no error proves nothing, with a fifth to spare.
    fewest = 1.2 * math.log(budget) / math.log(1 - target)
    expected = items * np.arange(1, len(candidates) + 1) / len(candidates)
    first = int((expected < fewest).sum())
    starts = np.geomspace(first + 1, max(first + 1, len(candidates) / 2), RUNS).astype(int) - 1
    valid = [
        start + index
        for start in starts[starts < len(candidates)]
        for index in risk_control.control_fwer(p_value[start:], budget, "fixed_sequence")
    ]
    found = risk_threshold(doubt, losses, candidates, target_risk=target, confidence=0.9)
    assert found.threshold == (candidates[max(valid)] if valid else None)


def test_mapies_p_value_of_a_binary_loss_is_the_exact_binomial_tail():
    methods = pytest.importorskip("mapie.risk_control.methods")
    for wrong, accepted in ((0, 40), (3, 100), (20, 400)):
        theirs = methods.compute_hoeffding_bentkus_p_value(
            np.array([wrong / accepted]), np.array([accepted]), 0.1, binary=True
        )
        assert theirs.item() == pytest.approx(stats.binom.cdf(wrong, accepted, 0.1), rel=1e-12)


def test_sets_of_lac_and_aps_are_those_of_a_double_loop(crowd):
    pytest.importorskip("mapie")
    evidence = gather_evidence(*crowd)
    roles = evidence.roles
    validation, judged = evidence.take(roles.validation), evidence.take(roles.evaluated)
    # One vote a validation item leaves no lot to draw: its label is known.
    labels = validation.votes.argmax(axis=1)
    votes = np.eye(4, dtype=int)[labels]
    validation = type(validation)(**{**vars(validation), "votes": votes})
    section = conformal_section(judged, validation, SETTINGS)
    found = {row["name"]: row for row in section["methods"]}
    # APS calibrates with the true label counted in part, by MAPIE's own lots.
    parts = np.random.RandomState(SETTINGS.seed).uniform(size=len(labels))
    forecasts = list(zip(validation.y_prob, labels, parts, strict=True))
    scores_and_sets = {
        "lac": ([1 - row[label] for row, label, _ in forecasts], least_ambiguous_set),
        "aps": (
            [probability_down_to(row, label) - part * row[label] for row, label, part in forecasts],
            adaptive_set,
        ),
    }
    rank = math.ceil((len(labels) + 1) * SETTINGS.conformal_level)
    for name, (scores, chosen) in scores_and_sets.items():
        limit = sorted(scores)[rank - 1]
        sets = [chosen(row, limit) for row in judged.y_prob]
        covered = [
            sum(counts[label] for label in kept) / counts.sum()
            for kept, counts in zip(sets, judged.votes, strict=True)
        ]
        assert found[name]["mean_size"] == pytest.approx(np.mean([len(kept) for kept in sets]))
        assert found[name]["coverage"]["estimate"] == pytest.approx(np.mean(covered))


def least_ambiguous_set(row, limit):
    """Classes of probability 1 - limit or more."""
    return [label for label, probability in enumerate(row) if 1 - probability <= limit]


def probability_down_to(row, label):
    """Of the label and of all classes that are more probable."""
    return sum(probability for probability in row if probability >= row[label])


def adaptive_set(row, limit):
    """The fewest most probable classes that reach the limit together."""
    kept, total = [], 0.0
    for label in sorted(range(len(row)), key=lambda label: -row[label]):
        kept.append(label)
        total += row[label]
        if total >= limit:
            break
    return kept
