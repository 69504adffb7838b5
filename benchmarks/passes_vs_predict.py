"""100 dropout passes of the MNIST CNN: the loop over `model.predict` that is written everywhere.

python -m benchmarks.passes_vs_predict [--quick]

The loop predicts with a model on the same weights whose dropout layer is called with
`training=True`. Fewer of its passes are timed than of ours, and their time is scaled.
"""

import keras
import numpy as np

from benchmarks.paired import main, paired, row
from hetero_unc.inference import MonteCarloDropout
from hetero_unc.models import small_cnn

PASSES, BATCH = 100, 256


def measure(quick):
    """The row `passes_vs_predict`."""
    items, looped = (BATCH, 3) if quick else (4 * BATCH, 25)
    images = np.random.default_rng(0).uniform(size=(items, 28, 28, 1)).astype("float32")
    model = small_cnn(keras.layers.Dense(10, activation="softmax"), seed=0)
    in_training = always_dropping(model)
    passes = MonteCarloDropout(model, passes=PASSES)

    def loop():
        settings = {"batch_size": BATCH, "verbose": 0}
        return np.stack([in_training.predict(images, **settings) for _ in range(looped)])

    calls = {"loop over predict": loop, "ours": lambda: passes.predict(images, batch_size=BATCH)}
    timings = paired(calls, rounds=3 if quick else 9)
    timings = timings.divided("loop over predict", looped / PASSES)
    return [row("passes_vs_predict", timings, *calls, images=items, looped=looped)]


def always_dropping(model):
    """`model` with its dropout layers called in training mode."""
    outputs = inputs = keras.Input(model.input_shape[1:])
    for layer in model.layers:
        dropout = isinstance(layer, keras.layers.Dropout)
        outputs = layer(outputs, training=True) if dropout else layer(outputs)
    return keras.Model(inputs, outputs)


if __name__ == "__main__":
    main(measure)
