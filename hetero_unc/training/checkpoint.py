"""Checkpoints that survive a kill at any moment, and hold all that the next epoch depends on.

`keras.callbacks.BackupAndRestore` keeps weights and epoch number in two files, so a kill between
the two leaves the weights of one epoch under the number of another; and Keras' weight files leave
out the states of seed generators, so that dropout would repeat its masks. Here the number is part
of the file's name, one rename commits both, and every variable of model and optimiser is in it.
"""

import pathlib
import re
import time

import keras

from hetero_unc.archives import read_arrays, write_arrays

__all__ = ["Checkpoint", "latest_checkpoint", "restore"]

SUFFIX = ".npz"
NAME = re.compile(r"epoch-(\d{5})\.npz")


def latest_checkpoint(folder):
    """`(epochs done, path)` of the newest checkpoint in `folder`, or `(0, None)`."""
    found = [
        (int(match.group(1)), path)
        for path in pathlib.Path(folder).glob(f"epoch-*{SUFFIX}")
        if (match := NAME.fullmatch(path.name))
    ]
    return max(found, default=(0, None))


def restore(model, path):
    """Give the variables of a compiled model and its optimiser the values in a checkpoint.

    Raises
    ------
    ValueError
        If the file is truncated or altered, or is of another model. Nothing is changed then.
    """
    # A new optimiser has no slots before this.
    model.optimizer.build(model.trainable_variables)
    variables = _variables(model)
    values = read_arrays(path, kind="checkpoint", remedy="Delete the run folder")
    wanted = {name: tuple(variable.shape) for name, variable in variables.items()}
    found = {name: value.shape for name, value in values.items()}
    if wanted != found:
        different = sorted(
            name for name in wanted.keys() | found if wanted.get(name) != found.get(name)
        )
        first = variables[different[0]].path if different[0] in variables else different[0]
        raise ValueError(
            f"{path} is of another model: {len(different)} variables differ, the first is {first}. "
            "Delete the run folder"
        )
    for name, variable in variables.items():
        variable.assign(values[name])


def _variables(model):
    """Every variable of model and optimiser, seeds included, by its place."""
    # Names will not do: Keras numbers layers without one through the life of a process.
    parts = {"model": model.variables, "optimizer": model.optimizer.variables}
    return {
        f"{part}-{index:05d}": variable
        for part, variables in parts.items()
        for index, variable in enumerate(variables)
    }


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
        arrays = {
            name: keras.ops.convert_to_numpy(variable)
            for name, variable in _variables(self.model).items()
        }
        write_arrays(path, arrays, compress=False)
        for older in self.folder.glob(f"epoch-*{SUFFIX}"):
            if older != path:
                older.unlink()
