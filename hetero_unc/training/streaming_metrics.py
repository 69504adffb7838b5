"""Metrics of `hetero_unc.metrics` as `keras.metrics.Metric`: constant state, updated by batch.

Each gives what the NumPy function gives on all batches together, up to the rounding of its dtype.
Labels are classes `(N,)` or `(N, 1)`, integers, or distributions `(N, C)`.
"""

import keras
import numpy as np
from keras import ops

from hetero_unc.checks import check_choice, check_count
from hetero_unc.gaussian.parameters import split_parameters
from hetero_unc.metrics.reliability import inner_edges

__all__ = ["BrierScore", "ExpectedCalibrationError", "LocAccuracy"]


@keras.saving.register_keras_serializable(package="hetero_unc")
class BrierScore(keras.metrics.Mean):
    """Squared distance of the probabilities to the truth, summed over classes: in [0, 2].

    The streaming `hetero_unc.metrics.brier_score`.

    Args:
        from_logits: Boolean. Whether predictions are logits or log-probabilities (as
            `LogExpectedSoftmax` returns them, which the softmax turns back into probabilities),
            and not probabilities.
        name: String.
        dtype: Of the state and the result.

    Call arguments:
        y_true: Classes `(N,)` or `(N, 1)`, or distributions `(N, C)`.
        y_pred: `(N, C)`.
        sample_weight: `(N,)` or `(N, 1)`, or None.

    Example:

    >>> metric = BrierScore()
    >>> metric.update_state([0, 1], [[0.5, 0.5], [0.5, 0.5]])
    >>> float(metric.result())
    0.5
    """

    def __init__(self, from_logits=False, name="brier_score", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.from_logits = from_logits

    def update_state(self, y_true, y_pred, sample_weight=None):
        probabilities = _probabilities(y_pred, self.from_logits, self.dtype)
        truth = _distributions(y_true, probabilities.shape[-1], self.dtype)
        distance = ops.sum(ops.square(truth - probabilities), axis=-1)
        super().update_state(distance, _weights(sample_weight, distance))

    def get_config(self):
        return {**super().get_config(), "from_logits": self.from_logits}


@keras.saving.register_keras_serializable(package="hetero_unc")
class ExpectedCalibrationError(keras.metrics.Metric):
    """Gap between confidence and accuracy, averaged over bins of equal width: in [0, 1].

    The streaming `hetero_unc.metrics.expected_calibration_error`, bins closed on the right.

    Args:
        n_bins: Integer >= 1. Bins of [0, 1].
        from_logits: Boolean. As for `BrierScore`.
        name: String.
        dtype: Of the state and the result: float32 or float64; half precision cannot count.

    Call arguments:
        y_true: Classes `(N,)` or `(N, 1)`, or distributions `(N, C)` with one most probable class.
        y_pred: `(N, C)`.
        sample_weight: `(N,)` or `(N, 1)`, or None.

    Raises:
        ValueError: If `n_bins` is below 1, or the dtype of half precision.

    Example:

    >>> metric = ExpectedCalibrationError()
    >>> metric.update_state([0, 1], [[0.75, 0.25], [0.75, 0.25]])
    >>> float(metric.result())
    0.25

    Reference: Guo et al. (2017), https://arxiv.org/abs/1706.04599
    """

    def __init__(self, n_bins=15, from_logits=False, name="expected_calibration_error", dtype=None):
        super().__init__(name=name, dtype=dtype)
        check_choice(self.dtype, ("float32", "float64"), name="dtype")
        self.n_bins = check_count(n_bins, name="n_bins")
        self.from_logits = from_logits
        self.inner_edges = _round_down(inner_edges(self.n_bins), self.dtype)
        self.gap = self.add_variable((self.n_bins,), "zeros", dtype=self.dtype, name="gap")
        self.weight = self.add_variable((), "zeros", dtype=self.dtype, name="weight")

    def update_state(self, y_true, y_pred, sample_weight=None):
        probabilities = _probabilities(y_pred, self.from_logits, self.dtype)
        confidence = ops.max(probabilities, axis=-1)
        hit = ops.argmax(probabilities, axis=-1) == _classes(y_true)
        gap = ops.cast(hit, self.dtype) - confidence
        weights = _weights(sample_weight, gap)
        bins = ops.sum(ops.cast(confidence[:, None] > self.inner_edges, "int32"), axis=-1)
        # Summed and not multiplied as matrices, which some accelerators do in half precision.
        members = ops.one_hot(bins, self.n_bins, dtype=self.dtype)
        self.gap.assign_add(ops.sum(members * (weights * gap)[:, None], axis=0))
        self.weight.assign_add(ops.sum(weights))

    def result(self):
        return ops.divide_no_nan(ops.sum(ops.abs(self.gap)), self.weight)

    def get_config(self):
        own = {"n_bins": self.n_bins, "from_logits": self.from_logits}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="hetero_unc")
class LocAccuracy(keras.metrics.Mean):
    """Accuracy of the class of largest loc, for a model that ends in Gaussian logits.

    Args:
        name: String.
        dtype: Of the state and the result.

    Call arguments:
        y_true: Classes `(N,)` or `(N, 1)`, or distributions `(N, C)`, of which the most probable.
        y_pred: Gaussian logits `(N, C, 2 + R)`, as `GaussianLogits` returns them.
        sample_weight: `(N,)` or `(N, 1)`, or None.

    Example:

    >>> metric = LocAccuracy()
    >>> metric.update_state([1], [[[0.0, 9.0], [2.0, 1.0]]])
    >>> float(metric.result())
    1.0
    """

    def __init__(self, name="loc_accuracy", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        loc, _, _ = split_parameters(ops.convert_to_tensor(y_pred))
        hit = ops.cast(ops.argmax(loc, axis=-1) == _classes(y_true), self.dtype)
        super().update_state(hit, _weights(sample_weight, hit))


def _probabilities(y_pred, from_logits, dtype):
    y_pred = ops.cast(y_pred, dtype)
    return ops.softmax(y_pred, axis=-1) if from_logits else y_pred


def _classes(y_true):
    """Classes `(N,)` int32 of labels in any of the three shapes."""
    y_true = ops.convert_to_tensor(y_true)
    if len(y_true.shape) == 1:
        return ops.cast(y_true, "int32")
    if y_true.shape[-1] == 1:
        return ops.cast(y_true[:, 0], "int32")
    return ops.argmax(y_true, axis=-1)


def _distributions(y_true, num_classes, dtype):
    """Distributions `(N, C)` of labels in any of the three shapes."""
    y_true = ops.convert_to_tensor(y_true)
    if len(y_true.shape) == 2 and y_true.shape[-1] != 1:
        return ops.cast(y_true, dtype)
    return ops.one_hot(_classes(y_true), num_classes, dtype=dtype)


def _weights(sample_weight, values):
    """Weights `(N,)` of the dtype of `values`; ones if there are none."""
    if sample_weight is None:
        return ops.ones_like(values)
    return ops.broadcast_to(
        ops.reshape(ops.cast(sample_weight, values.dtype), (-1,)), ops.shape(values)
    )


def _round_down(edges, dtype):
    """The largest numbers of `dtype` that are not above the float64 `edges`.

    A confidence of that dtype then exceeds the rounded edge exactly where it exceeds the edge, as
    it is asked in NumPy, where 0.8 in float32 is above 0.8.
    """
    rounded = edges.astype(dtype)
    return np.where(rounded > edges, np.nextafter(rounded, np.array(-1, dtype)), rounded)
