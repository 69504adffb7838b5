"""How functions of tensors are run: compiled or in turns, and on what hardware."""

import functools

import keras
from keras import ops

__all__ = ["compiled", "in_turn", "multiplies_in_half_precision", "traced_once_a_shape"]


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
    compile_once = functools.cache(lambda: traced_once_a_shape(function, jit_compile=True))

    @functools.wraps(function)
    def call(*args):
        if keras.backend.backend() != "tensorflow":
            return function(*args)
        return compile_once()(*args)

    return call


def traced_once_a_shape(function, **options):
    """A `tf.function` for each shape of the arguments, on the TensorFlow backend.

    One for all would warn of retracing where shapes are many, and so would several that trace the
    same lines of Python for different models: TensorFlow counts by the lines.

    Args:
        function: Function of nested lists of tensors; other arguments must be hashable.
        **options: As `tf.function` takes them.

    Returns:
        A function of the same arguments and results.
    """
    import tensorflow as tf

    @functools.cache
    def of_shapes(_):
        # A partial has no lines of its own, so that it is counted by itself.
        return tf.function(functools.partial(function), autograph=False, **options)

    def call(*args):
        return of_shapes(tuple(map(_shape_of, tf.nest.flatten(args))))(*args)

    return call


def in_turn(start, stop, body, state):
    """`keras.ops.fori_loop`, each turn begun when the last one has ended.

    TensorFlow begins up to ten turns at once where they do not wait for each other's numbers, and
    holds the memory of all of them.
    """
    if keras.backend.backend() != "tensorflow":
        return ops.fori_loop(start, stop, body, state)
    import tensorflow as tf

    return tf.while_loop(
        lambda index, state: index < stop,
        lambda index, state: (index + 1, body(index, state)),
        (start, state),
        parallel_iterations=1,
    )[1]


def multiplies_in_half_precision():
    """Whether matrix products of float32 may be rounded: on TensorFlow's and JAX's accelerators."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return any(device.device_type != "CPU" for device in tf.config.list_logical_devices())
    if keras.backend.backend() == "jax":
        import jax

        return jax.default_backend() != "cpu"
    return False  # PyTorch rounds them only where it is asked to


def _shape_of(leaf):
    """What tells one trace from another: shape and type of a tensor, or the value itself."""
    if hasattr(leaf, "shape"):
        return tuple(leaf.shape), keras.backend.standardize_dtype(leaf.dtype)
    return leaf
