"""The pages of the API: each public name of each room stands on its room's page."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(path.stem for path in (ROOT / "docs" / "api").glob("*.md"))


def public_names(room):
    """`__all__` of a room, read as text: nothing is imported."""
    folder = ROOT / "hetero_unc" / room
    file = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "__all__":
            return ast.literal_eval(node.value)
    raise AssertionError(f"{file} has no __all__")


def test_every_room_has_a_page():
    package = ROOT / "hetero_unc"
    rooms = {path.parent.name for path in package.glob("*/__init__.py")} - {"cli"}
    assert rooms | {"classifier", "predictive"} == set(PAGES)


@pytest.mark.parametrize("room", PAGES)
def test_every_public_name_stands_on_its_page(room):
    text = (ROOT / "docs" / "api" / f"{room}.md").read_text(encoding="utf-8")
    described = re.findall(rf"^::: hetero_unc\.{room}\.([\w.]+)$", text, re.MULTILINE)
    # Constants have no docstring to show: the page's own words describe them.
    constants = re.findall(r"`([A-Z][A-Z_0-9]+)`", text.partition("## Constants")[2])
    found = [path.rpartition(".")[2] for path in described] + constants
    assert len(found) == len(set(found))
    assert set(public_names(room)) <= set(found)


@pytest.mark.parametrize("room", PAGES)
def test_a_function_named_as_its_file_is_asked_for_by_its_whole_path(room):
    text = (ROOT / "docs" / "api" / f"{room}.md").read_text(encoding="utf-8")
    for name in re.findall(rf"^::: hetero_unc\.{room}\.(\w+)$", text, re.MULTILINE):
        # The file would be shown in its place, and with it names that are not public.
        assert not (ROOT / "hetero_unc" / room / f"{name}.py").exists(), name
