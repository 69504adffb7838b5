"""The paper's small networks: their settings, how an epoch is chosen, and what a run leaves."""

import dataclasses
import json
import os
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import ferplus
import ferplus_paper
import ferplus_paper_training
import ferplus_units
from ferplus_paper_runs import METHODS, WITHOUT_PASSES, PaperRun, runs_of
from ferplus_paper_training import compiled_model, labels_of, train
from hetero_unc.data import load_synthetic_faces
from hetero_unc.models import load_weights, save_weights
from hetero_unc.predictive import Predictive

ROOT = Path(__file__).parents[2]
BASE = {"dataset": "drawn", "digest": "0", "features": "1"}
PAPER = ("baseline", "uncnet", "aleatoric", "both")


def test_the_published_recipe_takes_the_published_number_of_updates():
    runs = {run.method: run for run in runs_of("published", BASE)}
    assert tuple(runs) == PAPER
    # 28,559 images in whole batches of 90, as in the released code.
    batches = 28_559 // runs["baseline"].batch_size
    assert runs["baseline"].epochs * batches == 128_068
    assert runs["uncnet"].epochs * batches == 259_940
    assert (runs["baseline"].learning_rate, runs["uncnet"].learning_rate) == (1e-4, 1e-5)
    assert {run.preprocessing for run in runs.values()} == {"published_nearest"}
    assert {(run.clip, run.passes, run.chosen_by) for run in runs.values()} == {(5, 100, "last")}


def test_the_corrected_recipe_trains_all_methods_alike_on_five_seeds():
    runs = runs_of("corrected", BASE)
    assert {run.seed for run in runs[:5]} == {0}, "the first seed of all comes first"
    assert len(runs) == 25
    same = {(run.learning_rate, run.epochs, run.patience, run.preprocessing) for run in runs}
    assert same == {(1e-4, 400, 25, "standardised")}
    trained = {run.method for run in runs}
    assert trained | set(WITHOUT_PASSES) == set(METHODS)
    assert trained.isdisjoint(WITHOUT_PASSES)


def test_every_run_has_a_folder_of_its_own_and_presets_share_runs():
    presets = ("published", "corrected", "endpoints", "inputs", "rates")
    runs = {run for preset in presets for run in runs_of(preset, BASE)}
    assert len({run.name for run in runs}) == len(runs)
    assert len(runs) == 4 + 25 + 5 + 4 + 6 * 6, "the corrected rate at each endpoint is there once"
    short = {dataclasses.replace(run, epochs=60) for run in runs}
    assert len({run.name for run in runs | short}) == 2 * len(runs), "and so has a shorter one"


def test_every_rate_of_the_authors_is_tried_at_every_endpoint_and_the_papers_comes_first():
    runs = runs_of("rates", BASE)
    assert len({(run.endpoint, run.learning_rate) for run in runs}) == len(runs) == 6 * 7
    assert {run.learning_rate for run in runs} == {5e-6, 1e-5, 5e-5, 1e-4, 1e-3, 1e-2, 1e-1}
    assert {run.endpoint for run in runs[:7]} == {"Mixed_7a"}
    assert runs[0].name == "drawn-uncnet-corrected-seed0"
    assert runs[1].name == "drawn-uncnet-corrected-rate0.001-seed0"


def test_both_commands_compute_the_same_features_so_that_each_goes_on_with_the_others_runs(
    monkeypatch, tmp_path
):
    asked = []

    def remember(data, trunk, folder, **_):
        asked.append(trunk)
        return types.SimpleNamespace(digest="1")

    def trained(run, data, features, folder):
        return tmp_path / run.name

    for module in (ferplus, ferplus_paper):
        monkeypatch.setattr(module, "features_of", remember)
        monkeypatch.setattr(module, "carry_out", trained)
    monkeypatch.setattr(ferplus, "average_of_equals", lambda folders, out: out)
    options = types.SimpleNamespace(weights=None, out=tmp_path)
    results = types.SimpleNamespace(add=lambda folder: None)
    data = types.SimpleNamespace(digest="0")
    ferplus.carry_out_paper("full", "ferplus", data, options, results)
    together = set(asked)
    asked.clear()
    monkeypatch.setattr(ferplus_paper, "load_ferplus", lambda folder: data)
    for preset in ("published", "corrected", "endpoints", "inputs"):
        ferplus_paper.main(["--preset", preset, "--out", str(tmp_path)])
    assert set(asked) == together


def test_dropout_stands_where_code_and_text_of_the_paper_have_it():
    def layers(method):
        run = PaperRun(method, "corrected", 0, **BASE)
        return [type(layer).__name__ for layer in compiled_model(run, 6).layers]

    assert layers("uncnet")[1] == "Dense"
    assert layers("uncnet_input_dropout")[1:] == ["Dropout", *layers("uncnet")[1:]]


def test_weights_of_every_method_fit_a_network_made_later(tmp_path):
    for method in (*PAPER, "uncnet_input_dropout", "gaussian_marginal", "gaussian_votes"):
        run = PaperRun(method, "corrected", 0, **BASE)
        first, later = compiled_model(run, 6), compiled_model(run, 6)
        for weight in first.trainable_weights:
            weight.assign(weight + 1.0)
        save_weights(first, tmp_path / f"{method}.npz")
        load_weights(later, tmp_path / f"{method}.npz")
        for one, other in zip(first.trainable_weights, later.trainable_weights, strict=True):
            np.testing.assert_array_equal(one, other)


def test_votes_are_trained_on_as_counts_or_as_shares():
    data = load_synthetic_faces(100)
    rows = np.array([3, 5])

    def labels(method):
        run = PaperRun(method, "corrected", 0, **BASE)
        return labels_of(run, data, rows)

    np.testing.assert_array_equal(labels("gaussian_votes"), data.votes[rows, :9])
    np.testing.assert_allclose(labels("uncnet"), data.votes[rows, :9] / 10, rtol=1e-6)


