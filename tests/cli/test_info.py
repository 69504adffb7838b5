"""`hetero-unc info`: what a bug report needs, without TensorFlow's start-up noise."""

import importlib.metadata
import os
import subprocess
import sys

from hetero_unc.cli.info import data_source, installed_version


def test_info_shows_versions_backend_and_data():
    environment = {**os.environ, "COLUMNS": "120"}
    environment.pop("HETERO_UNC_DATA", None)
    result = subprocess.run(
        [sys.executable, "-c", "from hetero_unc.cli import main; raise SystemExit(main(['info']))"],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    version = importlib.metadata.version("keras")
    for words in (version, "KERAS_BACKEND", "cpu:0", "HETERO_UNC_DATA is not set"):
        assert words in result.stdout


def test_a_missing_distribution_is_said_to_be_missing():
    assert installed_version("hetero-unc-that-nobody-made") == "not installed"
    assert installed_version("numpy") == importlib.metadata.version("numpy")


def test_data_source_says_what_the_variable_names(tmp_path, monkeypatch):
    monkeypatch.setenv("HETERO_UNC_DATA", str(tmp_path))
    assert "no file of MNIST is there" in data_source()
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "train-images-idx3-ubyte.gz").touch()
    assert data_source().endswith(f"MNIST from {tmp_path / 'mnist'}")
    monkeypatch.delenv("HETERO_UNC_DATA")
    assert "is not set" in data_source()
