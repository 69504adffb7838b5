"""Train a model so that a run which is killed goes on where it was.

Keras does the training; this module adds checks of the data, checkpoints, the order of the batches
and the history.
"""

import pathlib

import numpy as np

from hetero_unc.checks import (
    check_count,
    check_images,
    check_label_distributions,
    check_labels,
    check_votes,
)
from hetero_unc.data.image_folder import ImageFolder
from hetero_unc.training.batches import batches_in_order, batches_per_pass, shuffled_batches
from hetero_unc.training.checkpoint import Checkpoint, latest_checkpoint, restore
from hetero_unc.training.finite_loss import FiniteLoss
from hetero_unc.training.history import read_history, write_history
from hetero_unc.training.replicas import differ_between_replicas

__all__ = ["fit"]

VALIDATION_BATCH = 500


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
    images : array of shape (N, H, W, K), or ImageFolder
        A folder is read batch by batch. Of one size in each call: a model that takes any size can
        be trained on small images first, and then be given larger ones and more epochs.
    labels : array of shape (N,) of int, or (N, C) of label distributions (floats) or votes (ints)
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
    images = _check_images(images, model)
    labels = _check_targets(labels, num_classes, len(images), name="labels")
    watched = {}
    if validation_data is not None:
        watched = _watched(*validation_data, model, num_classes)
    check_count(epochs, name="epochs")
    check_count(batch_size, name="batch_size")
    check_count(validation_freq, name="validation_freq")
    steps = batches_per_pass(len(images), batch_size)
    if steps_per_epoch is not None:
        steps = check_count(steps_per_epoch, name="steps_per_epoch")
    folder = pathlib.Path(folder)
    done, checkpoint = latest_checkpoint(folder / "checkpoint")
    history = []
    if checkpoint is not None:
        # A run killed between the two files has the history of one epoch more.
        history = read_history(folder / "history.csv")[:done]
        _restore(model, checkpoint, history, done)
    if done >= epochs:
        return history
    differ_between_replicas(model)
    model.fit(
        shuffled_batches(images, labels, batch_size, seed=seed, first_step=done * steps),
        shuffle=False,
        steps_per_epoch=steps,
        initial_epoch=done,
        epochs=epochs,
        **watched,
        validation_freq=validation_freq,
        verbose=verbose,
        callbacks=[
            FiniteLoss(),
            Checkpoint(
                folder / "checkpoint",
                history,
                lambda rows: write_history(folder / "history.csv", rows),
            ),
        ],
    )
    # From the file, so that a run that was resumed returns what an uninterrupted one does.
    return read_history(folder / "history.csv")


def _check_images(images, model):
    if isinstance(images, ImageFolder):
        # One image says whether the model takes them; the folder has checked the rest.
        check_images(images[:1], shape=model.input_shape[1:])
        return images
    return check_images(images, shape=model.input_shape[1:])


def _watched(images, labels, model, num_classes):
    """The arguments of `keras.Model.fit` for the validation data."""
    images = _check_images(images, model)
    labels = _check_targets(labels, num_classes, len(images), name="validation labels")
    if isinstance(images, ImageFolder):
        return {
            "validation_data": batches_in_order(images, labels, VALIDATION_BATCH),
            "validation_steps": batches_per_pass(len(images), VALIDATION_BATCH),
        }
    return {"validation_data": (images, labels), "validation_batch_size": VALIDATION_BATCH}


def _check_targets(labels, num_classes, length, *, name):
    labels = np.asarray(labels)
    if labels.ndim == 2:
        check = check_votes if labels.dtype.kind in "iu" else check_label_distributions
        labels = check(labels, name=name).astype(np.float32)
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
