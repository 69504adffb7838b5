"""The two halves of a `Program` as Keras models: one runs once an item, one for K passes."""

import contextlib

import keras
from keras import ops

# Keras exports no way to hand on the mask of a tensor that leaves one model and enters another.
from keras.src.backend import get_keras_mask, set_keras_mask

from hetero_unc.inference.drawing import Drawing
from hetero_unc.inference.program import Value
from hetero_unc.inference.stochastic_layer import StochasticLayer

__all__ = ["Prefix", "Tail"]


class Half(keras.Model):
    """Runs the steps of a `Program`; the layers that they call are this model's too."""

    def __init__(self, program):
        super().__init__(dtype="float32")
        self.autocast = False  # each layer inside casts, by its own policy
        self.supports_masking = True
        self.program = program
        operations = dict.fromkeys(step.operation for step in program.steps)
        self.parts = [part for part in operations if isinstance(part, keras.Layer)]
        self.built = True

    def compute_mask(self, inputs, previous_mask):
        """None: masks are handed on by name."""


class Prefix(Half):
    """What no dropout reaches: inputs `(N, ...)` -> tensors `(N, ...)` and their Keras masks."""

    def call(self, inputs, training=False):
        known = dict(zip(self.program.inputs, inputs, strict=True))
        for step in self.program.steps:
            known.update(_outputs(step, known.__getitem__))
        outputs = [known[value] for value in self.program.outputs]
        return outputs, [get_keras_mask(x) for x in outputs]


class Tail(Half):
    """What dropout reaches, and `statistics` of its output, for K passes of N items.

    Args:
        program: The second part of `split`; it has one output.
        statistics: Layer from that output, `(n, ...)`, to a dictionary of tensors `(n, ...)`. If it
            has a `seed_generator`, each pass draws from a seed of its own.
    """

    def __init__(self, program, statistics):
        super().__init__(program)
        self.statistics = statistics
        self.sites = [x for x in self._flatten_layers() if isinstance(x, StochasticLayer)]
        self.drawing = Drawing(statistics) if hasattr(statistics, "seed_generator") else None

    def call(self, inputs, masks, keys, seeds, training=False):
        """What `Prefix` returns, and seeds -> dictionary of `(K * N, ...)`.

        Args:
            inputs, masks: Of N items, which all passes share.
            keys: A list of int32 `(S, K, 2)`, one for each of `sites`.
            seeds: int32 `(K, 2)` for the draws of `statistics`.
        """
        passes = seeds.shape[0]
        shared = dict(zip(self.program.inputs, zip(inputs, masks, strict=True), strict=True))
        known = {}

        def read(value):
            if value not in known:
                known[value] = _repeated(*shared[value], passes)
            return known[value]

        with contextlib.ExitStack() as stack:
            for site, key in zip(self.sites, keys, strict=True):
                stack.enter_context(site.folded(key))
            if self.drawing:
                stack.enter_context(self.drawing.folded(seeds))
            for step in self.program.steps:
                tensor = self._shared_input(step, shared)
                if tensor is None:
                    known.update(_outputs(step, read))
                else:
                    known[step.outputs[0]] = step.operation.call_shared(tensor)
            return self.statistics(read(self.program.outputs[0]))

    def _shared_input(self, step, shared):
        """The tensor of N items that a dropout layer can take as it is, or None."""
        site = step.operation
        if not isinstance(site, StochasticLayer) or not site.can_share:
            return None
        tensor, mask = shared.get(step.inputs[0], (None, None))
        return tensor if mask is None else None


def _outputs(step, read):
    """Run a step on what `read` returns for its values: its outputs, each with its tensor."""
    args, kwargs = keras.tree.map_structure(
        lambda x: read(x) if isinstance(x, Value) else x, (step.args, step.kwargs)
    )
    if "training" in getattr(step.operation, "_call_context_args", ()):
        kwargs = {**kwargs, "training": False}
    return zip(step.outputs, keras.tree.flatten(step.operation(*args, **kwargs)), strict=True)


def _repeated(x, mask, passes):
    """All items for each pass: `(N, ...)` -> `(K * N, ...)`."""
    repeated = _tiled(x, passes)
    if mask is not None:
        set_keras_mask(repeated, _tiled(mask, passes))
    return repeated


def _tiled(x, passes):
    return x if passes == 1 else ops.tile(x, (passes, *(1,) * (len(x.shape) - 1)))
