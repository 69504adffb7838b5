"""The targets that README and the help name are there, and installs agree with setup.cfg."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TARGETS = {
    *("help", "install", "mnist", "ferplus", "ferplus-recovered", "regression", "test", "fast"),
    *("test-end-to-end", "test-jax", "test-torch", "lint", "bench", "docs", "notebooks", "clean"),
}

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(*arguments):
    # Within `make test` this is make in make, which names its folder before and after.
    command = ["make", "--no-print-directory", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_make_alone_lists_every_target():
    assert {line.split()[1] for line in make().splitlines() if "make " in line} == TARGETS


def test_preset_and_data_folder_reach_the_experiment():
    last = make("--dry-run", "mnist", "PRESET=smoke", "DATA_DIR=some folder").splitlines()[-1]
    assert last.rstrip().endswith('experiments/mnist.py --preset smoke --data-dir "some folder"')
    last = make("--dry-run", "mnist", "PRECISION=mixed_bfloat16").splitlines()[-1]
    assert last.endswith("--precision mixed_bfloat16")
    assert make("-n", "mnist").splitlines()[-1].rstrip().endswith("--preset quick")


def test_ferplus_has_the_preset_of_its_data_unless_one_is_asked_for():
    last = make("-n", "ferplus", "DATA_DIR=some folder").splitlines()[-1]
    assert last.rstrip().endswith('experiments/ferplus.py --data-dir "some folder"')
    last = make("-n", "ferplus", "PRESET=smoke", "WEIGHTS=trunk.npz").splitlines()[-1]
    assert last.rstrip().endswith('experiments/ferplus.py  --preset smoke --weights "trunk.npz"')


def test_an_unsupported_python_is_named(tmp_path):
    old = tmp_path / "python3.9"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.1\nexit 1\n')
    old.chmod(0o755)
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "setup.cfg").touch()
    (tmp_path / "pyproject.toml").touch()
    result = subprocess.run(
        ["make", "install", f"PYTHON={old}"], capture_output=True, text=True, cwd=tmp_path
    )
    assert result.returncode != 0
    assert "Python 3.11, 3.12 or 3.13 is needed" in result.stderr
    assert "Python 3.9.1" in result.stderr


def test_ranges_in_the_makefile_are_those_of_setup_cfg():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    declared = setup["options"]["install_requires"] + "".join(
        setup["options.extras_require"].values()
    )
    in_makefile = re.findall(r"'([a-z-]+>=[^']+)'", (ROOT / "Makefile").read_text("utf-8"))
    assert in_makefile
    for requirement in in_makefile:
        assert requirement in declared.split()
