"""Checkpoints that survive a kill at any moment.

`keras.callbacks.BackupAndRestore` keeps weights and epoch number in two files, so a kill between
the two leaves the weights of one epoch under the number of another. Here the number is part of the
file's name: one rename commits both.
"""

import pathlib
import re
import time

import keras

from hetero_unc.writing import write_atomically

__all__ = ["Checkpoint", "latest_checkpoint"]

SUFFIX = ".weights.h5"
NAME = re.compile(r"epoch-(\d{5})\.weights\.h5")


def latest_checkpoint(folder):
    """`(epochs done, path)` of the newest checkpoint in `folder`, or `(0, None)`."""
    found = [
        (int(match.group(1)), path)
        for path in pathlib.Path(folder).glob(f"epoch-*{SUFFIX}")
        if (match := NAME.fullmatch(path.name))
    ]
    return max(found, default=(0, None))


class Checkpoint(keras.callbacks.Callback):
    """Writes weights, optimiser and seeds after each epoch, and the history of the run.

    Args:
        folder: Where the checkpoints go.
        history: List of the rows (dicts) of the epochs done so far; grown in place.
        write_history: Called with the list after each epoch, before the checkpoint is written, so
            that no checkpoint is without its history.
    """

    def __init__(self, folder, history, write_history):
        super().__init__()
        self.folder = pathlib.Path(folder)
        self.history = history
        self.write_history = write_history
        self.started = None

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        row = {name: float(value) for name, value in (logs or {}).items()}
        row["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        row["seconds"] = time.monotonic() - self.started
        self.history.append({"epoch": epoch + 1, **row})
        self.write_history(self.history)
        path = self.folder / f"epoch-{epoch + 1:05d}{SUFFIX}"
        with write_atomically(path) as temporary:
            self.model.save_weights(temporary)
        for older in self.folder.glob(f"epoch-*{SUFFIX}"):
            if older != path:
                older.unlink()
