"""Dropout that stays on at inference: each call of the model is one pass of Monte Carlo dropout.

This is not `model(x, training=True)`, which also moves the statistics of BatchNormalization and
turns on augmentation: only dropout and noise are switched on.

Reference: Gal and Ghahramani (2016), Dropout as a Bayesian approximation,
https://arxiv.org/abs/1506.02142
"""

import keras
import numpy as np

# Keras exports no name for the class of models made by `keras.Model(inputs, outputs)`.
from keras.src.models.functional import Functional

from hetero_unc.checks import check_choice, check_count
from hetero_unc.inference.rewriting import Rewriting, is_graph
from hetero_unc.inference.stochastic_layer import MASKS, StochasticLayer, stochastic_sublayers

__all__ = ["set_pass", "with_monte_carlo_dropout"]


def with_monte_carlo_dropout(model, *, masks="per_item", insertion_rate=None, seed=None):
    """A model with the weights of `model` whose dropout is on at inference.

    Both models hold the same variables: training either trains both. `model` itself predicts as
    before, and its seeds do not move. On at inference are Dropout, SpatialDropout1D to 3D,
    AlphaDropout, GaussianDropout, GaussianNoise, their subclasses, the dropout of recurrent and
    attention layers, and any of these inside wrappers, custom layers and nested models.
    BatchNormalization, augmentation and everything else stay in inference mode. The seeds of the
    dropout are the only variables that a prediction changes, beside seeds that `model` itself
    draws from at inference.

    Sequential and Functional models, nested ones too, come back as Functional models. A custom
    layer or subclassed model that holds dropout is copied by its `get_config` and
    `get_build_config`, which must rebuild it.

    Args:
        model: A built `keras.Model`.
        masks: `"per_item"`, each item its own masks; or `"per_pass"`, one mask for all items of a
            batch and, with `set_pass` before each batch, for all batches of a pass.
        insertion_rate: Float in (0, 1), puts Dropout of that rate before every layer with a kernel
            (Dense, convolution, recurrent, attention, the Gaussian head), unless its input comes
            from a dropout layer already; embeddings and normalisation get none. This is dropout
            over the whole model, as in Gal and Ghahramani. None inserts nothing. Only for
            Sequential and Functional models.
        seed: Integer >= 0. Same seed, same passes, same masks. None takes one from the system.

    Returns:
        A `keras.Model` with the inputs and outputs of `model`. Successive calls draw new masks.

    Raises:
        ValueError: `model` is not a built model, holds no dropout while `insertion_rate` is None,
            is wrapped already, holds a stateful recurrent layer with dropout, or cannot be copied;
            or another argument is out of range.

    Example:

    >>> model = keras.Sequential([
    ...     keras.Input((4,)), keras.layers.Dropout(0.5), keras.layers.Dense(2)])
    >>> stochastic = with_monte_carlo_dropout(model, seed=0)
    >>> passes = [stochastic.predict(np.ones((8, 4)), verbose=0) for _ in range(10)]
    """
    _check_model(model)
    check_choice(masks, MASKS, name="masks")
    _check_rate(insertion_rate)
    if seed is None:
        seed = int(np.random.SeedSequence().generate_state(1)[0])
    seed = check_count(seed, name="seed", minimum=0)
    if insertion_rate is None and not stochastic_sublayers(model):
        raise ValueError(
            "`model` must hold a dropout or noise layer with a rate above 0, else all passes are "
            "equal; set `insertion_rate` to put dropout before every layer with a kernel. "
            f"Received: model={model.name!r}, insertion_rate=None"
        )
    rewriting = Rewriting(masks, insertion_rate, seed)
    if is_graph(model):
        return rewriting.model(model, FunctionalMonteCarloDropout)
    if insertion_rate is not None:
        raise ValueError(
            "`insertion_rate` must be None for a subclassed model, whose calls cannot be seen; "
            "make it a Functional model, or give it dropout layers of its own. "
            f"Received: model={model.name!r}, insertion_rate={insertion_rate!r}"
        )
    return SubclassedMonteCarloDropout(rewriting.layer(model), name=model.name)


def set_pass(model, pass_index, batch_index=0):
    """Make the next call of `model` draw the masks of one pass and batch.

    They depend on the seed of `model`, `pass_index` and, for masks per item, `batch_index`, and on
    nothing drawn before: passes may run in any order, and resume. For masks per pass call this
    before each batch, and every batch of a pass gets the same masks.

    Args:
        model: A model from `with_monte_carlo_dropout`.
        pass_index: Integer >= 0.
        batch_index: Integer >= 0, the batch's place in the data. Masks per item also depend on
            their row in the batch, so keep the batch size to get the same numbers.

    Raises:
        ValueError: a number is out of range, or `model` has no dropout switched on.
    """
    check_count(pass_index, name="pass_index", minimum=0)
    check_count(batch_index, name="batch_index", minimum=0)
    layers = [part for part in model._flatten_layers() if isinstance(part, StochasticLayer)]
    if not layers:
        raise ValueError(
            "`model` must come from `with_monte_carlo_dropout`. "
            f"Received: model={model.name!r} without a StochasticLayer"
        )
    for layer in layers:
        layer.set_pass(pass_index, batch_index)


@keras.saving.register_keras_serializable(package="hetero_unc")
class FunctionalMonteCarloDropout(Functional):
    """A Functional model that is in inference mode unless `training=True`.

    Keras' augmentation layers take a call that says nothing for training, and tell the
    BatchNormalization after them.
    """

    def call(self, inputs, training=False, mask=None):
        return super().call(inputs, training=training, mask=mask)


@keras.saving.register_keras_serializable(package="hetero_unc")
class SubclassedMonteCarloDropout(keras.Model):
    """A subclassed model inside a `StochasticLayer`, in inference mode unless `training=True`."""

    def __init__(self, layer, **kwargs):
        super().__init__(**kwargs)
        self.layer = layer
        self.built = True

    def call(self, inputs, training=False):
        return self.layer(inputs, training=training)

    def get_config(self):
        return {**super().get_config(), "layer": keras.saving.serialize_keras_object(self.layer)}

    @classmethod
    def from_config(cls, config):
        layer = keras.saving.deserialize_keras_object(config["layer"])
        return cls(layer, name=config.get("name"))


def _check_model(model):
    if not isinstance(model, keras.Model) or not model.built:
        raise ValueError(
            "`model` must be a built `keras.Model`: give it an Input, or call it once. "
            f"Received: model={model!r}"
        )
    for part in model._flatten_layers():
        if isinstance(part, StochasticLayer):
            raise ValueError(
                "`model` must be the model before `with_monte_carlo_dropout`, not after. "
                f"Received: model={model.name!r} with the StochasticLayer {part.name!r}"
            )
        if isinstance(part, keras.layers.RNN) and part.stateful and stochastic_sublayers(part):
            raise ValueError(
                "A recurrent layer with dropout must not be stateful: one pass would start where "
                f"another ended. Received: layer {part.name!r} with stateful=True"
            )


def _check_rate(insertion_rate):
    number = isinstance(insertion_rate, (int, float, np.integer, np.floating))
    if insertion_rate is not None and not (number and 0 < insertion_rate < 1):
        raise ValueError(
            "`insertion_rate` must be None or lie between 0 and 1, both excluded. "
            f"Received: insertion_rate={insertion_rate!r}"
        )
