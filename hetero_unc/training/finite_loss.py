"""A loss that is no number ends a run, before it reaches a checkpoint."""

import math

import keras
import numpy as np

__all__ = ["FiniteLoss"]


class FiniteLoss(keras.callbacks.Callback):
    """Stops a run whose loss or weights are NaN or infinite, and says where that shows.

    At the end of an epoch the weights are looked at, before they become a checkpoint: the loss of
    a step is from before its update.
    """

    def on_train_batch_end(self, batch, logs=None):
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss):
            self._stop(loss)

    def on_epoch_end(self, epoch, logs=None):
        if self._broken_weights():
            self._stop((logs or {}).get("loss"))

    def _stop(self, loss):
        broken = self._broken_weights()
        where = "all weights are finite, so the data or the loss is to blame"
        if broken:
            where = (
                f"{len(broken)} of {len(self.model.weights)} weights are not finite, the first is "
                f"{broken[0]}"
            )
        raise FloatingPointError(
            f"The loss is {loss} at step {int(self.model.optimizer.iterations)}; {where}. The "
            "checkpoint of the last whole epoch is kept"
        )

    def _broken_weights(self):
        return [
            weight.path
            for weight in self.model.weights
            if not np.isfinite(keras.ops.convert_to_numpy(weight)).all()
        ]
