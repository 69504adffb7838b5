"""How one stochastic layer draws: for a pass by itself, or for K passes folded into the batch.

Folded rows are ordered by pass, `(K * N, ...)`: the N items of the first pass, then those of the
second. Each pass draws from a seed of its own, so its masks are those that it would have by itself.
"""

import contextlib
import functools

import keras
from keras import ops

from hetero_unc.gaussian.seeds import replica_number
from hetero_unc.inference.masks import dropped

__all__ = ["COUNTED", "NOISE", "Drawing", "always_training", "is_cell"]

# Their masks are those of `hetero_unc.inference.masks`; the others draw as Keras does.
COUNTED = (
    keras.layers.Dropout,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
)
NOISE = (keras.layers.GaussianDropout, keras.layers.AlphaDropout, keras.layers.GaussianNoise)


class Drawing:
    """Takes over how one layer draws.

    Args:
        layer: A layer that draws from its `seed_generator` when it is called, or a recurrent cell
            with dropout. It is changed.
        per_pass: Whether all items of a pass share their masks.

    Raises:
        ValueError: the items of a pass cannot share the masks of `layer`.
    """

    def __init__(self, layer, per_pass=False):
        self.layer, self.per_pass = layer, per_pass
        self.keys, self.drawn, self.current, self.shared = None, 0, 0, False
        self.counted = type(layer) in COUNTED and _noise_shape(layer, 1)[0] in (None, 1)
        self._next_seed = layer.seed_generator.next
        layer.seed_generator.next = self._next
        trains = layer._call_has_training_arg
        plain = always_training(layer.call) if trains else layer.call
        if is_cell(layer):
            # A cell that is told `training` passes it on, through Keras' call context, to every
            # layer called after it: BatchNormalization would follow. Untold, it leaves it alone.
            layer._call_has_training_arg = False
            layer.call = plain
            for name in ("dropout_mask", "recurrent_dropout_mask"):
                get_mask = getattr(layer, f"get_{name}")
                setattr(layer, f"get_{name}", self._mask_of_cell(get_mask, f"_{name}"))
            return
        if per_pass and not self.counted:
            plain = _of_one_item(layer, plain)
        self._plain = plain
        layer.call = lambda *args, **kwargs: self._call(*args, **kwargs)

    @contextlib.contextmanager
    def folded(self, keys):
        """Within this context a call draws for K passes.

        Args:
            keys: int32 tensor `(K, 2)`, the seed of each pass.
        """
        self.keys, self.drawn = keys, 0
        try:
            yield
        finally:
            self.keys = None

    def _next(self, ordered=True):
        """The seed of the next draw, in place of the layer's own `seed_generator.next`."""
        if self.keys is None:
            seed = self._next_seed(ordered)
            return seed if self.per_pass else seed + _of_replica(seed.dtype)
        seed = self.keys[self.current] + ops.convert_to_tensor([0, self.drawn], dtype="int32")
        self.drawn += 1
        return ops.cast(seed, self.layer.seed_generator.state.dtype)

    def _call(self, *args, **kwargs):
        if self.counted:
            return self._dropped(args[0] if args else kwargs["inputs"])
        if self.keys is None:
            return self._plain(*args, **kwargs)
        return self._each_pass(self._plain, args, kwargs)

    def _dropped(self, inputs):
        if self.keys is None:
            keys = ops.cast(ops.expand_dims(self._next(), 0), "int32")
        else:
            keys = self.keys + ops.convert_to_tensor([[0, self.drawn]], dtype="int32")
            self.drawn += 1
        shape = ops.shape(inputs)
        passes = 1 if self.shared else keys.shape[0]
        inputs = ops.reshape(inputs, (passes, shape[0] // passes, *shape[1:]))
        noise_shape = _noise_shape(self.layer, len(shape))
        if self.per_pass:
            noise_shape = (1, *noise_shape[1:])
        outputs = dropped(inputs, keys, self.layer.rate, noise_shape)
        return ops.reshape(outputs, (-1, *shape[1:]))

    def _each_pass(self, function, args, kwargs):
        """Call `function` on the rows of each pass, with the seed of that pass."""
        passes, before, outputs = self.keys.shape[0], self.drawn, []
        for self.current in range(passes):
            self.drawn = before
            rows = functools.partial(_rows_of_pass, index=self.current, passes=passes)
            own_args, own_kwargs = keras.tree.map_structure(rows, (args, kwargs))
            outputs.append(function(*own_args, **own_kwargs))
        if outputs[0] is None:
            return None
        return keras.tree.map_structure(lambda *parts: ops.concatenate(parts, axis=0), *outputs)

    def _mask_of_cell(self, get_mask, cache):
        def of_one_pass(step_input):
            if not self.per_pass:
                return get_mask(step_input)
            mask = get_mask(step_input[:1])
            return keras.tree.map_structure(
                lambda x: x if x is None else ops.broadcast_to(x, ops.shape(step_input)), mask
            )

        def of_a_new_pass(step_input):
            setattr(self.layer, cache, None)
            return of_one_pass(step_input)

        @functools.wraps(get_mask)
        def of_all_passes(step_input):
            if self.keys is None:
                return of_one_pass(step_input)
            if getattr(self.layer, cache, None) is None:
                mask = self._each_pass(of_a_new_pass, (step_input,), {})
                setattr(self.layer, cache, mask)
            return getattr(self.layer, cache)

        return of_all_passes


def is_cell(layer):
    """Whether `layer` is a recurrent cell with dropout; their common base class is not public."""
    return hasattr(layer, "get_recurrent_dropout_mask")


def always_training(call):
    """`call` of a layer, in training mode whatever it is told."""

    @functools.wraps(call)
    def training_call(*args, **kwargs):
        return call(*args, **{**kwargs, "training": True})

    return training_call


def _of_one_item(layer, plain):
    """`plain`, with the noise of one item for all of them."""
    if type(layer) not in (*COUNTED, *NOISE):
        raise ValueError(
            "masks='per_pass' must be able to make one mask for all items, which it can for Keras' "
            "own dropout layers and recurrent layers; use masks='per_item'. "
            f"Received: layer {layer.name!r} of class {type(layer).__name__}"
        )
    if getattr(layer, "noise_shape", None) is not None:
        layer.noise_shape = (1, *layer.noise_shape[1:])

    @functools.wraps(plain)
    def call(inputs, training=None):
        if isinstance(layer, keras.layers.GaussianNoise):
            return inputs + plain(ops.zeros_like(inputs[:1]))
        if isinstance(layer, keras.layers.AlphaDropout):
            if layer.noise_shape is None:
                layer.noise_shape = (1,) + (None,) * (len(inputs.shape) - 1)
            return plain(inputs)
        return inputs * plain(ops.ones_like(inputs[:1]))

    return call


def _noise_shape(layer, rank):
    """Shape of a mask, None where it is that of the inputs; meant for the layers of `COUNTED`."""
    if type(layer) is keras.layers.Dropout:
        return layer.noise_shape or (None,) * rank
    if getattr(layer, "data_format", None) == "channels_first":
        return (None, None, *(1,) * (rank - 2))
    return (None, *(1,) * (rank - 2), None)


def _rows_of_pass(x, *, index, passes):
    if not keras.ops.is_tensor(x):
        return x
    rows = x.shape[0] // passes
    return x[index * rows : (index + 1) * rows]


def _of_replica(dtype):
    """What to add to a seed: TensorFlow's replicas hold equal ones."""
    return ops.cast(ops.stack([replica_number(), 0]), dtype)
