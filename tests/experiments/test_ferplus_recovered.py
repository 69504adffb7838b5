"""The authors' own outputs: what they printed comes out, and what is damaged is named."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import ferplus_recovered
import recovered_figures
from ferplus_recovered import SHAPES, read_recovered
from recovered_figures import LEFT_OUT_BY_EPISTEMIC, Figure, kept_rows

ONES = {name: np.ones(shape, np.int32) for name, shape in SHAPES.items()}


@pytest.fixture(scope="session")
def published_folder(real_ferplus):
    """Folder that holds FER+ and `recovered.npz`; the test is skipped without them."""
    folder = Path(os.environ["HETERO_UNC_DATA"])
    try:
        read_recovered(folder)
    except FileNotFoundError:
        pytest.skip("HETERO_UNC_DATA holds no recovered.npz: no outputs of the authors")
    return folder


@pytest.fixture
def loaded_once(monkeypatch, real_ferplus):
    monkeypatch.setattr(ferplus_recovered, "load_ferplus", lambda folder: real_ferplus)


def test_a_list_names_all_rows_of_a_forecast_that_is_listed_for_each_of_them():
    forecasts = np.array([[0.1], [0.2], [0.1], [0.3], [0.1], [0.2]])
    order = np.array([3, 9, 1, 0, 2, 8])
    assert kept_rows([3, 0, 0, 0], forecasts, order).tolist() == [0, 2, 3, 4]
    assert kept_rows([0, 3, 0], forecasts, order).tolist() == [2, 3, 4]
    assert kept_rows([1, 0, 3], forecasts, order).tolist() == [2, 3, 5]
    assert kept_rows([5, 1], forecasts, order).tolist() == [1, 5]


def test_a_figure_agrees_in_every_printed_digit_or_not():
    assert Figure("x", "here", "0.120", 0.1204).agrees
    assert not Figure("x", "here", "0.120", 0.1206).agrees
    assert Figure("x", None, None, 0.5).agrees is None
    assert Figure("x", None, None, 305).recomputed == "305"


@pytest.mark.real_data
def test_all_that_was_printed_comes_out_to_the_digit(published_folder, loaded_once, tmp_path):
    result = ferplus_recovered.run(published_folder, tmp_path)
    printed = [figure for figure in result["figures"] if figure["exact"] and figure["printed"]]
    assert len(printed) == 35
    for figure in printed:
        assert figure["recomputed"] == figure["printed"], figure["words"]
    by_authors = [figure for figure in printed if "earlier" not in figure["source"]]
    assert len(by_authors) == 20
    assert result["all_agree"]
    assert json.loads((tmp_path / "recovered.json").read_text()) == result


@pytest.mark.real_data
def test_other_dropout_passes_move_correlations_by_less_than_half_a_thousandth(
    published_folder, loaded_once, tmp_path
):
    figures = ferplus_recovered.run(published_folder, tmp_path)["figures"]
    others = [figure for figure in figures if not figure["exact"]]
    assert len(others) == 2
    for figure in others:
        assert abs(figure["value"] - float(figure["printed"])) < 5e-4, figure["words"]


@pytest.mark.real_data
def test_four_different_images_have_one_forecast(published_folder, real_ferplus):
    protocol = ferplus_recovered.paper_nine_columns(real_ferplus)
    test = protocol.among(real_ferplus.rows_of("PublicTest"))
    forecast = read_recovered(published_folder)["baseline_probabilities_test"]
    same = np.flatnonzero((forecast == forecast[LEFT_OUT_BY_EPISTEMIC]).all(axis=1))
    assert same.tolist() == [1850, 2562, 2790, 3413]
    images = real_ferplus.images[test.rows[same]].reshape(4, -1).astype(int)
    assert np.abs(images[:, None] - images).mean(axis=-1)[~np.eye(4, dtype=bool)].min() > 20


@pytest.mark.real_data
def test_only_one_of_four_choices_gives_what_was_printed_of_epistemic(
    published_folder, loaded_once, tmp_path, monkeypatch
):
    agreeing = []
    for row in (1850, 2562, 2790, 3413):
        monkeypatch.setattr(recovered_figures, "LEFT_OUT_BY_EPISTEMIC", row)
        figures = ferplus_recovered.run(published_folder, tmp_path)["figures"]
        agreeing += [row] * all(f["agrees"] for f in figures if "least epistemic" in f["words"])
    assert agreeing == [LEFT_OUT_BY_EPISTEMIC]


@pytest.mark.real_data
def test_one_altered_forecast_is_noticed(
    published_folder, loaded_once, tmp_path, monkeypatch, capsys
):
    arrays = read_recovered(published_folder)
    arrays["baseline_probabilities_test"][0] = np.eye(9, dtype=np.float32)[8]
    monkeypatch.setattr(ferplus_recovered, "read_recovered", lambda folder: arrays)
    with pytest.raises(ValueError, match="differs from what was printed"):
        ferplus_recovered.main(["--data-dir", str(published_folder), "--out", str(tmp_path)])
    assert "differ" in capsys.readouterr().out


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"must hold recovered\.npz, itself or in a folder"):
        read_recovered(tmp_path)


@pytest.mark.parametrize("inside", [".", "uncnet"])
def test_arrays_of_the_right_shape_are_read_and_others_refused(tmp_path, inside):
    (tmp_path / inside).mkdir(exist_ok=True)
    path = tmp_path / inside / "recovered.npz"
    np.savez(path, **ONES)
    assert set(read_recovered(tmp_path)) == set(SHAPES)
    np.savez(path, **{**ONES, "uncnet_total_test": np.ones(7)})
    with pytest.raises(ValueError, match=r"must hold arrays of these shapes.*'uncnet_total_test'"):
        read_recovered(tmp_path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="is not a whole npz of the authors' outputs"):
        read_recovered(tmp_path)


def test_the_table_says_what_is_the_same_and_what_is_not(capsys):
    figures = [
        Figure("one", "there", "0.5", 0.5),
        Figure("two", "there", "0.5", 0.7),
        Figure("three", "there", "0.5", 0.7, exact=False),
        Figure("four", None, None, 0.25),
    ]
    deciles = {"brier": {"printed": ["0.1"] * 10, "recomputed": ["0.2"] * 10}}
    result = {"protocol": "p", "statement": "s", "deciles": deciles}
    result["figures"] = [figure.as_json() for figure in figures]
    ferplus_recovered.show(result, Console(width=120))
    lines = capsys.readouterr().out.splitlines()
    ends = ("same there", "differ there", "other dropout passes there", "0.2500")
    for word, end in zip(("one", "two", "three", "four"), ends, strict=True):
        (line,) = [line for line in lines if line.startswith(word)]
        assert " ".join(line.split()).endswith(end)
    assert any(line.startswith("Brier score") and "differ" in line for line in lines)
