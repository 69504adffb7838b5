"""The floors of the house: imports go down, and the rooms below the layers need NumPy only."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "hetero_unc"
FLOORS = [
    ["checks", "formats", "locking", "machine", "start_up", "writing"],
    ["archives"],
    ["metrics", "predictive", "data"],
    ["audit"],
    ["gaussian"],
    ["layers", "losses"],
    ["models", "inference"],
    ["training", "reports"],
    ["classifier"],
    ["cli"],
]
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
FRAMEWORKS = ("keras", "tensorflow", "tensorflow_probability", "tf_keras", "jax", "torch")
FILES = sorted(path.relative_to(ROOT).as_posix() for path in PACKAGE.rglob("*.py"))
BELOW_THE_LAYERS = sorted(
    path
    for path in FILES
    if FLOOR.get(Path(path).parts[1].removesuffix(".py"), 0) <= FLOOR["audit"]
    # Streaming metrics are Keras objects; the room's __init__ does not import them.
    and Path(path).name != "streaming.py"
)


def imported_names(path):
    """Dotted names of all modules that the file imports, at its top and inside functions."""
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            if node.module == "hetero_unc":
                yield from (f"hetero_unc.{alias.name}" for alias in node.names)
            else:
                yield node.module


@pytest.mark.parametrize("path", FILES)
def test_every_import_goes_down(path):
    room = Path(path).parts[1].removesuffix(".py")
    if room == "__init__":
        assert not list(imported_names(path)), "`import hetero_unc` imports nothing"
        return
    assert room in FLOOR, f"{room} has no floor: give it one in this test"
    for name in imported_names(path):
        outside = name.partition(".")[0]
        assert outside not in {"experiments", "benchmarks", "tests"}, f"{path} imports {name}"
        if outside == "hetero_unc" and name != "hetero_unc":
            other = name.split(".")[1]
            down = FLOOR.get(other, len(FLOORS)) < FLOOR[room] or other == room
            # `from hetero_unc import __version__` reads a string and climbs no stairs.
            assert down or other == "__version__", f"{path} imports {name}, which is not below it"


@pytest.mark.parametrize("path", FILES)
def test_tensorflow_probability_is_imported_in_one_module(path):
    names = [name for name in imported_names(path) if name.startswith("tensorflow_probability")]
    assert not names or path == "hetero_unc/gaussian/distributions.py"


def in_fresh_process(code):
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_rooms_below_the_layers_load_no_framework():
    modules = [
        path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for path in BELOW_THE_LAYERS
    ]
    code = (
        f"import sys, {', '.join(modules)}\n"
        f"print(*[name for name in {FRAMEWORKS} if name in sys.modules])"
    )
    assert "hetero_unc.metrics" in modules
    assert in_fresh_process(code).split() == []


@pytest.mark.parametrize("module", ["hetero_unc", "hetero_unc.metrics"])
def test_import_takes_under_three_tenths_of_a_second(module):
    # Seconds of this process on the processor: others that share the machine do not count. Best of
    # three, because the first may compile bytecode.
    code = (
        "import time; start = time.process_time()\n"
        f"import {module}\n"
        "print(time.process_time() - start)"
    )
    assert min(float(in_fresh_process(code)) for _ in range(3)) < 0.3
