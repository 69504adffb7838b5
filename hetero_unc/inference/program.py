"""A model of Keras' graphs as one straight line of steps, nested models written out.

The line is cut in two: what depends on no dropout, to run once an item, and the rest, to run once a
pass. The cut may go through any number of tensors.
"""

import dataclasses

import keras

from hetero_unc.inference.rewriting import is_graph
from hetero_unc.inference.stochastic_layer import StochasticLayer

__all__ = ["Program", "Step", "Value", "holds_dropout", "program_of", "split"]


@dataclasses.dataclass(frozen=True, eq=False)
class Value:
    """Stands for one tensor: `shape` with None for what is not known, and `dtype`."""

    shape: tuple
    dtype: str


@dataclasses.dataclass(frozen=True, eq=False)
class Step:
    """One call of a layer or operation; `args` and `kwargs` hold `Value`s among other things."""

    operation: object
    args: tuple
    kwargs: dict
    outputs: list

    @property
    def inputs(self):
        """The `Value`s that the step reads."""
        leaves = keras.tree.flatten((self.args, self.kwargs))
        return [leaf for leaf in leaves if isinstance(leaf, Value)]


@dataclasses.dataclass(frozen=True, eq=False)
class Program:
    """Steps in the order in which they run."""

    inputs: list
    steps: list
    outputs: list


def program_of(model):
    """The `Program` of a Sequential or Functional model.

    A nested Sequential or Functional model is written out, unless it is called with other arguments
    than its inputs. Layers keep their variables, and their order is that of a call of `model`.
    """
    inputs = [_value(x) for x in model.inputs]
    steps = []
    return Program(inputs, steps, _write(model, inputs, steps))


def split(program):
    """`(before, after)`: the steps that no dropout reaches, and the others.

    The outputs of the first program are the inputs of the second.
    """
    reached, before, after = set(), [], []
    for step in program.steps:
        if holds_dropout(step.operation) or not reached.isdisjoint(step.inputs):
            reached.update(step.outputs)
            after.append(step)
        else:
            before.append(step)
    read = [value for step in after for value in step.inputs] + program.outputs
    cut = [value for value in dict.fromkeys(read) if value not in reached]
    return Program(program.inputs, before, cut), Program(cut, after, program.outputs)


def holds_dropout(operation):
    """Whether `operation` is or holds a `StochasticLayer`."""
    if not isinstance(operation, keras.Layer):
        return False
    return any(isinstance(part, StochasticLayer) for part in operation._flatten_layers())


def _write(model, inputs, steps):
    """Append the steps of `model` for these inputs; return its outputs."""
    # Keras' own walk, `_run_through_graph`, does not tell what a step returns before it is run.
    graph = model._functional if isinstance(model, keras.Sequential) else model
    known = dict(zip(map(id, graph.inputs), inputs, strict=True))
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for node in graph._nodes_by_depth[depth]:
            if node.is_input:
                continue
            args, kwargs = node.arguments.fill_in(known)
            given, wanted = keras.tree.flatten(args), getattr(node.operation, "inputs", None)
            # Keras writes down `training` and an empty `mask` for any model that is called.
            plain = all(value is None or name == "training" for name, value in kwargs.items())
            if is_graph(node.operation) and plain and _fit(given, wanted):
                given = [_cast(x, y.dtype, steps) for x, y in zip(given, wanted, strict=True)]
                outputs = _write(node.operation, given, steps)
            else:
                outputs = [_value(x) for x in node.outputs]
                steps.append(Step(node.operation, args, kwargs, outputs))
            known.update(zip(map(id, node.outputs), outputs, strict=True))
    return [known[id(x)] for x in graph.outputs]


def _fit(given, wanted):
    """Whether a nested model takes these values as they are, but for their dtype."""
    return len(given) == len(wanted) and all(
        isinstance(x, Value) and len(x.shape) == len(y.shape)
        for x, y in zip(given, wanted, strict=True)
    )


def _cast(value, dtype, steps):
    """What a nested model does to an input of another dtype than it was built for."""
    if value.dtype == dtype:
        return value
    outputs = [Value(value.shape, dtype)]
    steps.append(Step(keras.ops.cast, (value, dtype), {}, outputs))
    return outputs[0]


def _value(tensor):
    return Value(tuple(tensor.shape), keras.backend.standardize_dtype(tensor.dtype))
