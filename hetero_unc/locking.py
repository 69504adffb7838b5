"""One process at a time in a folder."""

import contextlib
import fcntl
import os
import pathlib
import socket

__all__ = ["locked"]


@contextlib.contextmanager
def locked(folder):
    """Hold `folder`, which is there, for this process, by the file `lock` in it.

    The kernel drops the lock with its process, however that ends.

    Parameters
    ----------
    folder : path

    Raises
    ------
    RuntimeError
        If another process is at work in it; its owner is named.
    OSError
        If the folder cannot be written.
    """
    with open(pathlib.Path(folder) / "lock", "a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise RuntimeError(
                f"Another process is at work in {folder}: {lock.read().strip() or 'unknown'}. "
                "Wait for it, or choose another folder"
            ) from error
        lock.truncate(0)
        lock.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        lock.flush()
        yield
