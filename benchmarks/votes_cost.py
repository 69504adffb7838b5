"""What does the likelihood of raw vote counts cost: exactly, and by 1000 draws?

python -m benchmarks.votes_cost [--quick]

`VoteLikelihood` of 128 items with ten votes each on ten classes: loss, gradient of loc and gradient
of scale in a TensorFlow graph, as a training step runs it.
"""

import numpy as np
import tensorflow as tf

from benchmarks.exact_cost import with_gradient
from benchmarks.paired import main, paired, row
from hetero_unc.losses import VoteLikelihood

ITEMS, CLASSES, VOTES, DRAWS = 128, 10, 10, 1000
DRAWN = f"{DRAWS} draws"


def measure(quick):
    """The row `votes_cost`."""
    rng = np.random.default_rng(0)
    loc = rng.normal(0, 3, size=(ITEMS, CLASSES))
    scale = rng.lognormal(-0.7, 1.0, size=(ITEMS, CLASSES))
    parameters = tf.constant(np.stack([loc, scale], axis=-1), tf.float32)
    chances = np.exp(loc) / np.exp(loc).sum(axis=1, keepdims=True)
    votes = tf.constant(rng.multinomial(VOTES, chances), tf.float32)
    calls = {
        "exact": with_gradient(VoteLikelihood(estimator="exact"), votes, parameters),
        DRAWN: with_gradient(VoteLikelihood(estimator="draws", draws=DRAWS), votes, parameters),
    }
    timings = paired(calls, rounds=5 if quick else 30, repeat=3 if quick else 10, warm_up=2)
    return [row("votes_cost", timings, "exact", DRAWN)]


if __name__ == "__main__":
    main(measure)
