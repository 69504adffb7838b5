"""Batch normalisation of a network that was not trained: its statistics, taken from images.

A fresh network normalises by mean 0 and variance 1, which are those of no layer; its features then
hardly differ between images.
"""

import keras
import numpy as np
from keras import layers

from hetero_unc.checks import check_count

__all__ = ["estimate_batch_statistics"]


def estimate_batch_statistics(model, images, *, batch_size=64):
    """Set the moving statistics of all batch normalisation to the mean over batches of `images`.

    No other weight changes. Variances are means of those within a batch.

    Args:
        model: A built model; the batch normalisation of its nested models is set too.
        images: Array `(N, ...)` of the input shape of the model, in an order without structure. The
            last items are left out where they do not fill a batch.
        batch_size: Integer >= 2.

    Raises:
        ValueError: If there is less than one batch, or no batch normalisation.
    """
    check_count(batch_size, name="batch_size", minimum=2)
    batches = len(images) // batch_size
    if batches == 0:
        raise ValueError(
            "`images` must hold a batch at least. "
            f"Received: {len(images)} images, batch_size={batch_size}"
        )
    found = [
        layer for layer in model._flatten_layers() if isinstance(layer, layers.BatchNormalization)
    ]
    if not found:
        raise ValueError(
            f"`model` must hold batch normalisation. Received: model={model.name!r} without any"
        )
    momentum = [layer.momentum for layer in found]
    try:
        for batch in range(batches):
            # The mean of all batches so far weighs the new one by one over their number.
            for layer in found:
                layer.momentum = batch / (batch + 1)
            chosen = images[batch * batch_size : (batch + 1) * batch_size]
            model(keras.ops.convert_to_tensor(np.asarray(chosen), "float32"), training=True)
    finally:
        for layer, value in zip(found, momentum, strict=True):
            layer.momentum = value
