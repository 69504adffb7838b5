"""Scripts that start without a page of notices, and end without a page of traceback.

TensorFlow's C++ side writes to the process's standard error while it is imported, before the
setting that silences it is read, so setting `TF_CPP_MIN_LOG_LEVEL` alone is not enough.
"""

import contextlib
import importlib
import os
import sys
import tempfile

__all__ = ["errors_in_one_line", "import_quietly"]

# The process's own, which C++ writes to; `sys.stderr` is something else in a notebook.
STANDARD_ERROR = 2


def import_quietly(name):
    """Import the module `name`, holding back what it writes to standard error.

    If the import fails, what was held back is written after all. Only commands and scripts call
    this: a library does not silence its caller's process.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held_back, _duplicate(STANDARD_ERROR) as saved:
        os.dup2(held_back.fileno(), STANDARD_ERROR)
        try:
            return importlib.import_module(name)
        except BaseException:
            held_back.seek(0)
            os.write(saved, held_back.read())
            raise
        finally:
            os.dup2(saved, STANDARD_ERROR)


@contextlib.contextmanager
def errors_in_one_line():
    """Exit with one line where the work inside is stopped, or fails for what it was given.

    Ctrl-C says that the script can go on; the errors that a user can mend are named by type and
    message, unless `--traceback` is among the process's arguments. Others keep their traceback.
    """
    try:
        yield
    except KeyboardInterrupt:
        sys.exit("Stopped. The same command goes on from the last whole epoch.")
    except (FloatingPointError, OSError, RuntimeError, ValueError) as error:
        if "--traceback" in sys.argv:
            raise
        sys.exit(f"{type(error).__name__}: {error}")


@contextlib.contextmanager
def _duplicate(descriptor):
    copy = os.dup(descriptor)
    try:
        yield copy
    finally:
        os.close(copy)
