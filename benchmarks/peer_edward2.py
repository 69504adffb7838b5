"""edward2's heteroscedastic softmax against `GaussianLogits` with the exact loss.

python -m benchmarks.peer_edward2 [--quick]

edward2's MCSoftmaxDense and MCSoftmaxDenseFA need a TensorFlow that no longer installs. What is
timed is their published algorithm (Collier et al., 2021, https://arxiv.org/abs/2105.10305), written
plainly: loc, factors and a diagonal scale of at least 0.001 from three dense layers, 1000 draws of
`loc + factors @ e_R + diagonal * e_C`, the mean of their softmax at a temperature, its log. Head,
loss and gradients of the weights on 128 vectors of 1024 features, ten classes. `errors` are root
mean squares over items, of the label's probability on logits of one set of parameters: at rank 4
both sides draw, theirs 1000 times all of the logits, ours 64 points for the factors.
"""

import keras
import numpy as np
import scipy.special
import tensorflow as tf

from benchmarks.head_step import CLASSES, FEATURES, ITEMS, head_step
from benchmarks.paired import main, paired, row
from hetero_unc.layers import GaussianLogits
from hetero_unc.losses import MarginalLikelihood

DRAWS, FACTORS = 1000, 4
SMALLEST_SCALE = 1e-3


class PublishedHead(tf.Module):
    """Features `(N, H)` -> log of the mean softmax of the draws, `(N, C)`."""

    def __init__(self, factors, temperature=1.0):
        super().__init__()
        self.factors, self.temperature = factors, temperature
        self.loc = keras.layers.Dense(CLASSES)
        self.diagonal = keras.layers.Dense(CLASSES, activation="softplus")
        self.parts = [self.loc, self.diagonal]
        if factors:
            self.loadings = keras.layers.Dense(CLASSES * factors)
            self.parts.append(self.loadings)
        for part in self.parts:
            part.build((None, FEATURES))

    @property
    def trainable_variables(self):
        return [variable for part in self.parts for variable in part.trainable_variables]

    def __call__(self, features):
        items = features.shape[0]
        loc, diagonal = self.loc(features), self.diagonal(features) + SMALLEST_SCALE
        latent = loc + diagonal * tf.random.normal([DRAWS, items, CLASSES])
        if self.factors:
            loadings = tf.reshape(self.loadings(features), [items, CLASSES, self.factors])
            noise = tf.random.normal([DRAWS, items, self.factors])
            latent += tf.einsum("ncr,dnr->dnc", loadings, noise)
        return tf.math.log(tf.reduce_mean(tf.nn.softmax(latent / self.temperature), axis=0))


def negative_log_likelihood(labels, log_probabilities):
    """`(N,)`, nats."""
    return -tf.gather(log_probabilities, labels, axis=1, batch_dims=1)


def measure(quick):
    """Rows `edward2_diagonal` and `edward2_factors`, the peer's seconds over ours."""
    rows = [measure_head(quick, "edward2_diagonal", 0)]
    try:
        rows.append(measure_head(quick, "edward2_factors", FACTORS))
    except ValueError as error:  # a loss that takes no factors has nothing to compare
        print(f"edward2_factors is not measured: {error}")
    return rows


def measure_head(quick, name, factors):
    """The row of one covariance: diagonal, or diagonal plus so many factors."""
    calls = {
        "published": head_step(PublishedHead(factors), negative_log_likelihood),
        "ours": head_step(
            GaussianLogits(CLASSES, rank=factors), MarginalLikelihood(estimator="exact")
        ),
    }
    repeat = {"published": 1, "ours": 10}
    timings = paired(calls, rounds=4 if quick else 30, repeat=repeat, warm_up=2)
    what = f"rank {factors}" if factors else "diagonal"
    claim = f"head, loss, gradients, {what}: edward2's algorithm, 1000 draws / ours"
    return row(name, timings, "published", "ours", claim=claim, errors=errors(factors))


def errors(factors, repetitions=6):
    """Root mean square errors of the label's probability, against 12 times 4096 points."""
    rng = np.random.default_rng(0)
    parameters = np.concatenate(
        [
            rng.normal(0, 2, (ITEMS, CLASSES, 1)),
            rng.uniform(0.3, 1.5, (ITEMS, CLASSES, 1)),
            rng.normal(0, 0.7, (ITEMS, CLASSES, factors)),
        ],
        axis=-1,
    ).astype(np.float32)
    labels = rng.integers(CLASSES, size=ITEMS)

    def ours(seed, points):
        loss = MarginalLikelihood(factor_draws=points, seed=seed, reduction="none")
        return np.exp(-keras.ops.convert_to_numpy(loss(labels, parameters)))

    truth = np.mean([ours(seed, 4096) for seed in range(100, 112)], axis=0)
    found = {
        "published": [published_probability(rng, parameters, labels) for _ in range(repetitions)],
        "ours": [ours(seed, 64) for seed in range(repetitions)],
    }
    return {
        name: float(np.sqrt(np.mean((np.array(values) - truth) ** 2)))
        for name, values in found.items()
    }


def published_probability(rng, parameters, labels):
    """`(N,)`, the mean softmax of 1000 draws at the label."""
    loc, scale, loadings = np.split(parameters, [1, 2], axis=2)
    latent = loc[..., 0] + scale[..., 0] * rng.normal(size=(DRAWS, *loc.shape[:2]))
    noise = rng.normal(size=(DRAWS, len(loc), loadings.shape[2]))
    latent += np.einsum("ncr,dnr->dnc", loadings, noise)
    return scipy.special.softmax(latent, axis=-1).mean(axis=0)[np.arange(len(labels)), labels]


if __name__ == "__main__":
    main(measure)
