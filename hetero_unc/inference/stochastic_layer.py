"""A layer whose dropout, noise and recurrent dropout are on at inference, and nothing else is."""

import functools

import keras
import numpy as np
from keras import ops

from hetero_unc.checks import check_choice, check_count

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

__all__ = ["MASKS", "StochasticLayer", "is_stochastic", "stochastic_sublayers"]

MASKS = ("per_item", "per_pass")
MULTIPLICATIVE = (
    keras.layers.Dropout,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
    keras.layers.GaussianDropout,
)
KINDS = (*MULTIPLICATIVE, keras.layers.AlphaDropout, keras.layers.GaussianNoise)
ATTENTION = (keras.layers.Attention, keras.layers.AdditiveAttention)


def is_stochastic(layer):
    """Whether this layer itself draws masks or noise while training; a rate of 0 draws none."""
    if isinstance(layer, keras.layers.GaussianNoise):
        return layer.stddev > 0
    if isinstance(layer, KINDS):
        return layer.rate > 0
    if isinstance(layer, ATTENTION):
        return layer.dropout > 0
    return _is_cell(layer) and (layer.dropout > 0 or layer.recurrent_dropout > 0)


def stochastic_sublayers(layer):
    """The layers inside `layer`, itself included, for which `is_stochastic` holds, in order."""
    return [part for part in layer._flatten_layers() if is_stochastic(part)]


@keras.saving.register_keras_serializable(package="hetero_unc")
class StochasticLayer(keras.layers.Wrapper):
    """Runs `layer` with its dropout on, whatever `training` says.

    `layer` may be one dropout layer or any layer that holds some: a recurrent layer, a wrapper,
    attention, a subclassed model. What else it holds follows `training` as before, so that
    BatchNormalization and augmentation stay in inference mode.

    Args:
        layer: A Keras layer, built if it has weights. It is changed: give a copy.
        masks: `"per_item"`, each item its own masks; or `"per_pass"`, one mask for all items of a
            batch.
        seed: Integer >= 0, the seed of the whole model.
        site: Integer >= 0 that tells this layer's masks from those of the model's other layers.

    Call arguments:
        Those of `layer`.

    Raises:
        ValueError: `layer` holds no dropout, or one whose masks `"per_pass"` cannot share.
    """

    def __init__(self, layer, masks="per_item", seed=0, site=0, **kwargs):
        kwargs = {"name": layer.name, "dtype": layer.dtype_policy, **kwargs}
        super().__init__(layer, **kwargs)
        self.autocast = False  # the layer inside casts, by its own policy
        self.masks = check_choice(masks, MASKS, name="masks")
        self.seed = check_count(seed, name="seed", minimum=0)
        self.site = check_count(site, name="site", minimum=0)
        self.supports_masking = layer.supports_masking
        self.built = layer.built
        parts = stochastic_sublayers(layer)
        if not parts:
            raise ValueError(
                "`layer` must hold dropout or noise with a rate above 0. "
                f"Received: layer={layer.name!r} of class {type(layer).__name__}"
            )
        for part in parts:
            _switch_on(part, per_pass=masks == "per_pass")
        for part in layer._flatten_layers():
            # The fused kernels of LSTM and GRU ask the layer, not its cell, whether to drop.
            if isinstance(part, keras.layers.RNN) and is_stochastic(part.cell):
                part.call = _always_training(part.call)
        self.set_pass(0)

    def call(self, inputs, *args, training=None, **kwargs):
        # `training` reaches the layer inside through Keras' call context.
        return self.layer(inputs, *args, **kwargs)

    def compute_mask(self, inputs, previous_mask):
        return self.layer.compute_mask(inputs, previous_mask)

    def set_pass(self, pass_index, batch_index=0):
        """Make the next call draw the masks of this pass (and batch, for masks per item)."""
        batch = (batch_index,) if self.masks == "per_item" else ()
        for index, part in enumerate(stochastic_sublayers(self.layer)):
            key = np.random.SeedSequence(
                self.seed, spawn_key=(self.site, index, pass_index, *batch)
            ).generate_state(2)
            # 31 bits fit the signed and the unsigned seeds of all backends.
            part.seed_generator.state.assign((key >> 1).astype("int32"))

    def get_config(self):
        own = {"masks": self.masks, "seed": self.seed, "site": self.site}
        return {**super().get_config(), **own}


def _is_cell(layer):
    """Whether `layer` is a recurrent cell with dropout; their common base class is not public."""
    return hasattr(layer, "get_recurrent_dropout_mask")


def _switch_on(layer, *, per_pass):
    """Make one stochastic layer draw at every call."""
    plain = layer.call
    layer.call = _always_training(plain)
    if _is_cell(layer):
        # A cell that is told `training` passes it on, through Keras' call context, to every layer
        # called after it: BatchNormalization would follow. Untold, it leaves the context alone.
        layer._call_has_training_arg = False
    if not per_pass:
        if keras.backend.backend() == "tensorflow":
            _differ_between_replicas(layer.seed_generator)
        return
    if _is_cell(layer):
        layer.get_dropout_mask = _of_one_item(layer.get_dropout_mask)
        layer.get_recurrent_dropout_mask = _of_one_item(layer.get_recurrent_dropout_mask)
        return
    if type(layer) not in KINDS:
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
            return inputs + plain(ops.zeros_like(inputs[:1]), training=True)
        if isinstance(layer, keras.layers.AlphaDropout):
            if layer.noise_shape is None:
                layer.noise_shape = (1,) + (None,) * (len(inputs.shape) - 1)
            return plain(inputs, training=True)
        return inputs * plain(ops.ones_like(inputs[:1]), training=True)

    layer.call = call


def _always_training(call):
    @functools.wraps(call)
    def training_call(*args, **kwargs):
        return call(*args, **{**kwargs, "training": True})

    return training_call


def _of_one_item(get_mask):
    @functools.wraps(get_mask)
    def get_mask_of_one_item(step_input):
        return get_mask(step_input[:1])

    return get_mask_of_one_item


def _differ_between_replicas(seed_generator):
    """Fold the replica's number into each seed: TensorFlow's replicas hold equal seeds."""
    plain = seed_generator.next

    def next_of_replica(ordered=True):
        seed = plain(ordered)
        context = tf.distribute.get_replica_context()
        if context is None or context.num_replicas_in_sync == 1:
            return seed
        return seed + ops.stack([ops.cast(context.replica_id_in_sync_group, seed.dtype), 0])

    seed_generator.next = next_of_replica
