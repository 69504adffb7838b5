"""Functions that return a `keras.Model`."""

from hetero_unc.models.small_cnn import small_cnn

__all__ = ["small_cnn"]
