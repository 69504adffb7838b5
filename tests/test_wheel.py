"""`pip install .` makes a wheel that works outside the checkout."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Folder into which the wheel of this checkout is unpacked, as pip would."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    # A copy, so that what earlier builds left in the checkout is not packed.
    shutil.copytree(
        ROOT / "hetero_unc", source / "hetero_unc", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, source]
    result = subprocess.run(build, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stdout + result.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run_outside(installed, code, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(installed), "TF_CPP_MIN_LOG_LEVEL": "3"}
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=180,
        cwd=tmp_path,
        env=environment,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_wheel_holds_every_file_of_the_package(installed):
    def files(folder):
        found = (path.relative_to(folder).as_posix() for path in folder.rglob("*"))
        return {name for name in found if Path(name).suffix in {".py", ".html", ".css", ".js"}}

    assert files(installed / "hetero_unc") == files(ROOT / "hetero_unc")
    assert "reports/template.html" in files(installed / "hetero_unc")


def test_wheel_carries_the_licence(installed):
    (folder,) = installed.glob("*.dist-info")
    assert "License" in (folder / "METADATA").read_text(encoding="utf-8")
    (licence,) = folder.rglob("LICENSE")
    assert "Apache License" in licence.read_text(encoding="utf-8")


def test_the_command_of_the_wheel_runs(installed, tmp_path):
    code = f"""
import importlib.metadata, pathlib, sys
(distribution,) = importlib.metadata.distributions(name="hetero_unc", path=[{str(installed)!r}])
(command,) = [entry for entry in distribution.entry_points if entry.name == "hetero-unc"]
sys.argv = ["hetero-unc"]
command.load()()
import hetero_unc
print(pathlib.Path(hetero_unc.__file__).is_relative_to({str(installed)!r}))
"""
    printed = run_outside(installed, code, tmp_path)
    assert "make mnist" in printed
    assert printed.endswith("True")


def test_a_model_trains_and_predicts_from_the_wheel(installed, tmp_path):
    code = f"""
import pathlib
import keras
import numpy as np
import hetero_unc.models, hetero_unc.reports, hetero_unc.training
from hetero_unc.inference import MonteCarloDropout
from hetero_unc.layers import GaussianLogits
from hetero_unc.losses import MarginalLikelihood

assert pathlib.Path(hetero_unc.__file__).is_relative_to({str(installed)!r})
model = keras.Sequential([keras.Input((2,)), keras.layers.Dropout(0.5), GaussianLogits(3)])
model.compile("sgd", MarginalLikelihood(draws=5))
images = np.ones((8, 2), "float32")
model.fit(images, np.arange(8) % 3, verbose=0)
print(MonteCarloDropout(model, passes=2, draws=5).predict(images).probabilities.shape)
"""
    assert run_outside(installed, code, tmp_path).splitlines()[-1] == "(2, 8, 3)"
