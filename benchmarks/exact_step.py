"""What do Gaussian logits add to a training step of the MNIST CNN: exactly, and by 1000 draws?

python -m benchmarks.exact_step [--quick]

`train_on_batch` of `small_cnn`, batch 100, float32, Adam; each loss has a model of its own, and the
models take turns of a few steps. Images are synthetic: their values cost the same. Every ratio is
to the plain softmax with Keras' cross-entropy.
"""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from benchmarks.paired import main, paired, row
from hetero_unc.layers import GaussianLogits, LogExpectedSoftmax
from hetero_unc.losses import ExpectedCrossEntropy, MarginalLikelihood
from hetero_unc.models import small_cnn

BATCH, CLASSES, DRAWS = 100, 10, 1000
PLAIN = "plain softmax"
CLAIMS = {
    "exact_step": ("exact", None),
    "draws_step": ("1000 draws", None),
    "exact_layer_step": (
        "LogExpectedSoftmax",
        "the same: LogExpectedSoftmax, Keras' cross-entropy / plain softmax",
    ),
    "exact_expected_step": (
        "exact ExpectedCrossEntropy",
        "the same: ExpectedCrossEntropy, exact / plain softmax",
    ),
    "blog_step": (
        "published recipe",
        "the same: the recipe as published, 1000 TFP draws, tiled labels / plain softmax",
    ),
}


def measure(quick):
    """Rows of all losses, against plain softmax."""
    rng = np.random.default_rng(0)
    images = rng.uniform(size=(BATCH, 28, 28, 1)).astype("float32")
    labels = rng.integers(CLASSES, size=BATCH)
    calls = {}
    for name, (head, loss) in losses().items():
        model = small_cnn(head, seed=0)
        model.compile(keras.optimizers.Adam(), loss)
        calls[name] = lambda model=model: model.train_on_batch(images, labels)
    rounds, steps = (4, 2) if quick else (40, 4)
    timings = paired(calls, rounds=rounds, repeat=steps, warm_up=3)
    return [
        row(name, timings, call, PLAIN, **({"claim": text} if text else {}))
        for name, (call, text) in CLAIMS.items()
    ]


def losses():
    """`{name: (head, loss)}` of what is compared."""
    from_logits = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return {
        PLAIN: (keras.layers.Dense(CLASSES), from_logits),
        "exact": (GaussianLogits(CLASSES), MarginalLikelihood(estimator="exact")),
        "1000 draws": (
            GaussianLogits(CLASSES),
            MarginalLikelihood(estimator="draws", draws=DRAWS),
        ),
        "LogExpectedSoftmax": (
            [GaussianLogits(CLASSES), LogExpectedSoftmax(estimator="exact")],
            from_logits,
        ),
        "exact ExpectedCrossEntropy": (
            GaussianLogits(CLASSES),
            ExpectedCrossEntropy(estimator="exact"),
        ),
        "published recipe": (GaussianLogits(CLASSES), published_recipe),
    }


def published_recipe(y_true, parameters):
    """The cross-entropy of Reasonable Doubt (2018): labels tiled to 1000 draws, all in memory."""
    logits = tfp.distributions.Normal(parameters[..., 0], parameters[..., 1]).sample(DRAWS)
    labels = tf.one_hot(tf.cast(tf.reshape(y_true, [-1]), tf.int32), CLASSES)
    tiled = tf.tile(labels[None], [DRAWS, 1, 1])
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(tiled, logits), axis=0)


if __name__ == "__main__":
    main(measure)
