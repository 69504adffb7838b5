"""Rebuilds a Sequential or Functional model on its own layers, those with dropout switched on."""

import inspect

import keras

# Keras exports no name for the class of models made by `keras.Model(inputs, outputs)`.
from keras.src.models.functional import Functional

from hetero_unc.inference.shared_weights import copy_sharing_weights
from hetero_unc.inference.stochastic_layer import StochasticLayer, stochastic_sublayers

__all__ = ["Rewriting", "is_graph"]

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


class Rewriting:
    """Rebuilds the graph of one model on the same layers; a layer met twice is converted once.

    Args:
        masks, seed: As for `StochasticLayer`.
        insertion_rate: Rate of the dropout put before layers with a kernel; None for no such.
    """

    def __init__(self, masks, insertion_rate, seed):
        self.masks, self.insertion_rate, self.seed = masks, insertion_rate, seed
        self.converted = {}
        self.sites = 0

    def model(self, model, cls=keras.Model):
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
        return cls(inputs, outputs, name=model.name)

    def layer(self, layer):
        """What stands for `layer` in the new model: itself where nothing is to change."""
        if not isinstance(layer, keras.Layer):  # an operation such as `x + y`
            return layer
        if id(layer) not in self.converted:
            self.converted[id(layer)] = self._convert(layer)
        return self.converted[id(layer)]

    def _convert(self, layer):
        stochastic = bool(stochastic_sublayers(layer))
        if is_graph(layer) and (stochastic or self.insertion_rate is not None):
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


def is_graph(layer):
    """Whether `layer` is a Sequential or Functional model that runs its graph and nothing else."""
    if not isinstance(layer, Functional | keras.Sequential) or not getattr(layer, "inputs", None):
        return False
    return type(layer).call in (Functional.call, keras.Sequential.call)


def _has_kernel(operation):
    """Whether `operation` is a layer, not a graph, with weights beyond `WITHOUT_KERNEL`."""
    if not isinstance(operation, keras.Layer) or is_graph(operation):
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
