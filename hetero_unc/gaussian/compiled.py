"""Compilation of one function of tensors where that pays, and what the hardware makes of it."""

import functools

import keras

__all__ = ["compiled", "multiplies_in_half_precision"]


def compiled(function):
    """`function`, compiled by XLA as a unit of its own on the TensorFlow backend.

    Elementwise work on some ten thousand numbers spends most of its time between operations; XLA
    fuses them, while the convolutions around it are better left to TensorFlow's own kernels on CPU.
    JAX compiles the step as a whole; PyTorch runs the function as it is.

    Args:
        function: Pure function of tensors; other arguments must be hashable. The compiled one is
            built again for every new shape and for every value of the others.

    Returns:
        A function of the same arguments and results.
    """
    compile_once = functools.cache(_tensorflow_compiled)

    @functools.wraps(function)
    def call(*args):
        if keras.backend.backend() != "tensorflow":
            return function(*args)
        return compile_once(function)(*args)

    return call


def multiplies_in_half_precision():
    """Whether matrix products of float32 may be rounded: on TensorFlow's and JAX's accelerators."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return any(device.device_type != "CPU" for device in tf.config.list_logical_devices())
    if keras.backend.backend() == "jax":
        import jax

        return jax.default_backend() != "cpu"
    return False  # PyTorch rounds them only where it is asked to


def _tensorflow_compiled(function):
    import tensorflow as tf

    return tf.function(function, jit_compile=True, autograph=False)
