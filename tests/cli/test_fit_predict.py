"""From a folder of images and a csv of votes to predictions that the audit reads."""

import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from hetero_unc.cli.fit import roles_of
from hetero_unc.cli.main import main
from hetero_unc.data import load_synthetic_faces, read_predictions, read_votes
from hetero_unc.data.image_folder import ImageFolder, find_images
from hetero_unc.locking import locked

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


def test_equal_files_stay_on_one_side(faces, trained):
    settings = json.loads((trained / "classifier.json").read_text())
    both = {"0.png", "more/1.png"}  # drawn from one row
    assert both <= settings["training"].keys() or both <= settings["validation"].keys()
    table = read_votes(faces / "votes.csv")
    rng = np.random.default_rng(0)
    for seed in range(100):
        digests = rng.integers(0, 12, ITEMS).astype(str)
        roles = roles_of(table, digests, 0.2, seed)
        assert sorted([*roles.training, *roles.validation]) == list(range(ITEMS))
        assert not {*digests[roles.training]} & {*digests[roles.validation]}


def test_predictions_are_of_every_image_and_readable(faces, predicted):
    predictions = read_predictions(predicted)
    assert predictions.probabilities.shape == (7, ITEMS, 3)
    assert predictions.classes == CLASSES
    assert sorted(predictions.ids) == sorted(
        path.relative_to(faces / "images").as_posix() for path in (faces / "images").rglob("*.png")
    )
    assert predictions.scale.shape == predictions.loc.shape == (7, ITEMS, 3)
    assert not predicted.with_name("predictions.npz.parts").exists()


def test_what_was_trained_on_is_known_again_by_its_content(faces, trained, predicted):
    predictions = read_predictions(predicted)
    training = json.loads((trained / "classifier.json").read_text())["training"]
    assert set(predictions.ids[predictions.trained_on]) == set(training)
    assert 0 < predictions.trained_on.sum() < ITEMS

    folder = trained.parent / "other"
    folder.mkdir()
    for number, name in enumerate(predictions.ids):
        shutil.copy(faces / "images" / name, folder / f"renamed{number:02d}.png")
    out = trained.parent / "other.npz"
    assert main(["predict", str(trained), str(folder), "--passes", "2", "--out", str(out)]) == 0
    np.testing.assert_array_equal(read_predictions(out).trained_on, predictions.trained_on)


def test_the_estimator_predicts_what_the_commands_do(faces, trained, predicted):
    from hetero_unc.classifier import HeteroscedasticClassifier

    predictions = read_predictions(predicted)
    table = read_votes(faces / "votes.csv")
    votes_of = dict(zip(table.ids, table.votes, strict=True))
    training = list(json.loads((trained / "classifier.json").read_text())["training"])

    def images(ids):
        return ImageFolder(find_images(faces / "images", ids), size=(16, 16), channels=1)

    classifier = HeteroscedasticClassifier("dense", epochs=2, batch_size=16, passes=7)
    classifier.fit(images(training), np.array([votes_of[name] for name in training]))
    found = classifier.predict_passes(images(predictions.ids))
    np.testing.assert_allclose(found.probabilities, predictions.probabilities, atol=1e-6)
    np.testing.assert_allclose(found.loc, predictions.loc, atol=1e-5)
    summary = classifier.predict_uncertainty(images(predictions.ids))
    np.testing.assert_array_equal(summary.total, found.summarise().total)


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


def test_a_file_that_another_process_is_predicting_is_refused(faces, trained, capsys):
    out = trained.parent / "busy.npz"
    parts = out.with_name("busy.npz.parts")
    parts.mkdir()
    command = ["predict", str(trained), str(faces / "images"), "--out", str(out), "--passes", "2"]
    with locked(parts):
        assert main(command) == 2
    assert f"Another process is at work in {parts}: process " in capsys.readouterr().err
    assert [path.name for path in parts.iterdir()] == ["lock"]
    assert not out.exists()
    assert main(command) == 0
    assert not parts.exists()


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
    assert list(settings["training"]) == [row[0] for row in rows[:30]]
    assert list(settings["validation"]) == [row[0] for row in rows[30:35]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--backbone", "NoSuchNet"), "`backbone` must be one of"),
        (("--validation-share", "1"), "`--validation-share` must be"),
        (("--size", "0"), "each side of `size`"),
        (("--rank", "3"), "`rank`"),
        (("--epochs", "0"), "`epochs`"),
        (("--dropout", "0"), "`dropout` must be above 0"),
        (("--learning-rate", "0"), "`learning_rate` must be above 0"),
        (("--seed", "-1"), "`seed` must be"),
        (("--batch-size", "0"), "`batch_size`"),
        (("--backbone", "none.keras"), "none.keras: No such file"),
    ],
)
def test_bad_options_are_named_and_leave_no_model(faces, tmp_path, capsys, options, message):
    assert fit(faces, tmp_path / "run", *options) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run" / "model.keras").exists()
    # Corrected, the same command goes through in the same folder.
    assert not (tmp_path / "run" / "config.json").exists()


