"""A folder that belongs to one run: one configuration, one process at a time."""

import contextlib
import json
import pathlib
import platform
from importlib import metadata

from hetero_unc.locking import locked
from hetero_unc.machine import machine
from hetero_unc.writing import remove_unfinished, write_json

__all__ = ["open_run_folder", "package_versions"]

PACKAGES = ("hetero_unc", "keras", "tensorflow", "tensorflow-probability", "jax", "torch", "numpy")


def package_versions():
    """Versions of Python and of the installed packages that decide a result: dict of str to str."""
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions


@contextlib.contextmanager
def open_run_folder(folder, config):
    """Create or re-enter `folder` for the run that `config` describes; yields its path.

    Parameters
    ----------
    folder : path
    config : dict
        All that decides the result, JSON-serialisable. Written to `config.json` beside the
        package versions and the machine, which are recorded and not compared.

    Raises
    ------
    ValueError
        If the folder holds a run of another configuration; the differences are listed.
    RuntimeError
        If another process is at work in it; its owner is named.
    OSError
        If the folder cannot be written.
    """
    folder = pathlib.Path(folder)
    with contextlib.ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(folder))
        except OSError as error:
            raise OSError(
                error.errno, f"Cannot open the run folder {folder}: {error.strerror}"
            ) from error
        remove_unfinished(folder)
        _check_config(folder, config)
        yield folder


def _check_config(folder, config):
    path = folder / "config.json"
    config = json.loads(json.dumps(config))  # tuples become lists, as in the file
    if path.exists():
        try:
            found = dict(json.loads(path.read_text(encoding="utf-8"))["config"])
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{path} is not a configuration that this package wrote. Delete the folder, or "
                "choose another"
            ) from error
        if found != config:
            raise ValueError(
                f"{folder} holds a run of another configuration: {_differences(found, config)}. "
                "Delete it, or choose another folder"
            )
        return
    write_json(path, {"config": config, "versions": package_versions(), "machine": machine()})


def _differences(found, asked):
    def shown(config, key):
        return repr(config[key]) if key in config else "nothing"

    keys = sorted(k for k in found.keys() | asked.keys() if shown(found, k) != shown(asked, k))
    return "; ".join(f"{k}: found {shown(found, k)}, asked for {shown(asked, k)}" for k in keys)
