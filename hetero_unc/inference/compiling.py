"""Compilation of a model's call: the one place of this room where backends differ."""

import functools

import keras
from keras import ops

from hetero_unc.gaussian.compiled import traced_once_a_shape

__all__ = ["compiled_call"]


def compiled_call(model):
    """A function that calls `model` in inference mode, built again for new shapes only.

    Variables are read at each call, so that training in between is seen. What `model` assigns, as
    its seeds, is kept. On PyTorch the model is called as it is, without gradients.

    Args:
        model: A built `keras.Model`.

    Returns:
        Function of nested lists of arrays, as `model` takes them -> what `model` returns.
    """
    if keras.backend.backend() == "tensorflow":
        return traced_once_a_shape(functools.partial(model, training=False))
    if keras.backend.backend() == "jax":
        return _on_jax(model)
    return _without_gradients(model)


def _on_jax(model):
    import jax

    stateless = jax.jit(
        lambda trainable, others, args: model.stateless_call(
            trainable, others, *args, training=False
        )
    )

    def call(*args):
        others = model.non_trainable_variables
        outputs, values = stateless(
            [variable.value for variable in model.trainable_variables],
            [variable.value for variable in others],
            args,
        )
        for variable, value in zip(others, values, strict=True):
            if variable.path.endswith("seed_generator_state"):
                variable.assign(value)
        return outputs

    return call


def _without_gradients(model):
    import torch

    def call(*args):
        with torch.no_grad():
            args = keras.tree.map_structure(
                lambda x: x if x is None else ops.convert_to_tensor(x), args
            )
            return model(*args, training=False)

    return call
