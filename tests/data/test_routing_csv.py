"""The list of what to do comes back as it was, and no spreadsheet runs what is in it."""

import csv

import numpy as np
import pytest

from hetero_unc.data import write_routing_csv
from hetero_unc.data.csv_writing import disarm


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_what_is_written_comes_back(tmp_path):
    path = tmp_path / "routing.csv"
    columns = {
        "confidence": np.array([0.123456789, np.nan, 1e-12]),
        "votes": [3, 0, 10],
        "known": [True, False, True],
        "label": ["cat", "dög, wet", 'the "cow"'],
    }
    write_routing_csv(path, ["a.png", "b.png", "c.png"], ["accept", "contested", "label"], columns)
    assert read(path) == [
        ["id", "action", "confidence", "votes", "known", "label"],
        ["a.png", "accept", "0.123457", "3", "True", "cat"],
        ["b.png", "contested", "", "0", "False", "dög, wet"],
        ["c.png", "label", "1e-12", "10", "True", 'the "cow"'],
    ]


@pytest.mark.parametrize(
    "cell",
    ["=1+1", "+cmd|' /C calc'!A0", "-2+3+cmd|x", "@SUM(A1)", " =1+1", "=HYPERLINK(A1)", "-x"],
)
def test_formulas_are_disarmed(tmp_path, cell):
    path = tmp_path / "routing.csv"
    write_routing_csv(path, [cell], [cell], {cell: [cell]})
    assert read(path) == [["id", "action", f"'{cell}"], [f"'{cell}"] * 3]


@pytest.mark.parametrize("cell", ["-1", "+0.5", "-1e-05", "-.5", "a=b", "a.png", "", "<b>"])
def test_numbers_and_words_stay_as_they_are(cell):
    assert disarm(cell) == cell


@pytest.mark.parametrize(
    ("ids", "actions", "columns", "message"),
    [
        (["a", "a"], ["x", "y"], {}, "`ids` must be unique"),
        (["a", "b"], ["x"], {}, "`actions` must be 2 integers or strings"),
        (["a", "b"], ["x", "y"], {"score": [1.0]}, r"`columns\['score'\]` must be 2 numbers"),
        (["a", "b"], ["x", "y"], {"score": [1j, 2j]}, r"`columns\['score'\]` must be 2 numbers"),
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(tmp_path, ids, actions, columns, message):
    with pytest.raises(ValueError, match=message):
        write_routing_csv(tmp_path / "routing.csv", ids, actions, columns)
    assert not list(tmp_path.iterdir())
