"""A folder belongs to one configuration and one process at a time."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hetero_unc.machine import machine
from hetero_unc.training import open_run_folder, package_versions

CONFIG = {"method": "softmax", "epochs": 3, "sizes": (28, 28), "rate": 0.4}
ROOT = Path(__file__).parents[2]
# The one file, and not its room, which would load TensorFlow.
HOLD = (
    "import runpy, sys, time\n"
    "run_folder = runpy.run_path('hetero_unc/training/run_folder.py')\n"
    "with run_folder['open_run_folder'](sys.argv[1], {'a': 1}):\n"
    "    print('held', flush=True)\n"
    "    time.sleep(60)\n"
)


def test_the_configuration_is_written_with_the_versions(tmp_path):
    with open_run_folder(tmp_path / "a" / "run", CONFIG) as folder:
        assert folder == tmp_path / "a" / "run"
        written = json.loads((folder / "config.json").read_text())
    assert written["config"] == {**CONFIG, "sizes": [28, 28]}
    assert written["versions"] == package_versions()
    assert {"python", "keras", "numpy"} <= written["versions"].keys()
    assert written["machine"] == machine()


def test_the_same_configuration_enters_again(tmp_path):
    for _ in range(2):
        with open_run_folder(tmp_path, CONFIG) as folder:
            (folder / "result").touch()
    assert (tmp_path / "result").exists()


def test_other_versions_enter_again(tmp_path):
    with open_run_folder(tmp_path, CONFIG):
        pass
    written = json.loads((tmp_path / "config.json").read_text())
    written["versions"] = {"keras": "4.0"}
    (tmp_path / "config.json").write_text(json.dumps(written))
    with open_run_folder(tmp_path, CONFIG):
        pass
    assert json.loads((tmp_path / "config.json").read_text())["versions"] == {"keras": "4.0"}


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"epochs": 5}, "epochs: found 3, asked for 5"),
        ({"method": None}, "method: found 'softmax', asked for None"),
        ({"new": None}, "new: found nothing, asked for None"),
        (
            {"epochs": 5, "rate": 0.5},
            "epochs: found 3, asked for 5; rate: found 0.4, asked for 0.5",
        ),
    ],
)
def test_another_configuration_is_refused_with_the_difference(tmp_path, changes, difference):
    with open_run_folder(tmp_path, CONFIG):
        pass
    before = (tmp_path / "config.json").read_bytes()
    with (
        pytest.raises(ValueError, match="holds a run of another configuration") as caught,
        open_run_folder(tmp_path, {**CONFIG, **changes}),
    ):
        pytest.fail("it must not be entered")
    assert difference + ". Delete" in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert (tmp_path / "config.json").read_bytes() == before


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"config": 3}', '{"config": [1]}', "\xff"]
)
def test_a_configuration_that_is_none_is_refused_by_name(tmp_path, content):
    (tmp_path / "config.json").write_text(content, encoding="latin-1")
    with (
        pytest.raises(ValueError, match=r"config\.json is not a configuration"),
        open_run_folder(tmp_path, CONFIG),
    ):
        pytest.fail("it must not be entered")


@contextlib.contextmanager
def held_by_another_process(folder):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, cwd=ROOT
    ) as process:
        try:
            assert process.stdout.readline() == b"held\n"
            yield process
        finally:
            process.send_signal(signal.SIGKILL)


def test_a_second_process_is_refused_until_the_first_has_died(tmp_path):
    with held_by_another_process(tmp_path) as process:
        with (
            pytest.raises(RuntimeError, match="Another process is at work in") as caught,
            open_run_folder(tmp_path, {"a": 1}),
        ):
            pytest.fail("it must not be entered")
        assert f"process {process.pid} on " in str(caught.value)
        assert str(tmp_path) in str(caught.value)
    with open_run_folder(tmp_path, {"a": 1}):
        assert str(os.getpid()) in (tmp_path / "lock").read_text()


def test_the_same_folder_twice_in_one_process_is_refused(tmp_path):
    with (
        open_run_folder(tmp_path, CONFIG),
        pytest.raises(RuntimeError, match=f"process {os.getpid()} on "),
        open_run_folder(tmp_path, CONFIG),
    ):
        pytest.fail("it must not be entered")


def test_what_a_killed_process_left_half_written_is_removed(tmp_path):
    leftover = tmp_path / "checkpoint" / ".unfinished-epoch-00001-abcd.npz"
    leftover.parent.mkdir()
    leftover.write_text("half")
    (tmp_path / "checkpoint" / ".kept").touch()
    with open_run_folder(tmp_path, CONFIG):
        assert os.listdir(leftover.parent) == [".kept"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(OSError, match=r"Cannot open the run folder .*file/run: Not a directory"),
        open_run_folder(tmp_path / "file" / "run", CONFIG),
    ):
        pytest.fail("it must not be entered")


def test_a_read_only_folder_is_named(tmp_path, monkeypatch):
    # As root nothing is read-only to open(), so the kernel's answer is imitated.
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with (
        pytest.raises(PermissionError, match=r"Cannot open the run folder .*: Permission denied"),
        open_run_folder(tmp_path, CONFIG),
    ):
        pytest.fail("it must not be entered")


def test_a_full_disk_is_named_and_leaves_no_configuration(tmp_path, monkeypatch):
    def refuse(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)
    with (
        pytest.raises(OSError, match=r"Cannot write .*config\.json: No space left"),
        open_run_folder(tmp_path, CONFIG),
    ):
        pytest.fail("it must not be entered")
    assert os.listdir(tmp_path) == ["lock"]
