"""What every test shares: a quiet TensorFlow, and the folder of real data where there is one."""

import os
from pathlib import Path

import pytest

# Read by TensorFlow when it is first imported, so set before any test module is.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture
def real_data_dir():
    """Folder that `HETERO_UNC_DATA` names, holding `mnist/`; the test is skipped without it."""
    folder = os.environ.get("HETERO_UNC_DATA")
    if not folder:
        pytest.skip("HETERO_UNC_DATA is not set: no real data")
    if not (Path(folder) / "mnist").is_dir():
        pytest.skip(f"HETERO_UNC_DATA={folder} holds no mnist/ folder: no real data")
    return Path(folder)


@pytest.fixture(scope="session")
def real_ferplus():
    """FER+ as published, from the folder that `HETERO_UNC_DATA` names; skipped without it."""
    from hetero_unc.data import load_ferplus

    folder = os.environ.get("HETERO_UNC_DATA")
    if not folder:
        pytest.skip("HETERO_UNC_DATA is not set: no real data")
    try:
        return load_ferplus(folder)
    except FileNotFoundError:
        pytest.skip(f"HETERO_UNC_DATA={folder} holds no FER+: no real data")
