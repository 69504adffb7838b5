"""What do 100 dropout passes of the MNIST CNN cost, in plain passes of the whole model?

python -m benchmarks.passes_mnist [--quick]

`small_cnn`, whose dropout of 0.4 stands before its last layer, over synthetic images. The plain
pass is `predict_on_batch` of the same model, batch by batch. Heads: a softmax, and Gaussian logits,
which also integrate each pass.
"""

import keras
import numpy as np

from benchmarks.paired import main, paired, row
from hetero_unc.inference import MonteCarloDropout
from hetero_unc.layers import GaussianLogits
from hetero_unc.models import small_cnn

PASSES, BATCH, CLASSES = 100, 256, 10
HEADS = {
    "passes_mnist": (keras.layers.Dense, {"activation": "softmax"}, "per_item", None),
    "passes_mnist_shared_masks": (
        keras.layers.Dense,
        {"activation": "softmax"},
        "per_pass",
        "the same, masks per pass",
    ),
    "passes_mnist_gaussian": (
        GaussianLogits,
        {},
        "per_item",
        "100 passes of Gaussian logits, integrated / one plain pass, MNIST CNN",
    ),
}


def measure(quick):
    """A row a head."""
    items = BATCH if quick else 4 * BATCH
    images = np.random.default_rng(0).uniform(size=(items, 28, 28, 1)).astype("float32")
    rows = []
    for name, (head, settings, masks, claim) in HEADS.items():
        model = small_cnn(head(CLASSES, **settings), seed=0)
        passes = MonteCarloDropout(model, passes=PASSES, masks=masks)
        calls = {
            "100 passes": lambda passes=passes: passes.predict(images, batch_size=BATCH),
            "one plain pass": lambda model=model: plain_pass(model, images),
        }
        timings = paired(calls, rounds=4 if quick else 15, warm_up=2)
        more = {"claim": claim} if claim else {}
        rows.append(row(name, timings, *calls, images=items, passes=PASSES, **more))
    return rows


def plain_pass(model, images):
    """The outputs for all images, as arrays."""
    starts = range(0, len(images), BATCH)
    return [model.predict_on_batch(images[start : start + BATCH]) for start in starts]


if __name__ == "__main__":
    main(measure)
