"""What do 100 dropout passes cost where the network before the dropout is large?

python -m benchmarks.passes_large_prefix [--quick]

`InceptionResNetV2` with random weights at 160 x 160, global average pooling, and a head of two
dense layers of 128, dropout of 0.5 after each, and 9 classes. 100 passes over one batch against
`predict_on_batch` of the whole model.
"""

import keras
import numpy as np

from benchmarks.paired import main, paired, row
from hetero_unc.inference import MonteCarloDropout

PASSES, SIDE = 100, 160


def measure(quick):
    """The row `passes_large_prefix`."""
    items = 4 if quick else 32
    images = np.random.default_rng(0).uniform(size=(items, SIDE, SIDE, 3)).astype("float32")
    model = large_model()
    passes = MonteCarloDropout(model, passes=PASSES)
    calls = {
        "100 passes": lambda: passes.predict(images, batch_size=items),
        "one plain pass": lambda: model.predict_on_batch(images),
    }
    timings = paired(calls, rounds=3 if quick else 15, warm_up=1 if quick else 2)
    return [row("passes_large_prefix", timings, *calls, images=items, passes=PASSES)]


def large_model():
    """The network and its head, untrained."""
    layers = keras.layers
    body = keras.applications.InceptionResNetV2(
        include_top=False, weights=None, input_shape=(SIDE, SIDE, 3), pooling="avg"
    )
    head = [
        layers.Dense(128, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(128, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(9, activation="softmax"),
    ]
    return keras.Sequential([keras.Input((SIDE, SIDE, 3)), body, *head])


if __name__ == "__main__":
    main(measure)
