"""Files that are there whole or not at all.

A run killed at any moment, or a disk that fills up, leaves the previous file or none: everything
is written under a temporary name in the same folder, flushed to the disk and renamed.
"""

import contextlib
import json
import os
import pathlib
import tempfile

__all__ = ["remove_unfinished", "write_atomically", "write_json", "write_text"]

UNFINISHED = ".unfinished-"


@contextlib.contextmanager
def write_atomically(path):
    """Yield a temporary path beside `path`; rename it to `path` if the block succeeds.

    The temporary name keeps the suffix of `path`, because Keras and NumPy look at it. It starts
    with a dot, so that no reader takes it for a result.

    Raises
    ------
    OSError
        Naming `path`, when its folder is missing, read-only or full. `path` is left as it was.
    """
    path = pathlib.Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(
            prefix=f"{UNFINISHED}{path.stem}-", suffix="".join(path.suffixes), dir=path.parent
        )
    except OSError as error:
        raise _cannot_write(path, error) from error
    os.close(descriptor)
    temporary = pathlib.Path(name)
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def remove_unfinished(folder):
    """Remove what killed processes left under temporary names in `folder` and below it.

    Only where no other process writes.
    """
    for path in pathlib.Path(folder).rglob(f"{UNFINISHED}*"):
        path.unlink(missing_ok=True)


def write_text(path, text):
    """Write `text` as UTF-8, whole or not at all."""
    with write_atomically(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path, value):
    """Write `value` as indented JSON, whole or not at all; NaN and infinity are refused."""
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n")


def _cannot_write(path, error):
    reason = error.strerror or str(error)
    return OSError(
        error.errno or 0,
        f"Cannot write {path}: {reason}. The folder must exist, be writable and have space left; "
        "nothing was changed",
    )


def _umask():
    # mkstemp makes private files; results are for everybody the umask lets read them. The umask
    # can only be read by setting it.
    mask = os.umask(0)
    os.umask(mask)
    return mask
