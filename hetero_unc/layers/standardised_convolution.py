"""A convolution that needs no batch normalisation beside it."""

import math

import keras
from keras import ops

__all__ = ["StandardisedConv2D"]

# Below this a kernel's variance counts as zero, so that a constant kernel stays finite.
SMALLEST_VARIANCE = 1e-8


@keras.saving.register_keras_serializable(package="hetero_unc")
class StandardisedConv2D(keras.layers.Conv2D):
    """`Conv2D` whose kernels have mean 0 and variance 1 / fan-in, times a learned gain per filter.

    Scaled weight standardisation, Brock, De and Smith (2021, "Characterizing signal propagation",
    https://arxiv.org/abs/2101.08692, equation 1). Of inputs with mean square 1 it makes outputs of
    variance 1, which is what batch normalisation is for, at the cost of a pass over the kernel and
    not over the batch. Nothing differs between training and prediction.

    Args: as in `keras.layers.Conv2D`, but `groups`, which must be 1.

    Raises:
        ValueError: If `groups` is not 1.
    """

    def __init__(self, filters, kernel_size, **arguments):
        super().__init__(filters, kernel_size, **arguments)
        if self.groups != 1:
            raise ValueError(f"`groups` must be 1. Received: groups={self.groups}")

    def build(self, input_shape):
        super().build(input_shape)
        self.gain = self.add_weight(shape=(self.filters,), initializer="ones", name="gain")

    # Keras' convolution saves kernel and bias by name, and would leave the gain out.
    def save_own_variables(self, store):
        keras.layers.Layer.save_own_variables(self, store)

    def load_own_variables(self, store):
        keras.layers.Layer.load_own_variables(self, store)

    def convolution_op(self, inputs, kernel):
        return super().convolution_op(inputs, self._standardised(kernel))

    def _standardised(self, kernel):
        # In float32: the sums run over thousands of weights.
        wide = ops.cast(kernel, "float32")
        axes = tuple(range(len(kernel.shape) - 1))
        mean, variance = ops.moments(wide, axes=axes, keepdims=True)
        fan_in = math.prod(kernel.shape[:-1])
        scale = ops.rsqrt(fan_in * ops.maximum(variance, SMALLEST_VARIANCE))
        return ops.cast((wide - mean) * scale * ops.cast(self.gain, "float32"), kernel.dtype)
