"""The simulations behind the audit's claims: what they draw, and how they count."""

import numpy as np
import pytest

import risk_guarantee
import routing_simulation
from mnist_label_errors import KNOWN, rank

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def simulated():
    return routing_simulation.simulate(0, validation=600, test=900)


def test_each_kind_is_planted_in_its_share_and_place(simulated):
    _, table, kind = simulated
    tested = table.split == "test"
    for name in routing_simulation.KINDS:
        assert np.mean(kind[tested] == name) == pytest.approx(0.05, abs=0.03)
    assert not (kind[~tested] == "unfamiliar").any()
    assert (table.votes.sum(axis=1) == routing_simulation.VOTES).all()


def test_planted_items_are_what_they_are_said_to_be(simulated):
    predictions, table, kind = simulated
    passes = predictions.probabilities.astype(float)
    mean = passes.mean(axis=0)
    agrees = table.votes.argmax(axis=1) == mean.argmax(axis=1)
    assert agrees[kind == "ordinary"].mean() > 0.9
    assert agrees[kind == "mislabelled"].mean() < 0.1
    largest = table.votes.max(axis=1) / table.votes.sum(axis=1)
    assert largest[kind == "contested"].mean() < 0.65 < 0.85 < largest[kind == "ordinary"].mean()
    # Each pass of an unfamiliar item is surer than their mean.
    unfamiliar = kind == "unfamiliar"
    assert passes[:, unfamiliar].max(axis=2).mean() > 0.8 > mean[unfamiliar].max(axis=1).mean()


def test_precision_and_recall_are_those_of_hand():
    listed = np.array([True, True, True, False, False])
    true = np.array([True, False, False, True, False])
    found = routing_simulation.precision_and_recall(listed, true)
    assert found == pytest.approx({"precision": 1 / 3, "recall": 1 / 2, "f1": 0.4})
    np.testing.assert_array_equal(
        routing_simulation.lowest(np.array([3.0, 1.0, 2.0]), 2), [False, True, True]
    )


def test_a_small_draw_gives_a_row_a_method_and_kind_and_the_routing_is_ahead():
    pytest.importorskip("cleanlab")
    rows = routing_simulation.run([0], validation=600, test=900)
    assert len(rows) == 9
    f1 = {(row["method"], row["kind"]): row["f1"] for row in rows}
    for kind in routing_simulation.KINDS:
        assert f1["routing", kind] > max(f1["cleanlab", kind], f1["entropy", kind])
        assert f1["routing", kind] > 0.7
    assert all(row["lowest_f1"] == pytest.approx(row["f1"]) for row in rows)


def test_the_risk_of_each_law_is_the_mean_of_its_errors():
    for error, risk in risk_guarantee.ERRORS.values():
        for threshold in (0.2, 0.7, 1.0):
            doubt = np.linspace(0, threshold, 100_001)
            assert risk(threshold) == pytest.approx(error(doubt).mean(), rel=1e-4)


def test_a_few_redraws_give_a_row_a_setting():
    rows = risk_guarantee.run(redraws=5, sizes=(200,))
    assert len(rows) == len(risk_guarantee.ERRORS) * len(risk_guarantee.TARGETS)
    assert all(0 <= row["risk_above_target"] <= 1 for row in rows)
    best = {(row["error"], row["target"]): row["best_coverage"] for row in rows}
    assert best["u / 2", 0.1] == pytest.approx(0.4, abs=1e-3)
    assert best[".08 + .1 u", 0.05] == 0


def test_places_count_from_one_and_known_labels_are_ten():
    np.testing.assert_array_equal(rank(np.array([0.3, 0.1, 0.2])), [3, 1, 2])
    assert len(KNOWN) == 10
