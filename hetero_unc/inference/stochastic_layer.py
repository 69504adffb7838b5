"""A layer whose dropout, noise and recurrent dropout are on at inference, and nothing else is."""

import contextlib

import keras
import numpy as np

from hetero_unc.checks import check_choice, check_count
from hetero_unc.inference.drawing import COUNTED, NOISE, Drawing, always_training, is_cell

__all__ = ["MASKS", "StochasticLayer", "is_stochastic", "stochastic_sublayers"]

MASKS = ("per_item", "per_pass")
KINDS = (*COUNTED, *NOISE)
ATTENTION = (keras.layers.Attention, keras.layers.AdditiveAttention)


def is_stochastic(layer):
    """Whether this layer itself draws masks or noise while training; a rate of 0 draws none."""
    if isinstance(layer, keras.layers.GaussianNoise):
        return layer.stddev > 0
    if isinstance(layer, KINDS):
        return layer.rate > 0
    if isinstance(layer, ATTENTION):
        return layer.dropout > 0
    return is_cell(layer) and (layer.dropout > 0 or layer.recurrent_dropout > 0)


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
        self._drawings = [Drawing(part, per_pass=masks == "per_pass") for part in parts]
        for part in layer._flatten_layers():
            # The fused kernels of LSTM and GRU ask the layer, not its cell, whether to drop.
            if isinstance(part, keras.layers.RNN) and is_stochastic(part.cell):
                part.call = always_training(part.call)
        self.set_pass(0)

    def call(self, inputs, *args, training=None, **kwargs):
        # `training` reaches the layer inside through Keras' call context.
        return self.layer(inputs, *args, **kwargs)

    def compute_output_spec(self, *args, **kwargs):
        return self.layer.compute_output_spec(*args, **kwargs)

    def compute_mask(self, inputs, previous_mask):
        return self.layer.compute_mask(inputs, previous_mask)

    def set_pass(self, pass_index, batch_index=0):
        """Make the next call draw the masks of this pass (and batch, for masks per item)."""
        keys = self.keys(pass_index, pass_index + 1, batch_index)
        for part, key in zip(stochastic_sublayers(self.layer), keys, strict=True):
            part.seed_generator.state.assign(key[0])

    def keys(self, start, stop, batch_index=0):
        """The seeds of passes `start` to `stop - 1`: int32 array `(S, stop - start, 2)`.

        S is the number of layers inside that draw.
        """
        batch = (batch_index,) if self.masks == "per_item" else ()
        keys = []
        for index in range(len(self._drawings)):
            sequence = np.random.SeedSequence(self.seed, spawn_key=(self.site, index, *batch))
            # A longer state begins with the shorter one. 31 bits fit the signed and the unsigned
            # seeds of all backends.
            words = sequence.generate_state(2 * stop)[2 * start :] >> 1
            keys.append(words.reshape(-1, 2).astype("int32"))
        return np.stack(keys)

    @contextlib.contextmanager
    def folded(self, keys):
        """Within this context the batch holds K passes, in that order: `(K * N, ...)`.

        Args:
            keys: int32 tensor `(S, K, 2)`, as from `keys`.
        """
        with contextlib.ExitStack() as stack:
            for index, drawing in enumerate(self._drawings):
                stack.enter_context(drawing.folded(keys[index]))
            yield

    @property
    def can_fold(self):
        """Whether a batch may hold several passes.

        Keras' layers draw for rows in the order of the batch; those of others might not.
        """
        drawn = [drawing.layer for drawing in self._drawings]
        return all(
            any(part is layer for layer in drawn) or type(part).__module__.startswith("keras.")
            for part in self.layer._flatten_layers()
        )

    @property
    def can_share(self):
        """Whether `call_shared` works: the layer is a dropout layer by itself."""
        return self._drawings[0].layer is self.layer and self._drawings[0].counted

    def call_shared(self, inputs):
        """Items that all passes share, `(N, ...)` -> `(K * N, ...)`, inside `folded`."""
        self._drawings[0].shared = True
        try:
            return self(inputs)
        finally:
            self._drawings[0].shared = False

    def get_config(self):
        own = {"masks": self.masks, "seed": self.seed, "site": self.site}
        return {**super().get_config(), **own}
