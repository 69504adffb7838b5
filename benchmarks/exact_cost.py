"""What do the integrals cost beside 1000 draws: loss, gradient of loc and gradient of scale?

python -m benchmarks.exact_cost [--quick]

The marginal likelihood of 128 items, alone: no network, no optimiser. `exact` and `streamed draws`
are the package's loss in a TensorFlow graph, as a training step runs it. `1000 draws` is the plain
recipe, TFP draws of all logits at once, in graph mode and under XLA.
"""

import math

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from benchmarks.paired import main, paired, row
from hetero_unc.losses import MarginalLikelihood

ITEMS, DRAWS = 128, 1000
PLAIN, XLA, STREAMED = "1000 draws", "1000 draws, XLA", "streamed draws"


def measure(quick):
    """Rows for ten and for a thousand classes."""
    rows = []
    for num_classes, rounds in ((10, 5 if quick else 30), (1000, 1 if quick else 7)):
        name = f"exact_cost_c{num_classes}"
        timings = time_losses(num_classes, rounds, quick)
        rows.append(row(name, timings, "exact", PLAIN))
        where = f"the same, C={num_classes}"
        for suffix, below, claim in (
            ("xla", XLA, f"{where}: exact / 1000 draws under XLA"),
            ("streamed", STREAMED, f"{where}: exact / our streamed draws"),
        ):
            if below in timings.seconds:
                rows.append(row(f"{name}_{suffix}", timings, "exact", below, claim=claim))
    return rows


def time_losses(num_classes, rounds, quick):
    """Timings of one evaluation of each; a quick run leaves out what takes long to compile."""
    rng = np.random.default_rng(0)
    loc = rng.normal(0, 3, size=(ITEMS, num_classes))
    scale = rng.lognormal(-0.7, 1.0, size=(ITEMS, num_classes))
    parameters = tf.constant(np.stack([loc, scale], axis=-1), tf.float32)
    labels = tf.constant(rng.integers(num_classes, size=ITEMS))
    exact = MarginalLikelihood(estimator="exact")
    streamed = MarginalLikelihood(estimator="draws", draws=DRAWS)
    calls = {
        "exact": with_gradient(exact, labels, parameters),
        PLAIN: with_gradient(plain_recipe, labels, parameters),
        STREAMED: with_gradient(streamed, labels, parameters),
    }
    if num_classes == 10 or not quick:
        calls[XLA] = with_gradient(plain_recipe_for_xla, labels, parameters, jit_compile=True)
    # An evaluation of a millisecond is timed several at a time.
    repeat = dict.fromkeys(calls, 1) | {"exact": 20 if num_classes < 100 else 2}
    return paired(calls, rounds=rounds, repeat=repeat, warm_up=1)


def with_gradient(loss, labels, parameters, **options):
    """A call without arguments that returns the mean loss and its gradient."""

    @tf.function(**options)
    def evaluate(parameters):
        with tf.GradientTape() as tape:
            tape.watch(parameters)
            value = tf.reduce_mean(loss(labels, parameters))
        return value, tape.gradient(value, parameters)

    return lambda: evaluate(parameters)


def plain_recipe(labels, parameters):
    """Draws from TFP, all in memory."""
    logits = tfp.distributions.Normal(parameters[..., 0], parameters[..., 1]).sample(DRAWS)
    return negative_log_mean(labels, logits)


def plain_recipe_for_xla(labels, parameters):
    """The same; the generator that TFP would use is slow under XLA on a CPU, and Philox is not."""
    shape = [DRAWS, *parameters.shape[:2]]
    noise = tf.random.stateless_normal(shape, seed=[0, 1], alg="philox")
    return negative_log_mean(labels, parameters[..., 0] + parameters[..., 1] * noise)


def negative_log_mean(labels, logits):
    """-log of the mean over draws of the label's probability, `(N,)`."""
    tiled = tf.broadcast_to(labels, tf.shape(logits)[:2])
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tiled, logits)
    return math.log(DRAWS) - tf.reduce_logsumexp(-losses, axis=0)


if __name__ == "__main__":
    main(measure)
