"""Weights in a file: there and back, and refused where they do not fit."""

import keras
import numpy as np
import pytest

from hetero_unc.models import load_weights, save_weights


def network(seed):
    kernel = keras.initializers.GlorotUniform(seed)
    return keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            keras.layers.Conv2D(4, 3, use_bias=False, kernel_initializer=kernel, name="conv"),
            keras.layers.BatchNormalization(scale=False, name="norm"),
            keras.layers.Dropout(0.5, seed=seed, name="drop"),
        ]
    )


def values(model):
    return {weight.path.partition("/")[2]: weight.numpy() for weight in model.weights}


def test_weights_come_back_to_the_bit_and_are_plain_named_arrays(tmp_path):
    first, second = network(1), network(2)
    first.get_layer("norm").moving_mean.assign([1.0, 2.0, 3.0, 4.0])
    save_weights(first, tmp_path / "weights.npz")
    with np.load(tmp_path / "weights.npz") as arrays:
        assert set(arrays) == {
            "conv/kernel", "norm/beta", "norm/moving_mean", "norm/moving_variance"
        }  # fmt: skip
    load_weights(second, tmp_path / "weights.npz")
    for path, value in values(first).items():
        np.testing.assert_array_equal(values(second)[path], value, err_msg=path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.pop("norm/beta"), "Received: 1 missing, the first norm/beta; 0 unknown"),
        (lambda a: a.update(other=np.ones(3)), "0 missing; 1 unknown, the first other"),
        (
            lambda a: a.update({"norm/beta": np.ones(5)}),
            r"norm/beta must be numbers of shape \(4,\). Received: dtype=float64, shape=\(5,\)",
        ),
        (lambda a: a.update({"norm/beta": np.array(["a"] * 4)}), "Received: dtype=<U1"),
        (lambda a: a.update({"norm/beta": np.full(4, np.nan)}), "norm/beta must be finite"),
        (
            lambda a: a.update({"norm/moving_variance": np.array([1, 1e300, 1, -1e39])}),
            r"as float32. Received: 2 NaN, infinite or too large of 4 values, the first 1e\+300",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_refused_and_changes_nothing(tmp_path, change, message):
    model, path = network(1), tmp_path / "weights.npz"
    arrays = {**values(network(2))}
    change(arrays)
    np.savez(path, **arrays)
    before = values(model)
    with pytest.raises(ValueError, match=message):
        load_weights(model, path)
    for name, value in values(model).items():
        np.testing.assert_array_equal(value, before[name])


def test_numbers_of_other_types_are_loaded_where_they_fit(tmp_path):
    model, path = network(1), tmp_path / "weights.npz"
    arrays = {**values(model)}
    arrays["norm/beta"] = np.array([1, -2, 3, 0])
    arrays["norm/moving_mean"] = np.array([0.1, 1e38, -1e38, 1e-300])
    np.savez(path, **arrays)
    load_weights(model, path)
    for name, value in values(model).items():
        np.testing.assert_array_equal(value, arrays[name].astype("float32"), err_msg=name)


def test_what_overflows_in_half_precision_is_refused(tmp_path):
    layers = [keras.Input((2,)), keras.layers.Dense(1, name="dense", dtype="float16")]
    model = keras.Sequential(layers)
    np.savez(
        tmp_path / "weights.npz", **{"dense/kernel": np.full((2, 1), 7e4), "dense/bias": [0.0]}
    )
    before = values(model)
    with pytest.raises(ValueError, match=r"dense/kernel must be finite as float16.*first 70000"):
        load_weights(model, tmp_path / "weights.npz")
    np.testing.assert_array_equal(values(model)["dense/kernel"], before["dense/kernel"])


def test_a_missing_and_a_truncated_file_are_named(tmp_path):
    path = tmp_path / "weights.npz"
    with pytest.raises(FileNotFoundError, match=r"weights\.npz"):
        load_weights(network(1), path)
    save_weights(network(1), path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"weights\.npz is not a whole file of weights"):
        load_weights(network(1), path)
