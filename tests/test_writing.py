"""Files that are there whole or not at all: failing disks, failing code, killed processes."""

import errno
import json
import os
import resource
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from hetero_unc.writing import write_atomically, write_json, write_text

LIMIT = 1 << 20


@pytest.fixture
def full_disk():
    """Writing beyond 1 MiB a file fails in the kernel, as on a full disk or over a quota."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def fails_with(code):
    def fail(*args, **kwargs):
        raise OSError(code, os.strerror(code))

    return fail


def test_the_file_appears_whole_under_its_name(tmp_path):
    path = tmp_path / "a" / "b" / "note.txt"
    with write_atomically(path) as temporary:
        temporary.write_text("first")
        assert not path.exists(), "nothing under the name before it is whole"
        assert temporary.parent == path.parent, "a rename must not cross file systems"
        assert temporary.name.startswith(".")
        assert temporary.suffix == ".txt"
    assert path.read_text() == "first"
    assert os.listdir(path.parent) == ["note.txt"]


def test_a_later_file_replaces_an_earlier_one(tmp_path):
    path = tmp_path / "note.txt"
    write_text(path, "first")
    write_text(path, "Größe, 2nd")
    assert path.read_text(encoding="utf-8") == "Größe, 2nd"


def test_compound_suffixes_are_kept_for_those_who_look_at_them(tmp_path):
    with write_atomically(tmp_path / "epoch-00001.weights.h5") as temporary:
        assert temporary.name.endswith(".weights.h5")


def test_the_mode_is_what_the_umask_lets_through(tmp_path):
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "note.txt", "")
        assert os.umask(0o027) == 0o027, "the umask stays"
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "note.txt").stat().st_mode) == 0o640


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), FloatingPointError("no")])
def test_a_failing_block_leaves_the_previous_file(tmp_path, error):
    path = tmp_path / "note.txt"
    write_text(path, "first")

    def write_half():
        with write_atomically(path) as temporary:
            temporary.write_text("sec")
            raise error

    with pytest.raises(type(error)):
        write_half()
    assert path.read_text() == "first"
    assert os.listdir(tmp_path) == ["note.txt"]


@pytest.mark.parametrize(
    ("function", "code"),
    [
        ("os.fsync", errno.ENOSPC),
        ("os.replace", errno.ENOSPC),
        ("tempfile.mkstemp", errno.EROFS),
        ("tempfile.mkstemp", errno.EACCES),
    ],
)
def test_a_failing_disk_is_named_and_leaves_the_previous_file(
    tmp_path, monkeypatch, function, code
):
    path = tmp_path / "note.txt"
    write_text(path, "first")
    monkeypatch.setattr(function, fails_with(code))
    with pytest.raises(OSError, match="Cannot write") as caught:
        write_text(path, "second")
    assert caught.value.errno == code
    for part in (str(path), os.strerror(code)):
        assert part in str(caught.value)
    assert path.read_text() == "first"
    assert os.listdir(tmp_path) == ["note.txt"]


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_leaves_the_previous_file(tmp_path):
    path = tmp_path / "note.txt"
    write_text(path, "first")
    with pytest.raises(OSError, match=r"Cannot write .*note\.txt"):
        write_text(path, "x" * (LIMIT + 1))
    assert path.read_text() == "first"
    assert os.listdir(tmp_path) == ["note.txt"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"Cannot write .*file/note\.txt"):
        write_text(tmp_path / "file" / "note.txt", "")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [float("-inf")]}])
def test_json_without_nan(tmp_path, value):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "value.json", value)
    assert os.listdir(tmp_path) == []


def test_json_comes_back(tmp_path):
    value = {"a": [1, 2.5, None, "é"], "b": {}}
    write_json(tmp_path / "value.json", value)
    assert json.loads((tmp_path / "value.json").read_text(encoding="utf-8")) == value


def test_a_process_killed_while_writing_leaves_the_previous_file(tmp_path):
    path = tmp_path / "note.txt"
    write_text(path, "first")
    code = (
        "import sys, time\n"
        "from hetero_unc.writing import write_atomically\n"
        "with write_atomically(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('sec')\n"
        "    print('half', flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[1],
    ) as process:
        assert process.stdout.readline() == b"half\n"
        process.send_signal(signal.SIGKILL)
    assert path.read_text() == "first"
    assert [name for name in os.listdir(tmp_path) if not name.startswith(".")] == ["note.txt"]
