"""Train a model so that a run which is killed goes on where it was.

Keras does the training; this module adds checks of the data, checkpoints, the order of the batches
and the history.
"""

import csv
import math
import pathlib

import keras
import numpy as np

from hetero_unc.checks import check_count, check_images, check_label_distributions, check_labels
from hetero_unc.training.batches import batches_per_pass, shuffled_batches
from hetero_unc.training.checkpoint import Checkpoint, latest_checkpoint, restore
from hetero_unc.writing import write_atomically

__all__ = ["fit", "save_model"]


def fit(
    model,
    images,
    labels,
    *,
    folder,
    epochs,
    num_classes,
    batch_size=100,
    steps_per_epoch=None,
    validation_data=None,
    validation_freq=1,
    seed=0,
    verbose="auto",
):
    """Train a compiled model, resuming from the last epoch that `folder` holds.

    Parameters
    ----------
    model : keras.Model
        Built and compiled. Its initial weights are replaced if there is a checkpoint.
    images : array of shape (N, H, W, K)
    labels : array of shape (N,) of int, or (N, C) of label distributions
    folder : path
        Gets `history.csv` and `checkpoint/`.
    epochs : int
    num_classes : int
        C, for the checks of the labels.
    batch_size : int, default=100
    steps_per_epoch : int, optional
        Batches between two checkpoints; by default one pass over the items.
    validation_data : (images, labels), optional
        Watched, never used to choose.
    validation_freq : int, default=1
        Epochs between two looks at it; the history holds NaN for the others.
    seed : int, default=0
        Decides the order of the batches.
    verbose : as in `keras.Model.fit`

    Returns
    -------
    list of dict
        A row an epoch: epoch, the logs of Keras, learning_rate, seconds.

    Raises
    ------
    ValueError
        On images or labels out of range, before any step is taken; on a checkpoint that does not
        fit the model.
    FloatingPointError
        When the loss is no longer finite: step and layer are named, and the last checkpoint stays.
    """
    images = check_images(images, shape=model.input_shape[1:])
    labels = _check_targets(labels, num_classes, len(images), name="labels")
    if validation_data is not None:
        validation_images = check_images(validation_data[0], shape=model.input_shape[1:])
        validation_data = (
            validation_images,
            _check_targets(
                validation_data[1], num_classes, len(validation_images), name="validation labels"
            ),
        )
    check_count(epochs, name="epochs")
    check_count(batch_size, name="batch_size")
    steps = steps_per_epoch or batches_per_pass(len(images), batch_size)
    folder = pathlib.Path(folder)
    done, checkpoint = latest_checkpoint(folder / "checkpoint")
    history = _read_history(folder / "history.csv")[:done]
    if checkpoint is not None:
        _restore(model, checkpoint, history, done)
    if done >= epochs:
        return history
    model.fit(
        shuffled_batches(images, labels, batch_size, seed=seed, first_step=done * steps),
        shuffle=False,
        steps_per_epoch=steps,
        initial_epoch=done,
        epochs=epochs,
        validation_data=validation_data,
        validation_batch_size=500,
        validation_freq=validation_freq,
        verbose=verbose,
        callbacks=[
            FiniteLoss(),
            Checkpoint(
                folder / "checkpoint",
                history,
                lambda rows: _write_history(folder / "history.csv", rows),
            ),
        ],
    )
    return history


def save_model(model, path):
    """Write a `.keras` file, whole or not at all."""
    with write_atomically(path) as temporary:
        model.save(temporary)


class FiniteLoss(keras.callbacks.Callback):
    """Stops a run whose loss is NaN or infinite, and says where that shows."""

    def on_train_batch_end(self, batch, logs=None):
        loss = (logs or {}).get("loss", 0.0)
        if math.isfinite(loss):
            return
        broken = [
            weight.path
            for weight in self.model.weights
            if not np.isfinite(keras.ops.convert_to_numpy(weight)).all()
        ]
        where = (
            f"the first weight that is not finite is {broken[0]}"
            if broken
            else ("all weights are finite, so the data or the loss is to blame")
        )
        raise FloatingPointError(
            f"The loss is {loss} at step {int(self.model.optimizer.iterations)}; {where}. The "
            "checkpoint of the last whole epoch is kept"
        )


def _check_targets(labels, num_classes, length, *, name):
    labels = np.asarray(labels)
    if labels.ndim == 2:
        labels = check_label_distributions(labels, name=name).astype(np.float32)
        if labels.shape[1] != num_classes:
            raise ValueError(
                f"`{name}` must have {num_classes} columns. Received: shape={labels.shape}"
            )
    else:
        labels = check_labels(labels, num_classes, name=name).astype(np.int32)
    if len(labels) != length:
        raise ValueError(
            f"`{name}` and images must have the same length. "
            f"Received: {len(labels)} labels, {length} images"
        )
    return labels


def _restore(model, checkpoint, history, done):
    if len(history) != done:
        raise ValueError(
            f"{checkpoint} is of epoch {done}, but history.csv has {len(history)} epochs. Delete "
            "the run folder"
        )
    restore(model, checkpoint)


def _read_history(path):
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    return [{**row, "epoch": int(row["epoch"])} for row in rows]


def _write_history(path, rows):
    with (
        write_atomically(path) as temporary,
        open(temporary, "w", newline="", encoding="utf-8") as file,
    ):
        names = dict.fromkeys(name for row in rows for name in row)
        writer = csv.DictWriter(file, fieldnames=list(names), restval="nan")
        writer.writeheader()
        writer.writerows(rows)
