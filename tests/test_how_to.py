"""The how-to pages: their examples run as they stand, one after another."""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

from hetero_unc.data import read_predictions

FOLDER = Path(__file__).parents[1] / "docs" / "how_to"
PAGE = FOLDER / "predictions_of_any_model.md"


def examples():
    """Code by the heading above it."""
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    found = {}
    for section in sections:
        code = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)
        if code:
            (found[section.splitlines()[0]],) = code
    return found


def script_of(name):
    """All Python of a page, as one script."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    return "\n".join(re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL))


def run(code, folder):
    script = folder / "example.py"
    script.write_text(code, encoding="utf-8")
    return runpy.run_path(str(script))


def test_the_forest_and_its_votes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run(examples()["scikit-learn"], tmp_path)
    predictions = read_predictions("predictions.npz")

    images, labels = load_digits(return_X_y=True)
    train, test = train_test_split(np.arange(len(images)), test_size=0.3, random_state=0)
    forest = RandomForestClassifier(n_estimators=20, min_samples_leaf=5, random_state=0)
    forest.fit(images[train], labels[train])
    assert predictions.probabilities.shape == (20, len(test), 10)
    assert predictions.classes == tuple("0123456789")
    assert predictions.ids.tolist() == [f"digit-{row}" for row in test]
    np.testing.assert_allclose(
        predictions.probabilities.mean(axis=0), forest.predict_proba(images[test]), atol=1e-12
    )

    rows = [f"digit-{row},ann,{labels[row]}\ndigit-{row},bob,unsure" for row in test[:-3]]
    Path("votes.csv").write_text("\n".join(["image,annotator,label", *rows]), encoding="utf-8")
    names = run(examples()["The votes beside it"], tmp_path)
    np.testing.assert_array_equal(
        names["matched"].vote_table.votes.argmax(axis=1), labels[test[:-3]]
    )
    assert capsys.readouterr().out == f"{len(test) - 3} items, 3 without votes\n"


def test_tables_of_the_page_are_read(tmp_path):
    blocks = re.findall(r"```\n(id,pass,.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    (table,) = blocks
    path = tmp_path / "predictions.csv"
    path.write_text(table, encoding="utf-8")
    found = read_predictions(path).probabilities
    np.testing.assert_array_equal(found[..., 0], [[0.9, 0.2], [0.7, 0.4]])


def test_passes_of_a_pytorch_model(tmp_path):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Linear(4, 64), torch.nn.BatchNorm1d(64), torch.nn.Dropout(0.5),
        torch.nn.Linear(64, 3),
    )  # fmt: skip
    before = {name: value.clone() for name, value in model.state_dict().items()}
    passes = run(examples()["PyTorch"], tmp_path)["probabilities_of_passes"]
    batches = [torch.randn(5, 4), torch.randn(2, 4)]
    found = passes(model, batches, passes=4)
    assert found.shape == (4, 7, 3)
    np.testing.assert_allclose(found.sum(axis=-1), 1, rtol=1e-6)
    assert (np.ptp(found, axis=0) > 0).all()
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def test_predictions_of_a_keras_model(tmp_path):
    keras = pytest.importorskip("keras")
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(16),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    images = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    save = run(examples()["Keras"], tmp_path)["save_predictions"]
    save(model, images, ids=list("abcde"), path=tmp_path / "predictions.npz")
    found = read_predictions(tmp_path / "predictions.npz")
    assert found.probabilities.shape == (20, 5, 3)
    assert found.ids.tolist() == list("abcde")
    assert (np.ptp(found.probabilities, axis=0) > 0).all()


def test_the_audit_from_python(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(3), size=200)
    votes = np.array([rng.multinomial(5, row) for row in probabilities])
    ids = [f"item-{row}" for row in range(len(votes))]
    split = np.where(np.arange(len(votes)) < 100, "validation", "test")
    monkeypatch.chdir(tmp_path)
    np.savez("predictions.npz", probabilities=probabilities, ids=ids, classes=["a", "b", "c"])
    rows = [",".join([i, *map(str, row), s]) for i, row, s in zip(ids, votes, split, strict=True)]
    Path("votes.csv").write_text("\n".join(["image,a,b,c,split", *rows]), encoding="utf-8")
    found = run(script_of("audit.md"), tmp_path)["result"].headline_numbers["accuracy"]
    # Of tied classes, each earns its part.
    most = votes == votes.max(axis=1, keepdims=True)
    earned = most[np.arange(len(votes)), probabilities.argmax(axis=1)] / most.sum(axis=1)
    np.testing.assert_allclose(found, earned[100:].mean(), atol=1e-12)


def test_the_head_in_a_keras_project(tmp_path, monkeypatch, capsys):
    keras = pytest.importorskip("keras")
    monkeypatch.chdir(tmp_path)
    keras.utils.set_random_seed(0)
    names = run(script_of("keras.md"), tmp_path)
    assert "epistemic" in capsys.readouterr().out
    images, labels = names["images"][1500:], names["labels"][1500:]
    for name in ("model", "voted"):
        once = names["predict"](names[name], images).probabilities[0]
        assert np.mean(once.argmax(axis=1) == labels) > 0.8
    saved = read_predictions("predictive.npz").probabilities.mean(axis=0)
    np.testing.assert_allclose(saved, names["doubt"].probabilities, atol=1e-6)


def test_an_answer_depends_on_the_image_alone(tmp_path, monkeypatch):
    pytest.importorskip("keras")
    from hetero_unc.layers import GaussianLogits
    from hetero_unc.models import small_cnn

    monkeypatch.chdir(tmp_path)
    small_cnn(GaussianLogits(3), input_shape=(8, 8, 1), seed=1).save("model.keras")
    answer = run(script_of("service.md"), tmp_path)["answer"]
    images = np.random.default_rng(0).random((5, 8, 8, 1), dtype=np.float32)
    together, alone = answer(images), answer(images[3:4])
    assert (together["epistemic"] > 0).all()
    for name, values in together.items():
        np.testing.assert_allclose(alone[name], values[3:4], atol=1e-5, err_msg=name)
