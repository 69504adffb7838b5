"""Frameworks that start without a page of notices.

TensorFlow's C++ side writes to the process's standard error while it is imported, before the
setting that silences it is read, so setting `TF_CPP_MIN_LOG_LEVEL` alone is not enough.
"""

import contextlib
import importlib
import os
import sys
import tempfile

__all__ = ["import_quietly"]


def import_quietly(name):
    """Import the module `name`, holding back what it writes to standard error.

    If the import fails, what was held back is written after all. Only commands and scripts call
    this: a library does not silence its caller's process.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        standard_error = sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):  # a notebook's or a test's stand-in
        return importlib.import_module(name)
    with tempfile.TemporaryFile() as held_back, contextlib.ExitStack() as stack:
        saved = os.dup(standard_error)
        stack.callback(os.close, saved)
        sys.stderr.flush()
        os.dup2(held_back.fileno(), standard_error)
        try:
            return importlib.import_module(name)
        except BaseException:
            held_back.seek(0)
            os.write(saved, held_back.read())
            raise
        finally:
            os.dup2(saved, standard_error)
