"""The table of references: what can be computed here agrees, and no metric is missing."""

import inspect
import pathlib

import pytest

import metric_references
from hetero_unc import metrics
from reference_problem import Problem


def test_every_metric_has_a_reference_or_a_test_of_its_draws():
    named = set(metric_references.RANDOM)
    for name, *_ in metric_references.ROWS:
        named |= set(name.replace(",", " ").split())
    public = {name: getattr(metrics, name) for name in metrics.__all__}
    expected = {name for name, value in public.items() if inspect.isfunction(value)}
    expected |= {name for name in public if name.endswith("Calibrator")}
    assert expected <= named
    folder = pathlib.Path(__file__).parents[1] / "metrics"
    for name, test in metric_references.RANDOM.items():
        assert name in (folder / test).read_text(encoding="utf-8")


@pytest.mark.parametrize("row", metric_references.ROWS, ids=lambda row: f"{row[0]}-{row[1]}")
def test_metrics_equal_what_is_installed_here(row, monkeypatch):
    monkeypatch.setattr(metric_references, "ROWS", [row])
    ((name, _, within, difference),) = metric_references.compare(range(2))
    if difference is None:
        # PyTorch is not a dependency of the tests: the script says so and leaves the row out.
        assert row[2], name
    else:
        assert difference <= within


def test_a_metric_that_is_wrong_is_named(monkeypatch, capsys):
    def wrong(problem):
        return problem.confidence, problem.confidence + 0.1

    row = ("accuracy", "a wrong one", (), 1e-5, wrong)
    monkeypatch.setattr(metric_references, "ROWS", [row])
    assert metric_references.main() == 1
    assert "not equal: accuracy" in capsys.readouterr().out


def test_a_problem_is_the_same_for_the_same_seed():
    assert (Problem(3).votes == Problem(3).votes).all()
    assert (Problem(3).votes != Problem(4).votes).any()
