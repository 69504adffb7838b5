"""What does the likelihood of raw vote counts cost: exactly, and by 1000 draws?

python -m benchmarks.votes_cost [--quick]

128 items with ten votes each on ten classes: loss, gradient of loc and gradient of scale in a
TensorFlow graph, as a training step runs it. `exact` and `streamed draws` are `VoteLikelihood`;
`1000 draws` is the plain recipe, TFP draws of all logits at once.
"""

import math

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from benchmarks.exact_cost import with_gradient
from benchmarks.paired import main, paired, row
from hetero_unc.losses import VoteLikelihood

ITEMS, CLASSES, VOTES, DRAWS = 128, 10, 10, 1000
PLAIN, STREAMED = "1000 draws", "streamed draws"


def measure(quick):
    """The rows `votes_cost` and `votes_cost_streamed`."""
    rng = np.random.default_rng(0)
    loc = rng.normal(0, 3, size=(ITEMS, CLASSES))
    scale = rng.lognormal(-0.7, 1.0, size=(ITEMS, CLASSES))
    parameters = tf.constant(np.stack([loc, scale], axis=-1), tf.float32)
    chances = np.exp(loc) / np.exp(loc).sum(axis=1, keepdims=True)
    votes = tf.constant(rng.multinomial(VOTES, chances), tf.float32)
    calls = {
        "exact": with_gradient(VoteLikelihood(estimator="exact"), votes, parameters),
        PLAIN: with_gradient(plain_recipe, votes, parameters),
        STREAMED: with_gradient(VoteLikelihood(estimator="draws", draws=DRAWS), votes, parameters),
    }
    timings = paired(calls, rounds=5 if quick else 30, repeat=3 if quick else 10, warm_up=2)
    claim = "the same, ten votes: exact / our streamed draws"
    return [
        row("votes_cost", timings, "exact", PLAIN),
        row("votes_cost_streamed", timings, "exact", STREAMED, claim=claim),
    ]


def plain_recipe(votes, parameters):
    """-log of the mean over draws of the likelihood of the votes, `(N,)`: all draws in memory."""
    logits = tfp.distributions.Normal(parameters[..., 0], parameters[..., 1]).sample(DRAWS)
    likelihood = tf.reduce_sum(votes * tf.nn.log_softmax(logits), axis=-1)
    return math.log(DRAWS) - tf.reduce_logsumexp(likelihood, axis=0)


if __name__ == "__main__":
    main(measure)
