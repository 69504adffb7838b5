"""The command line as a person meets it: help, usage, exit codes."""

import subprocess
import sys

import pytest

import hetero_unc
from hetero_unc.cli import main


def test_help_tells_a_newcomer_what_to_do_next(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    out = capsys.readouterr().out
    for words in ("make mnist", "report.html", "README.md", "evaluate", "info"):
        assert words in out


def test_no_command_prints_the_help(capsys):
    assert main([]) == 0
    assert "what to do next" in capsys.readouterr().out


def test_version_is_the_package_s(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert hetero_unc.__version__ in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["evaluate"], ["prophesy"]])
def test_wrong_usage_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_bad_input_is_one_line_without_traceback(capsys):
    assert main(["evaluate", "missing.npz", "--labels", "missing.npy"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "hetero-unc evaluate: error: missing.npz: No such file or directory\n"


def test_the_command_line_loads_no_framework():
    code = (
        "import sys; from hetero_unc.cli import main; main([]); "
        "assert not {'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    assert result.returncode == 0, result.stderr
