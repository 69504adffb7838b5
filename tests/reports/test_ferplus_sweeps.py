"""The sweeps on the FER+ page: which tables there are, and what a choice may look at."""

import json

import pytest

from ferplus_results import main_rows
from ferplus_sweeps import sweeps_section

pytestmark = pytest.mark.end_to_end


@pytest.fixture
def rows(ferplus_runs):
    return json.loads((ferplus_runs / "results.json").read_text(encoding="utf-8"))


@pytest.fixture
def uncnet(rows):
    """The row of UncNet by the corrected recipe, first seed, with passes."""
    return next(
        row
        for row in main_rows(rows)
        if (row["method"], row["recipe"], row["seed"]) == ("uncnet", "corrected", 0)
        and (row["split"], row["passes"]) == ("publictest", 4)
    )


def test_rates_are_swept_at_each_endpoint_and_chosen_on_the_validation_part(rows):
    usual = [row for row in main_rows(rows) if row["method"] == "uncnet"]
    swept = [
        {**row, "endpoint": endpoint, "learning_rate": rate, "cross_entropy": 10 * rate}
        for row in usual
        if row["recipe"] == "corrected" and row["seed"] == 0 and row["passes"]
        for endpoint in ("Mixed_7a", "Mixed_5a")
        for rate in (1e-4, 1e-3)
    ]
    section = sweeps_section(swept, "publictest")
    tables = [block for block in section.blocks if hasattr(block, "rows")]
    headings = {table.columns[0] for table in tables}
    assert headings == {"endpoint", "learning rate"}
    rates = [table for table in tables if table.columns[0] == "learning rate"]
    assert len(rates) == 2, "one for each endpoint"
    for table in rates:
        assert [row[::2][:2] for row in table.rows] == [("0.0001", "0.0010"), ("0.001", "0.0100")]
    assert not any(row["learning_rate"] == 1e-3 for row in main_rows(swept))


def test_baseline_which_is_uncnet_with_dropout_off_is_swept_in_one_table(rows):
    same = next(
        row
        for row in rows
        if (row["method"], row["recipe"], row["passes"]) == ("baseline", "corrected", 0)
        and row["split"] == "publictest"
    )
    swept = [
        {**same, "method": method, "endpoint": endpoint, "passes": passes}
        for method, passes in (("baseline", 0), ("uncnet", 0), ("uncnet", 100))
        for endpoint in ("Mixed_7a", "Mixed_5a")
    ]
    section = sweeps_section(swept, "publictest")
    captions = [block.caption for block in section.blocks if hasattr(block, "rows")]
    assert [caption.split(". ")[0] for caption in captions] == [
        "Baseline, recipe corrected, dropout off",
        "UncNet, recipe corrected, 100 passes",
    ]


def test_values_are_compared_on_the_same_seeds_and_on_one_trunk(uncnet):
    def at(endpoint, seed, accuracy, trunk="random"):
        changed = {"endpoint": endpoint, "seed": seed, "accuracy_9": accuracy, "trunk": trunk}
        return {**uncnet, **changed, "intervals": {}}

    swept = [
        at("Mixed_7a", 0, 0.50),
        at("Mixed_7a", 1, 0.90),
        at("Mixed_5a", 0, 0.40),
        at("Mixed_5a", 0, 0.99, "theirs"),
        at("Mixed_7a", 0, 0.98, "theirs"),
    ]
    section = sweeps_section(swept, "publictest")
    first, second = (block for block in section.blocks if hasattr(block, "rows"))
    place = first.columns.index("accuracy, 9 classes, %")
    assert [(row[0], row[place]) for row in first.rows] == [
        ("Mixed_5a", "40.00"),
        ("Mixed_7a", "50.00"),
    ], "the second seed is of one endpoint alone"
    assert [(row[0], row[place]) for row in second.rows] == [
        ("Mixed_5a", "99.00"),
        ("Mixed_7a", "98.00"),
    ]
    assert "trunk theirs" in second.caption
    assert "trunk" not in first.caption


def test_short_trainings_are_no_seeds_of_long_ones(uncnet):
    swept = [
        {**uncnet, "endpoint": endpoint, "epochs": epochs, "accuracy_9": epochs / 1000}
        for endpoint in ("Mixed_7a", "Mixed_5a")
        for epochs in (400, 60)
    ]
    tables = [
        block for block in sweeps_section(swept, "publictest").blocks if hasattr(block, "rows")
    ]
    assert [[row[1] for row in table.rows] for table in tables] == [["400"] * 2, ["60"] * 2]


def test_many_tables_of_one_setting_are_folded(uncnet):
    swept = [
        {**uncnet, "endpoint": endpoint, "learning_rate": rate}
        for endpoint in ("Mixed_7a", "Mixed_5a", "Mixed_8a")
        for rate in (1e-4, 1e-3)
    ]
    *_, rates = sweeps_section(swept, "publictest").blocks
    assert rates.summary == "Learning rates"
    assert len(rates.blocks) == 3
