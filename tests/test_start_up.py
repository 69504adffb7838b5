import subprocess
import sys

import pytest

NOISY = "import os, sys\nos.write(2, b'notice from C++')\nfound = 7\n"


def run(folder, statement):
    return subprocess.run(
        [sys.executable, "-c", f"from hetero_unc.start_up import import_quietly\n{statement}"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": f"{folder}:{':'.join(sys.path)}"},
    )


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "noisy.py").write_text(NOISY)
    (tmp_path / "broken.py").write_text(NOISY + "raise RuntimeError('no such device')\n")
    return tmp_path


def test_notices_of_an_import_are_held_back_and_errors_after_it_are_not(folder):
    done = run(folder, "m = import_quietly('noisy'); import os; os.write(2, str(m.found).encode())")
    assert done.returncode == 0
    assert done.stderr == "7"


def test_a_failing_import_shows_what_was_held_back(folder):
    done = run(folder, "import_quietly('broken')")
    assert done.returncode != 0
    assert "notice from C++" in done.stderr
    assert "no such device" in done.stderr


def test_tensorflow_starts_in_silence(tmp_path):
    done = run(tmp_path, "import_quietly('keras').ops.ones(3)")
    assert done.returncode == 0
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        ("ValueError('`draws` must be >= 1')", "ValueError: `draws` must be >= 1\n"),
        (
            "FileNotFoundError(2, 'No such file', 'a')",
            "FileNotFoundError: [Errno 2] No such file: 'a'\n",
        ),
        ("KeyboardInterrupt", "Stopped. The same command goes on from the last whole epoch.\n"),
    ],
)
def test_a_script_that_fails_says_so_in_one_line(tmp_path, raised, said):
    script = tmp_path / "script.py"
    script.write_text(
        "from hetero_unc.start_up import errors_in_one_line\n"
        f"with errors_in_one_line():\n    raise {raised}\n"
    )
    environment = {"PYTHONPATH": ":".join(sys.path)}
    command = [sys.executable, str(script)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (1, said)
    if raised != "KeyboardInterrupt":
        command.append("--traceback")
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        assert done.returncode == 1
        assert done.stderr.startswith("Traceback")


def test_a_mistake_of_the_programme_keeps_its_traceback(tmp_path):
    statement = (
        "from hetero_unc.start_up import errors_in_one_line as one\nwith one():\n    1 / 0\n"
    )
    done = run(tmp_path, statement)
    assert "ZeroDivisionError" in done.stderr
    assert done.stderr.startswith("Traceback")
