"""Dropout that stays on at inference: each call of the model is one pass of Monte Carlo dropout.

This is not `model(x, training=True)`, which also moves the statistics of BatchNormalization and
turns on augmentation: only dropout and noise are switched on.

Reference: Gal and Ghahramani (2016), Dropout as a Bayesian approximation,
https://arxiv.org/abs/1506.02142
"""

import inspect

import keras
import numpy as np

# Keras exports no name for the class of models made by `keras.Model(inputs, outputs)`.
from keras.src.models.functional import Functional

from hetero_unc.checks import check_choice, check_count
from hetero_unc.inference.shared_weights import copy_sharing_weights
from hetero_unc.inference.stochastic_layer import (
    MASKS,
    StochasticLayer,
    stochastic_sublayers,
)

__all__ = ["MonteCarloDropoutModel", "set_pass", "with_monte_carlo_dropout"]

# Weights that scale or look up rather than mix: no dropout is inserted before them.
WITHOUT_KERNEL = (
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.GroupNormalization,
    keras.layers.RMSNormalization,
    keras.layers.UnitNormalization,
    keras.layers.Normalization,
    keras.layers.PReLU,
    keras.layers.Embedding,
)
DROPOUT = (keras.layers.Dropout, keras.layers.AlphaDropout, keras.layers.GaussianDropout)
REARRANGING = (keras.layers.Flatten, keras.layers.Reshape, keras.layers.Permute)


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
    rewriting = _Rewriting(masks, insertion_rate, seed)
    if _is_graph(model):
        return rewriting.model(model)
    if insertion_rate is not None:
        raise ValueError(
            "`insertion_rate` must be None for a subclassed model, whose calls cannot be seen; "
            "make it a Functional model, or give it dropout layers of its own. "
            f"Received: model={model.name!r}, insertion_rate={insertion_rate!r}"
        )
    return MonteCarloDropoutModel(rewriting.layer(model), name=model.name)


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
class MonteCarloDropoutModel(keras.Model):
    """A subclassed model inside a `StochasticLayer`, as a model again.

    Args:
        layer: A `StochasticLayer`.
    """

    def __init__(self, layer, **kwargs):
        super().__init__(**kwargs)
        self.layer = layer
        self.built = True

    def call(self, inputs):
        return self.layer(inputs)

    def get_config(self):
        return {**super().get_config(), "layer": keras.saving.serialize_keras_object(self.layer)}

    @classmethod
    def from_config(cls, config):
        layer = keras.saving.deserialize_keras_object(config["layer"])
        return cls(layer, name=config.get("name"))


class _Rewriting:
    """One run of `with_monte_carlo_dropout`: layers met twice are converted once."""

    def __init__(self, masks, insertion_rate, seed):
        self.masks, self.insertion_rate, self.seed = masks, insertion_rate, seed
        self.converted = {}
        self.sites = 0

    def model(self, model):
        """`model` with stochastic layers, as a Functional model on new inputs."""
        sequential = isinstance(model, keras.Sequential)
        inputs = keras.tree.map_structure(
            lambda x: keras.Input(batch_shape=x.shape, dtype=x.dtype, sparse=x.sparse, name=x.name),
            model.inputs[0] if sequential else model.input,
        )
        if sequential:
            outputs = inputs
            for layer in model.layers:
                outputs = self.call(self.layer(layer), outputs)
        else:
            # What `keras.models.clone_model` does, which would also rebuild loss and optimizer.
            outputs = model._run_through_graph(inputs, operation_fn=self.layer, call_fn=self.call)
        return keras.Model(inputs, outputs, name=model.name)

    def layer(self, layer):
        """What stands for `layer` in the new model: itself where nothing is to change."""
        if not isinstance(layer, keras.Layer):  # an operation such as `x + y`
            return layer
        if id(layer) not in self.converted:
            self.converted[id(layer)] = self._convert(layer)
        return self.converted[id(layer)]

    def _convert(self, layer):
        stochastic = bool(stochastic_sublayers(layer))
        if _is_graph(layer) and (stochastic or self.insertion_rate is not None):
            return self.model(layer)
        if stochastic:
            return self._stochastic(copy_sharing_weights(layer, seed=self.seed))
        return layer

    def _stochastic(self, layer):
        self.sites += 1
        return StochasticLayer(layer, masks=self.masks, seed=self.seed, site=self.sites - 1)

    def call(self, operation, *args, **kwargs):
        """Call `operation`, with dropout before it if that is asked for and it has a kernel."""
        if isinstance(operation, StochasticLayer) and not args:
            first = next(iter(inspect.signature(operation.layer.call).parameters))
            args = (kwargs.pop(first),)
        if self.insertion_rate is not None and _has_kernel(operation):
            args = keras.tree.map_structure(lambda x: self._insert(x, operation), args)
        return operation(*args, **kwargs)

    def _insert(self, tensor, layer):
        floating = keras.backend.is_float_dtype(getattr(tensor, "dtype", "bool"))
        if not floating or _is_dropped(tensor):
            return tensor
        dropout = keras.layers.Dropout(
            self.insertion_rate,
            seed=self.seed,
            dtype=layer.dtype_policy,
            name=f"dropout_before_{layer.name}_{self.sites}",
        )
        return self._stochastic(dropout)(tensor)


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


def _is_graph(layer):
    """Whether `layer` is a Sequential or Functional model that runs its graph and nothing else."""
    if not isinstance(layer, Functional | keras.Sequential) or not getattr(layer, "inputs", None):
        return False
    return type(layer).call in (Functional.call, keras.Sequential.call)


def _has_kernel(operation):
    """Whether `operation` is a layer, not a graph, with weights beyond `WITHOUT_KERNEL`."""
    if not isinstance(operation, keras.Layer) or _is_graph(operation):
        return False
    without = {
        id(weight)
        for part in operation._flatten_layers()
        if isinstance(part, WITHOUT_KERNEL)
        for weight in part.weights
    }
    return any(id(weight) not in without for weight in operation.weights)


def _is_dropped(tensor):
    """Whether a symbolic tensor comes from a dropout layer, at most rearranged since."""
    operation, node_index, _ = tensor._keras_history
    while isinstance(operation, REARRANGING):
        tensor = operation._inbound_nodes[node_index].input_tensors[0]
        operation, node_index, _ = tensor._keras_history
    return isinstance(operation, StochasticLayer) and isinstance(operation.layer, DROPOUT)
