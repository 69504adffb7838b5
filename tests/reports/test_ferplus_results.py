"""Which rows stand in a line of a table, where a folder holds networks of several commands."""

import json

import numpy as np
import pytest

import ferplus_report
from ferplus_policies import HEADINGS, scored
from ferplus_published import COLUMNS, NUMBERS, number_of
from ferplus_results import longest, main_rows, results_section
from hetero_unc.predictive import Predictive

pytestmark = pytest.mark.end_to_end


@pytest.fixture
def head(ferplus_runs):
    """A row of a head on the features of a compact network, `trunk` to be filled in."""
    rows = json.loads((ferplus_runs / "results.json").read_text(encoding="utf-8"))
    row = next(
        row
        for row in rows
        if (row["method"], row["split"], row["passes"]) == ("compact_votes", "publictest", 0)
    )
    changed = {"method": "aleatoric", "recipe": "compact_features", "intervals": {}}
    return {**row, **changed, "epochs": 20}


def test_heads_of_two_networks_are_two_lines(head):
    rows = [{**head, "trunk": "small", "accuracy_9": 0.6}, {**head, "trunk": "large"}]
    table = next(block for block in results_section(rows).blocks if hasattr(block, "rows"))
    assert [row[0] for row in table.rows] == [
        "Aleatoric head (on our features), small",
        "Aleatoric head (on our features), large",
    ]
    table = next(block for block in results_section(rows[:1]).blocks if hasattr(block, "rows"))
    assert [row[0] for row in table.rows] == ["Aleatoric head (on our features)"]


def test_heads_are_compared_on_the_features_of_the_network_that_is_shown(head, monkeypatch):
    monkeypatch.setattr(ferplus_report, "predictions_of", lambda folder, row, data: ())
    methods = ("aleatoric", "gaussian_votes")
    rows = [{**head, "method": name, "trunk": "large"} for name in methods]
    rows = [{**head, "trunk": "small"}, *rows]
    assert ferplus_report._heads("", None, rows, "small") == {}, "one head has no other"
    [shown] = ferplus_report._heads("", None, rows, "large").values()
    assert [row["trunk"] for (row,) in shown] == ["large", "large"]
    assert [row["method"] for (row,) in shown] == list(methods)


def test_baselines_line_in_the_column_of_the_average_is_the_average_without_passes(ferplus_runs):
    rows = json.loads((ferplus_runs / "results.json").read_text(encoding="utf-8"))
    rows = longest(main_rows(rows))
    average = [
        {**row, "method": "uncnet_average", "js_distance": 0.123, "intervals": {}}
        for row in rows
        if (row["recipe"], row["method"], row["passes"]) == ("corrected", "uncnet", 0)
        and row["split"] == "publictest"
    ][:1]
    number = next(number for number in NUMBERS if number.words == "JS distance, Baseline")
    column = COLUMNS["corrected, average of equals"]
    assert number_of(rows + average, number, column) == "0.123"
    assert number_of(rows, number, column) == "–"
    assert number_of(rows + average, number, COLUMNS["corrected"]) != "0.123"


def test_every_rule_is_scored_by_one_definition_of_predicted_disagreement():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(4), (3, 40)).astype(np.float32)
    votes = rng.multinomial(10, probabilities.mean(axis=0).astype(np.float64) * 0.999)
    agreement = rng.uniform(0.9, 1.0, (3, 40)).astype(np.float32)
    agreement = np.maximum(agreement, np.square(probabilities).sum(axis=2))
    knowing = Predictive(probabilities, draw_agreement=agreement)
    place = HEADINGS.index("r predicted d")
    labels = votes.argmax(axis=1)
    assert (
        scored(knowing, votes, labels)[place]
        == scored(Predictive(probabilities), votes, labels)[place]
    )
    without = 1 - np.square(probabilities, dtype=np.float64).sum(axis=2).mean(axis=0)
    d = 1 - np.square(votes / 10).sum(axis=1)
    assert scored(knowing, votes, labels)[place] == f"{np.corrcoef(without, d)[0, 1]:.3f}"
