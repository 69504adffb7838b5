"""The networks, losses and distributions of the regression experiment.

Many networks train side by side: the leading axis of every tensor is M = decays * seeds networks
that share nothing, so that a search over decays for every seed costs one fit.
"""

import keras
import numpy as np
import tensorflow_probability as tfp
from keras import ops

LOG_TWO_PI = float(np.log(2 * np.pi))


class SideBySide(keras.layers.Layer):
    """M dense layers, one a network: `(M, N, inputs)` -> `(M, N, units)`.

    Args:
        units: Integer.
        settings: Gives the seeds and decays of the networks, ordered by decay, then seed. Networks
            of one seed start from the same weights.
        number: Integer, tells this layer's initial weights from another's.
        activation: As in `keras.layers.Dense`.
        reach: Initial kernels and biases are uniform, the kernels' Glorot bound times this.
    """

    def __init__(self, units, settings, number, activation=None, reach=1.0, **kwargs):
        super().__init__(**kwargs)
        self.units, self.settings, self.number, self.reach = units, settings, number, reach
        self.activation = keras.activations.get(activation)

    def build(self, input_shape):
        inputs = input_shape[-1]
        bound = self.reach * np.sqrt(6 / (inputs + self.units))
        kernels, biases = [], []
        for seed in self.settings.seeds:
            rng = np.random.default_rng((seed, self.number))
            kernels.append(rng.uniform(-bound, bound, (inputs, self.units)))
            biases.append(rng.uniform(-bound, bound, (1, self.units)))
        decays = np.repeat(self.settings.decays, len(self.settings.seeds))[:, None, None]
        self.kernel = self._weights("kernel", kernels, lambda w: ops.sum(decays * ops.square(w)))
        self.bias = self._weights("bias", biases)

    def _weights(self, name, by_seed, regularizer=None):
        start = np.tile(np.stack(by_seed), (len(self.settings.decays), 1, 1))
        return self.add_weight(
            name=name,
            shape=start.shape,
            initializer=lambda shape, dtype: ops.convert_to_tensor(start, dtype),
            regularizer=regularizer,
        )

    def call(self, inputs):
        return self.activation(ops.matmul(inputs, self.kernel) + self.bias)


def network(settings, streams):
    """Figure 2 of the blog: `(M, N, 1)` -> `(M, N, streams)`.

    One stream is Figure 2a; two, the mean and the logarithm of the variance, are Figure 2b: a
    shared trunk, then a hidden layer and an output of its own for each parameter.
    """
    x = keras.Input((None, 1))
    # A wide first layer bends everywhere in [-1, 1], so that the network is able to over-fit.
    trunk = SideBySide(settings.width, settings, 0, "tanh", reach=8.0)(x)
    outputs = []
    for stream in range(streams):
        hidden = SideBySide(settings.width, settings, 1 + stream, "tanh")(trunk)
        outputs.append(SideBySide(1, settings, 11 + stream)(hidden))
    return keras.Model(x, keras.layers.Concatenate()(outputs) if streams > 1 else outputs[0])


class SquaredError(keras.losses.Loss):
    """Half the mean squared error of the first stream, summed over networks."""

    def __init__(self):
        super().__init__(name="squared_error", reduction="sum")

    def call(self, y_true, y_pred):
        return ops.mean(ops.square(y_true - y_pred[..., 0]), axis=-1) / 2


class GaussianLikelihood(keras.losses.Loss):
    """Mean of -log N(y; mean, sd) with s = log sd^2, summed over networks.

    `((y - mean)^2 exp(-s) + s + log 2 pi) / 2`: no division and no logarithm that could overflow.
    """

    def __init__(self):
        super().__init__(name="gaussian_likelihood", reduction="sum")

    def call(self, y_true, y_pred):
        mean, s = y_pred[..., 0], y_pred[..., 1]
        cost = ops.square(y_true - mean) * ops.exp(-s) + s + LOG_TWO_PI
        return ops.mean(cost, axis=-1) / 2


class NegativeLogLikelihood(keras.losses.Loss):
    """The slot: mean of -log p(y) under any TFP distribution, summed over networks.

    Args:
        make_distribution: Takes the streams `(M, N, streams)`, one for each parameter, and returns
            a `tfp.distributions.Distribution` of batch shape `(M, N)`.
    """

    def __init__(self, make_distribution):
        super().__init__(name="negative_log_likelihood", reduction="sum")
        self.make_distribution = make_distribution

    def call(self, y_true, y_pred):
        return -ops.mean(self.make_distribution(y_pred).log_prob(y_true), axis=-1)


def normal(parameters):
    loc, s = ops.unstack(parameters, axis=-1)
    return tfp.distributions.Normal(loc, ops.exp(s / 2))


def laplace(parameters):
    loc, s = ops.unstack(parameters, axis=-1)
    return tfp.distributions.Laplace(loc, ops.exp(s / 2))


def student_t(parameters):
    loc, s, freedom = ops.unstack(parameters, axis=-1)
    # Above one degree of freedom the mean exists.
    return tfp.distributions.StudentT(1 + ops.softplus(freedom), loc, ops.exp(s / 2))


DISTRIBUTIONS = {"normal": (normal, 2), "laplace": (laplace, 2), "student_t": (student_t, 3)}


def train(settings, loss, streams, splits, grid):
    """Fit all networks; return what they say of each split, and of the test split by epoch.

    Parameters
    ----------
    settings : regression.Settings
    loss : keras.losses.Loss
        Of `y` (M, items) and the network's outputs (M, items, streams), summed over networks.
    splits : dict of str to (x, y)
        "train" and "test" among them, each (S, items).
    grid : array, shape (points,)

    Returns
    -------
    parameters : dict of str to array, shape (decays, S, items, streams)
        For the splits and for "grid".
    by_epoch : list of arrays, shape (decays, S, test items, streams)
    """
    decays, seeds = len(settings.decays), len(settings.seeds)

    def tiled(values):
        return np.tile(values, (decays, 1)).astype("float32")

    model = network(settings, streams)
    schedule = keras.optimizers.schedules.CosineDecay(
        settings.learning_rate, settings.epochs * settings.steps_per_epoch
    )
    # One execution an epoch: these steps are so small that calling them costs more than they do.
    model.compile(
        keras.optimizers.Adam(schedule), loss, steps_per_execution=settings.steps_per_epoch
    )

    def predict(x):
        outputs = np.asarray(model(tiled(x)[..., None]))
        return outputs.reshape(decays, seeds, *outputs.shape[1:])

    by_epoch = []
    record = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: by_epoch.append(predict(splits["test"][0]))
    )
    x, y = (tiled(values) for values in splits["train"])
    batches = ((x[..., None], y) for _ in range(settings.epochs * settings.steps_per_epoch))
    model.fit(
        batches,
        epochs=settings.epochs,
        steps_per_epoch=settings.steps_per_epoch,
        callbacks=[record],
        shuffle=False,
        verbose=0,
    )
    parameters = {name: predict(x) for name, (x, _) in splits.items()}
    parameters["grid"] = predict(np.tile(grid, (seeds, 1)))
    return parameters, by_epoch
