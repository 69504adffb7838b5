"""The notebooks run from top to bottom on the smoke settings, and are committed without outputs."""

import json
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "notebooks"
# Put in the place of the cell that is tagged "parameters". The embedded digits need no network.
SMOKE = {
    "01_gaussian_logits.ipynb": "SETTINGS = collapse.SMOKE",
    "02_mnist.ipynb": """
import pathlib
from hetero_unc import data

data.find_dataset = lambda data_dir=None: data.load_digits()
PRESET, FOLDER = "smoke", pathlib.Path({folder!r})
""",
    "03_ferplus_annotators.ipynb": """
FACES, SETTINGS = (
    load_synthetic_faces(1200), leak_test.Settings(items=1200, epochs=2, passes=5)
)
""",
    "04_your_own_votes.ipynb": "FACES, EPOCHS = load_synthetic_faces(600), 1",
}


def tags(cell):
    return cell["metadata"].get("tags", [])


def test_every_notebook_is_tested():
    assert {path.name for path in FOLDER.glob("*.ipynb")} == set(SMOKE)


@pytest.mark.parametrize("name", SMOKE)
def test_notebook_is_committed_without_outputs(name):
    notebook = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] or cell["execution_count"] for cell in code)


@pytest.mark.parametrize("name", SMOKE)
def test_badge_opens_this_notebook(name):
    notebook = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    assert f"/blob/main/notebooks/{name})" in "".join(notebook["cells"][0]["source"])


@pytest.mark.slow
@pytest.mark.parametrize("name", SMOKE)
def test_notebook_runs(name, tmp_path, monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    notebook = nbformat.read(FOLDER / name, as_version=4)
    (parameters,) = [cell for cell in notebook.cells if "parameters" in tags(cell)]
    parameters.source = SMOKE[name].format(folder=str(tmp_path))
    client = NotebookClient(
        notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}
    )
    client.execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in outputs), "it shows no figure"
    assert not [text for output in outputs if "Warning" in (text := output.get("text", ""))]
