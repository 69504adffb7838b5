"""From a folder of images and a csv of votes to predictions that the audit reads."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from hetero_unc.cli.main import main
from hetero_unc.data import load_synthetic_faces, read_predictions

pytestmark = pytest.mark.end_to_end

CLASSES = ("neutral", "happiness", "surprise")
ITEMS = 40


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """A folder of drawn faces, two of them equal, and their votes."""
    folder = tmp_path_factory.mktemp("faces")
    data = load_synthetic_faces(100)
    (folder / "images" / "more").mkdir(parents=True)
    rows = [("image", *CLASSES)]
    for number in range(ITEMS):
        name = f"more/{number}.png" if number % 2 else f"{number}.png"
        Image.fromarray(data.images[max(number, 1), ..., 0]).save(folder / "images" / name)
        rows.append((name, *(data.votes[number, :3] + 1)))
    with open(folder / "votes.csv", "w", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder


def fit(faces, out, *options, votes="votes.csv"):
    arguments = [str(faces / "images"), str(faces / votes), "--out", str(out)]
    small = ["--size", "16", "--grey", "--epochs", "2", "--batch-size", "16", "--backbone", "dense"]
    return main(["fit", *arguments, *small, *options])


@pytest.fixture(scope="module")
def trained(faces, tmp_path_factory):
    out = tmp_path_factory.mktemp("trained") / "run"
    assert fit(faces, out) == 0
    return out


@pytest.fixture(scope="module")
def predicted(faces, trained):
    out = trained.parent / "predictions.npz"
    command = ["predict", str(trained), str(faces / "images"), "--passes", "7", "--out", str(out)]
    assert main([*command, "--part", "16"]) == 0
    return out


def test_a_run_holds_model_history_and_settings(trained):
    settings = json.loads((trained / "classifier.json").read_text())
    assert settings["classes"] == list(CLASSES)
    assert len(settings["training"]) + len(settings["validation"]) == ITEMS
    assert {"model.keras", "history.csv", "metrics.json", "config.json"} <= {
        path.name for path in trained.iterdir()
    }


def test_equal_files_stay_on_one_side(faces, tmp_path):
    for seed in range(6):
        out = tmp_path / str(seed)
        assert fit(faces, out, "--epochs", "1", "--seed", str(seed)) == 0
        settings = json.loads((out / "classifier.json").read_text())
        both = {"0.png", "more/1.png"}  # drawn from one row
        assert both <= set(settings["training"]) or both <= set(settings["validation"])


def test_predictions_are_of_every_image_and_readable(faces, predicted):
    predictions = read_predictions(predicted)
    assert predictions.probabilities.shape == (7, ITEMS, 3)
    assert predictions.classes == CLASSES
    assert sorted(predictions.ids) == sorted(
        path.relative_to(faces / "images").as_posix() for path in (faces / "images").rglob("*.png")
    )
    assert predictions.scale.shape == predictions.loc.shape == (7, ITEMS, 3)
    assert not predicted.with_name("predictions.npz.parts").exists()


def test_the_table_of_items_says_what_the_predictions_say(predicted):
    predictions = read_predictions(predicted)
    with open(predicted.with_suffix(".csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == list(predictions.ids)
    mean = predictions.probabilities.mean(axis=0, dtype=float)
    np.testing.assert_allclose([float(row["confidence"]) for row in rows], mean.max(1), atol=2e-6)
    entropy = -(mean * np.log(mean)).sum(axis=1)
    np.testing.assert_allclose([float(row["total"]) for row in rows], entropy, atol=2e-6)


def test_a_stopped_prediction_goes_on_and_ends_the_same(faces, trained, predicted, monkeypatch):
    out = trained.parent / "again.npz"
    command = ["predict", str(trained), str(faces / "images"), "--passes", "7", "--out", str(out)]
    command += ["--part", "16"]
    calls = []

    from hetero_unc.inference import MonteCarloDropout

    whole = MonteCarloDropout.predict

    def stopping(self, images, **options):
        calls.append(len(images))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return whole(self, images, **options)

    monkeypatch.setattr(MonteCarloDropout, "predict", stopping)
    assert main(command) == 130
    assert not out.exists()
    assert main(command) == 0
    assert calls == [16, 16, 16, 8]
    first, second = read_predictions(predicted), read_predictions(out)
    assert np.array_equal(first.probabilities, second.probabilities)


def test_parts_of_other_settings_are_refused(faces, trained, capsys):
    out = trained.parent / "other.npz"
    parts = out.with_name("other.npz.parts")
    parts.mkdir()
    (parts / "settings.json").write_text('{"passes": 3}')
    command = ["predict", str(trained), str(faces / "images"), "--out", str(out), "--passes", "2"]
    assert main(command) == 2
    assert "which differ in ids, images, model, part, passes" in capsys.readouterr().err


def test_a_split_column_decides(faces, tmp_path):
    with open(faces / "votes.csv", newline="") as file:
        header, *rows = csv.reader(file)
    words = ["train"] * 30 + ["Valid"] * 5 + ["test"] * 5
    with open(faces / "split.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*header, "split"])
        writer.writerows([*row, word] for row, word in zip(rows, words, strict=True))
    assert fit(faces, tmp_path / "run", votes="split.csv") == 0
    settings = json.loads((tmp_path / "run" / "classifier.json").read_text())
    assert settings["training"] == [row[0] for row in rows[:30]]
    assert settings["validation"] == [row[0] for row in rows[30:35]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--backbone", "NoSuchNet"), "`backbone` must be one of"),
        (("--validation-share", "1"), "`--validation-share` must be"),
        (("--size", "0"), "each side of `size`"),
        (("--rank", "3"), "`rank`"),
        (("--epochs", "0"), "`epochs`"),
    ],
)
def test_bad_options_are_named_and_leave_no_model(faces, tmp_path, capsys, options, message):
    assert fit(faces, tmp_path / "run", *options) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run" / "model.keras").exists()


def test_an_image_that_is_missing_is_named_before_training(faces, tmp_path, capsys):
    (faces / "missing.csv").write_text("image,a,b\nnone.png,1,2\n../votes.csv,1,1\n0.png,3,1\n")
    assert fit(faces, tmp_path / "run", votes="missing.csv") == 2
    error = capsys.readouterr().err
    assert "2 of 3 without" in error
    assert "'none.png': no such file" in error
    assert "'../votes.csv': outside the folder" in error
    assert not (tmp_path / "run").exists()


def test_a_folder_that_is_no_run_is_refused(faces, tmp_path, capsys):
    command = ["predict", str(tmp_path), str(faces / "images"), "--out", "x.npz"]
    assert main(command) == 2
    assert "classifier.json" in capsys.readouterr().err


def test_the_audit_reads_them_and_shows_the_pictures(faces, predicted, tmp_path):
    command = ["audit", str(predicted), "--votes", str(faces / "votes.csv"), "--out", str(tmp_path)]
    assert main([*command, "--images", str(faces / "images"), "--resamples", "20"]) == 0
    page = (tmp_path / "audit.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg") >= ITEMS
    with open(tmp_path / "routing.csv", newline="") as file:
        assert {row["id"] for row in csv.DictReader(file)} == set(read_predictions(predicted).ids)