def small_problem():
    """Random features without any rule, so that the validation loss rises before long."""
    rng = np.random.default_rng(0)
    data = types.SimpleNamespace(votes=rng.multinomial(10, np.full(10, 0.1), size=60))
    images = rng.normal(size=(60, 1, 1, 8)).astype("float32")
    parts = {"training": np.arange(40), "validation": np.arange(40, 60)}
    settings = {"epochs": 12, "every": 2, "patience": 4, "learning_rate": 0.02, "batch_size": 20}
    return PaperRun("uncnet", "corrected", 0, **BASE, **settings), data, images, parts


def test_the_epoch_of_the_smallest_validation_loss_is_chosen_also_after_a_stop(
    tmp_path, monkeypatch
):
    run, data, images, parts = small_problem()
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    model, chosen = train(run, data, images, parts, whole)
    rows = np.genfromtxt(whole / "history.csv", delimiter=",", names=True)
    assert chosen == rows["epoch"][np.nanargmin(rows["val_loss"])]
    assert len(rows) == min(run.epochs, chosen + run.patience)
    labels = labels_of(run, data, parts["validation"])
    found = model.evaluate(images[parts["validation"]], labels, verbose=0)
    assert found == pytest.approx(np.nanmin(rows["val_loss"]), rel=1e-4)

    def killed(model, path):
        raise KeyboardInterrupt

    monkeypatch.setattr(ferplus_paper_training, "save_weights", killed)
    with pytest.raises(KeyboardInterrupt):
        train(run, data, images, parts, stopped)
    monkeypatch.undo()
    again, same = train(run, data, images, parts, stopped)
    assert same == chosen
    for one, other in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    assert [path.name for path in stopped.glob("best-*")] == [f"best-{chosen:05d}.npz"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("paper")
    smoke(out)
    return out


def smoke(out):
    command = [sys.executable, "experiments/ferplus_paper.py", "--preset", "smoke", "--out", out]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.end_to_end
def test_every_run_leaves_predictions_of_the_rows_of_each_part(finished):
    data = load_synthetic_faces(300)
    folders = {path.name for path in finished.glob("synthetic-*")}
    corrected = {"baseline", "uncnet", "aleatoric", "both", "gaussian_votes"}
    assert folders == {f"synthetic-{name}-corrected-3epochs-seed0" for name in corrected} | {
        "synthetic-baseline-published-3epochs-seed0",
        "synthetic-aleatoric-published-3epochs-seed0",
    }
    usages = {"validation": "Training", "publictest": "PublicTest", "privatetest": "PrivateTest"}
    for folder in sorted(finished.glob("synthetic-*")):
        config = json.loads((folder / "config.json").read_text())["config"]
        assert (config["digest"], config["dataset"]) == (data.digest, "synthetic")
        for path in folder.glob("predictive-*.npz"):
            predictive = Predictive.load(path)
            split = path.stem.split("-")[1]
            assert set(data.usage[predictive.ids]) == {usages[split]}, path
            if split != "validation":
                rows = data.rows_of(usages[split])
                np.testing.assert_array_equal(predictive.ids, rows)
            passes = 1 if path.stem.endswith("deterministic") else 5
            assert predictive.probabilities.shape == (passes, len(predictive), 9)
            gaussian = config["method"] in ("aleatoric", "both", "gaussian_votes")
            assert (predictive.scale is not None) == gaussian
        trained_on_a_part = config["recipe"] == "corrected"
        assert (folder / "predictive-validation-deterministic.npz").exists() == trained_on_a_part
        assert (folder / "history.csv").exists()


@pytest.mark.end_to_end
def test_without_passes_it_is_the_same_network_to_the_bit(finished):
    for method, same in WITHOUT_PASSES.items():
        here, there = (
            finished / f"synthetic-{name}-corrected-3epochs-seed0" for name in (method, same)
        )
        name = "predictive-publictest-deterministic.npz"
        assert (here / name).read_bytes() == (there / name).read_bytes()
        assert not (here / "predictive-publictest.npz").exists()


@pytest.mark.end_to_end
def test_a_second_call_computes_nothing(finished):
    def written():
        return {
            path: path.stat().st_mtime_ns for path in finished.rglob("predictive-*[ct]test.npz")
        }

    before = written()
    assert "epoch" not in smoke(finished).stderr
    assert written() == before


@pytest.mark.end_to_end
def test_units_that_fire_are_those_with_a_positive_sum_for_any_face(finished):
    ferplus_units.main([str(finished)])
    rows = {row["run"]: row for row in json.loads((finished / "units.json").read_text())}
    name = "synthetic-baseline-published-3epochs-seed0"
    assert rows.keys() == {path.parent.name for path in finished.glob("*/best-*.npz")}
    config = json.loads((finished / name / "config.json").read_text())["config"]
    [features] = finished.glob(f"features/{config['features'][:16]}/Mixed_7a/*.npz")
    seen = np.load(features)["features"].astype(np.float32)
    faces = load_synthetic_faces(300)
    seen = seen[faces.rows_of("PublicTest")]
    weights = np.load(next((finished / name).glob("best-*.npz")))
    kernel = next(weights[key] for key in weights.files if weights[key].shape == (1792, 128))
    bias = next(weights[key] for key in weights.files if weights[key].shape == (128,))
    assert rows[name]["features_mean"] == pytest.approx(seen.mean(), rel=1e-5)
    assert rows[name]["units_that_fire"] == (seen @ kernel + bias > 0).any(axis=0).sum()