def test_a_number_that_is_none_is_wrong_usage(faces, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        fit(faces, tmp_path / "run", "--learning-rate", "nan")
    assert stopped.value.code == 2
    assert "argument --learning-rate: invalid finite value: 'nan'" in capsys.readouterr().err


def test_an_image_that_is_missing_is_named_before_training(faces, tmp_path, capsys):
    (faces / "missing.csv").write_text("image,a,b\nnone.png,1,2\n../votes.csv,1,1\n0.png,3,1\n")
    assert fit(faces, tmp_path / "run", votes="missing.csv") == 2
    error = capsys.readouterr().err
    assert "2 of 3 without" in error
    assert "'none.png': no such file" in error
    assert "'../votes.csv': outside the folder" in error
    assert not (tmp_path / "run").exists()


def test_what_is_left_out_is_said(faces, tmp_path, capsys):
    rows = [f"{number}.png,{number},{20 - number},x" for number in range(0, 20, 2)]
    (faces / "rest.csv").write_text("\n".join(["image,a,b,[red]c", *rows, "20.png,,,y", "z,1"]))
    options = ("--classes", "a,b", "--skip-bad-rows", "--epochs", "1")
    assert fit(faces, tmp_path / "run", *options, votes="rest.csv") == 0
    out = capsys.readouterr().out
    assert "Note: 1 items without a vote were left out." in out
    assert "Note: 1 rows of the votes could not be used." in out
    assert "Note: Columns that were not used: [red]c." in out
    assert (faces / "rest.bad-rows.csv").read_text().splitlines()[1].startswith("line 13,")


def test_another_split_is_another_run(faces, tmp_path, capsys):
    for name, words in (("one.csv", ("train", "val")), ("two.csv", ("val", "train"))):
        rows = [f"{number}.png,1,2,{words[number % 4 == 0]}" for number in range(0, 20, 2)]
        (faces / name).write_text("\n".join(["image,a,b,split", *rows]))
    assert fit(faces, tmp_path / "run", votes="one.csv") == 0
    assert fit(faces, tmp_path / "run", votes="two.csv") == 2
    assert "holds a run of another configuration: data:" in capsys.readouterr().err


def test_a_run_folder_in_use_is_named_in_a_line(faces, tmp_path, capsys):
    from hetero_unc.training import open_run_folder

    with open_run_folder(tmp_path / "run", {}):
        assert fit(faces, tmp_path / "run") == 2
    assert "Another process is at work in" in capsys.readouterr().err


def test_a_folder_without_images_is_named(trained, tmp_path, capsys):
    assert main(["predict", str(trained), str(tmp_path), "--out", str(tmp_path / "x.npz")]) == 2
    assert f"Received: {tmp_path} with none" in capsys.readouterr().err


def test_a_damaged_image_is_named_before_training(faces, tmp_path, capsys):
    shutil.copytree(faces / "images", tmp_path / "images")
    whole = (tmp_path / "images" / "8.png").read_bytes()
    (tmp_path / "images" / "8.png").write_bytes(whole[: len(whole) // 2])
    shutil.copy(faces / "votes.csv", tmp_path)
    assert fit(tmp_path, tmp_path / "run", "--batch-size", "1") == 2
    assert "are not: 8.png: image file is truncated" in capsys.readouterr().err


def test_no_link_leads_out_of_the_folder(faces, trained, tmp_path, capsys):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "link.png").symlink_to(faces / "images" / "2.png")
    command = ["predict", str(trained), str(tmp_path / "images"), "--out", str(tmp_path / "x.npz")]
    assert main(command) == 2
    assert "'link.png': outside the folder" in capsys.readouterr().err


def test_a_folder_that_is_no_run_is_refused(faces, tmp_path, capsys):
    command = ["predict", str(tmp_path), str(faces / "images"), "--out", "x.npz"]
    assert main(command) == 2
    assert "classifier.json" in capsys.readouterr().err


def test_ids_without_suffix_find_their_predictions(faces, predicted, tmp_path, capsys):
    with open(faces / "votes.csv", newline="") as file:
        header, *rows = csv.reader(file)
    with open(tmp_path / "votes.csv", "w", newline="") as file:
        csv.writer(file).writerows([header, *([row[0][:-4], *row[1:]] for row in rows)])
    command = ["audit", str(predicted), "--votes", str(tmp_path / "votes.csv")]
    assert main([*command, "--out", str(tmp_path), "--resamples", "20"]) == 0
    assert f"{ITEMS} ids are alike but for the suffix" in " ".join(capsys.readouterr().out.split())


def test_the_audit_judges_by_what_was_not_trained_on(faces, trained, predicted, tmp_path):
    command = ["audit", str(predicted), "--votes", str(faces / "votes.csv"), "--out", str(tmp_path)]
    assert main([*command, "--resamples", "20"]) == 0
    roles = json.loads((tmp_path / "audit.json").read_text())["inputs"]["roles"]
    settings = json.loads((trained / "classifier.json").read_text())
    assert roles["training"] == len(settings["training"])
    assert roles["evaluated"] + roles["validation"] == len(settings["validation"])


def test_the_audit_reads_them_and_shows_the_pictures(faces, predicted, tmp_path):
    command = ["audit", str(predicted), "--votes", str(faces / "votes.csv"), "--out", str(tmp_path)]
    assert main([*command, "--images", str(faces / "images"), "--resamples", "20"]) == 0
    page = (tmp_path / "audit.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg") >= ITEMS
    with open(tmp_path / "routing.csv", newline="") as file:
        assert {row["id"] for row in csv.DictReader(file)} == set(read_predictions(predicted).ids)
