"""The order in which data is looked for, each step announced, nothing asked of the network."""

import functools
import logging

import pytest

from hetero_unc.data import find_dataset, sources, tfds_source
from hetero_unc.data.sources import VARIABLE


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch, caplog):
    monkeypatch.delenv(VARIABLE, raising=False)
    caplog.set_level(logging.INFO, "hetero_unc.data")


@pytest.fixture
def calls(monkeypatch):
    """Which source was asked, and for what; both have data."""
    asked = []

    def load_mnist(data_dir):
        asked.append(("folder", data_dir))
        return "from folder"

    def load_mnist_from_tfds(*, probe_seconds):
        asked.append(("tfds", probe_seconds))
        return "from tfds"

    monkeypatch.setattr(sources, "load_mnist", load_mnist)
    monkeypatch.setattr(sources, "load_mnist_from_tfds", load_mnist_from_tfds)
    return asked


def test_the_argument_comes_before_the_environment(calls, monkeypatch):
    monkeypatch.setenv(VARIABLE, "other")
    assert find_dataset("named") == "from folder"
    assert calls == [("folder", "named")]


def test_the_environment_comes_before_tensorflow_datasets(calls, monkeypatch, caplog):
    monkeypatch.setenv(VARIABLE, "other")
    assert find_dataset() == "from folder"
    assert calls == [("folder", "other")]
    assert f"data folder named by {VARIABLE}" in caplog.text


@pytest.mark.parametrize("value", [None, ""])
def test_without_a_folder_tensorflow_datasets_is_asked(calls, monkeypatch, value):
    if value is not None:
        monkeypatch.setenv(VARIABLE, value)
    assert find_dataset(probe_seconds=3) == "from tfds"
    assert calls == [("tfds", 3)]


@pytest.mark.parametrize("by", ["argument", "environment"])
@pytest.mark.parametrize("folder", ["empty", "nowhere"])
def test_a_named_folder_without_the_files_is_an_error(tmp_path, monkeypatch, by, folder):
    (tmp_path / "empty").mkdir()
    monkeypatch.setattr(sources, "load_mnist_from_tfds", None)
    monkeypatch.setattr(sources, "load_digits", None)
    monkeypatch.setenv(VARIABLE, str(tmp_path / folder))
    with pytest.raises(FileNotFoundError) as error:
        find_dataset(tmp_path / folder if by == "argument" else None)
    assert str(tmp_path / folder) in str(error.value)
    assert "t10k-images-idx3-ubyte" in str(error.value)


def test_without_cache_and_network_there_are_the_digits_and_the_log_says_so(
    tmp_path, monkeypatch, caplog
):
    pytest.importorskip("tensorflow_datasets")
    load = functools.partial(tfds_source.load_mnist_from_tfds, cache_dir=tmp_path)
    monkeypatch.setattr(sources, "load_mnist_from_tfds", load)
    monkeypatch.setattr(tfds_source, "network_fault", lambda url, seconds: "no such host")
    dataset = find_dataset()
    assert dataset.name == "digits"
    assert dataset.source == "the digits embedded in scikit-learn, 8 x 8 pixels"
    steps = [
        f"no data folder named, by --data-dir or {VARIABLE}",
        "mnist: not in the cache of TensorFlow Datasets",
        "mnist: cannot be downloaded (no such host)",
        "using the small digits embedded in scikit-learn",
    ]
    places = [caplog.text.index(step) for step in steps]
    assert places == sorted(places)
