"""Models on disk: whole, in safe mode, or refused by name."""

import os

import keras
import numpy as np
import pytest

from hetero_unc.layers import GaussianLogits, LogExpectedSoftmax
from hetero_unc.training import load_model, save_model

INPUTS = np.ones((2, 4), "float32")


@pytest.fixture
def path(tmp_path):
    model = keras.Sequential([keras.Input((4,)), GaussianLogits(3), LogExpectedSoftmax(9)])
    save_model(model, tmp_path / "model.keras")
    return tmp_path / "model.keras"


def test_a_model_comes_back(path):
    model = load_model(path)
    save_model(model, path)
    np.testing.assert_array_equal(
        load_model(path).predict(INPUTS, verbose=0), model.predict(INPUTS, verbose=0)
    )
    assert os.listdir(path.parent) == ["model.keras"]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_model_is_refused_by_name(path, share):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match=r"model\.keras is not a whole model"):
        load_model(path)


def test_an_altered_model_is_refused_by_name(path):
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :])
    with pytest.raises(ValueError, match=r"model\.keras is not a whole model"):
        load_model(path)


def test_a_missing_model_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"model\.keras"):
        load_model(tmp_path / "model.keras")


def test_code_is_not_run(tmp_path):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: 2 * x)])
    model.save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match=r"(?s)model\.keras is not .*[Ll]ambda"):
        load_model(tmp_path / "model.keras")


def test_a_full_disk_leaves_the_previous_model(path, monkeypatch):
    whole = path.read_bytes()

    def refuse(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(OSError, match=r"Cannot write .*model\.keras: No space left"):
        save_model(load_model(path), path)
    assert path.read_bytes() == whole
    assert os.listdir(path.parent) == ["model.keras"]
