"""`hetero-unc info`: what would run here, and on what data. For bug reports and new machines."""

import importlib.metadata
import os
import pathlib
import platform

from hetero_unc.machine import devices
from hetero_unc.start_up import import_quietly

__all__ = ["add_parser", "data_source", "run"]

DISTRIBUTIONS = (
    "hetero_unc",
    "numpy",
    "scipy",
    "scikit-learn",
    "keras",
    "tensorflow",
    "tensorflow-probability",
    "jax",
    "torch",
)


def add_parser(commands):
    """Describe the command."""
    parser = commands.add_parser(
        "info",
        help="show versions, the backend and its devices, and where data would come from",
        description="Versions, the backend and its devices, and where data would come from.",
    )
    parser.set_defaults(run=run)


def run(arguments):
    """Print the table."""
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("Python", f"{platform.python_version()} on {platform.platform()}")
    for name in DISTRIBUTIONS:
        table.add_row(name, installed_version(name))
    table.add_section()
    for row in backend_rows():
        table.add_row(*row)
    table.add_row("data", data_source())
    Console().print(table)
    return 0


def installed_version(distribution):
    """Version of an installed distribution, or `"not installed"`."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def backend_rows():
    """Name of Keras' backend and the devices it sees, as pairs of strings."""
    try:
        keras = import_quietly("keras")
    except ImportError as error:
        return [("backend", f"cannot be imported: {error}")]
    return [
        ("backend", f"{keras.backend.backend()} (KERAS_BACKEND chooses)"),
        ("devices", ", ".join(devices(keras)) or "this backend does not say"),
        ("precision", keras.config.dtype_policy().name),
    ]


def data_source():
    """Where `make mnist` would look for MNIST, in one line; reads nothing."""
    folder = os.environ.get("HETERO_UNC_DATA")
    if not folder:
        return (
            "HETERO_UNC_DATA is not set: TensorFlow Datasets downloads MNIST, or without network "
            "scikit-learn's digits stand in"
        )
    for place in (pathlib.Path(folder).expanduser() / "mnist", pathlib.Path(folder).expanduser()):
        if any(place.glob("train-images-idx3-ubyte*")):
            return f"HETERO_UNC_DATA={folder}: MNIST from {place}"
    return f"HETERO_UNC_DATA={folder}: no file of MNIST is there"
