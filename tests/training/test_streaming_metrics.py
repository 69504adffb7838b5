import doctest

import keras
import numpy as np
import pytest
import scipy.special

from hetero_unc.metrics import accuracy, brier_score, expected_calibration_error
from hetero_unc.training import streaming_metrics
from hetero_unc.training.streaming_metrics import (
    BrierScore,
    ExpectedCalibrationError,
    LocAccuracy,
)


def classified(items=103, classes=4, seed=0):
    """Labels `(N,)` and float32 log-probabilities `(N, C)`, wrong often enough."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.normal(size=(items, classes)).astype(np.float32)
    y_true = rng.integers(classes, size=items)
    return y_true, scipy.special.log_softmax(logits, axis=1).astype(np.float32)


def streamed(metric, *columns, batch=16, weights=None):
    """The metric after batches, of which the last is smaller."""
    for start in range(0, len(columns[0]), batch):
        part = slice(start, start + batch)
        weight = None if weights is None else weights[part]
        metric.update_state(*(column[part] for column in columns), sample_weight=weight)
    return float(metric.result())


def cases():
    """`(metric, y_true, y_pred, value)` of each class, the value by the NumPy function."""
    y_true, log_probabilities = classified()
    y_prob = np.exp(log_probabilities)
    scale = np.random.default_rng(1).uniform(1, 9, size=y_prob.shape).astype(np.float32)
    parameters = np.stack([log_probabilities, scale], axis=-1)
    brier = brier_score(y_true, y_prob)
    calibration = expected_calibration_error(y_true, y_prob)
    seven_bins = expected_calibration_error(y_true, y_prob, n_bins=7)
    return {
        "brier": (BrierScore(), y_true, y_prob, brier),
        "brier of logits": (BrierScore(True), y_true, log_probabilities - 3, brier),
        "calibration": (ExpectedCalibrationError(), y_true, y_prob, calibration),
        "calibration of logits": (
            ExpectedCalibrationError(7, from_logits=True),
            y_true,
            log_probabilities,
            seven_bins,
        ),
        "accuracy": (LocAccuracy(), y_true, parameters, accuracy(y_true, y_prob)),
    }


@pytest.fixture(params=cases())
def case(request):
    return cases()[request.param]


@pytest.mark.parametrize("batch", [1, 16, 1000])
def test_batches_together_give_the_value_of_the_whole(case, batch):
    metric, y_true, y_pred, expected = case
    state = [tuple(variable.shape) for variable in metric.variables]
    assert streamed(metric, y_true, y_pred, batch=batch) == pytest.approx(expected, rel=1e-5)
    assert [tuple(variable.shape) for variable in metric.variables] == state


def test_labels_may_be_columns_or_one_hot_rows(case):
    metric, y_true, y_pred, expected = case
    one_hot = np.eye(y_pred.shape[1], dtype=np.float32)[y_true]
    for labels in (y_true[:, None], one_hot, y_true.astype(np.uint8), y_true.astype(np.float32)):
        metric.reset_state()
        assert streamed(metric, labels, y_pred) == pytest.approx(expected, rel=1e-5)


def test_whole_weights_are_repetitions(case):
    metric, y_true, y_pred, _ = case
    weights = np.random.default_rng(2).integers(0, 4, size=len(y_true))
    repeated = np.repeat(np.arange(len(y_true)), weights)
    expected = streamed(
        type(metric).from_config(metric.get_config()), y_true[repeated], y_pred[repeated]
    )
    for shape in ((-1,), (-1, 1)):
        metric.reset_state()
        value = streamed(metric, y_true, y_pred, weights=weights.reshape(shape))
        assert value == pytest.approx(expected, rel=1e-5)


def test_fractional_weights_by_a_plain_loop():
    y_true, log_probabilities = classified()
    y_prob = np.exp(log_probabilities)
    weights = np.random.default_rng(3).uniform(size=len(y_true))
    brier, gaps = 0.0, np.zeros(5)
    for label, row, weight in zip(y_true, y_prob, weights, strict=True):
        brier += weight * sum((float(k == label) - p) ** 2 for k, p in enumerate(row))
        gaps[int(np.ceil(5 * row.max())) - 1] += weight * (float(row.argmax() == label) - row.max())
    value = streamed(BrierScore(), y_true, y_prob, weights=weights)
    assert value == pytest.approx(brier / weights.sum(), rel=1e-5)
    value = streamed(ExpectedCalibrationError(5), y_true, y_prob, weights=weights)
    assert value == pytest.approx(np.abs(gaps).sum() / weights.sum(), rel=1e-5)


def test_one_weight_for_all_changes_nothing(case):
    metric, y_true, y_pred, expected = case
    metric.update_state(y_true, y_pred, sample_weight=0.5)
    assert float(metric.result()) == pytest.approx(expected, rel=1e-5)


def test_brier_score_of_vote_shares():
    _, log_probabilities = classified(items=30)
    y_prob = np.exp(log_probabilities)
    shares = np.random.default_rng(4).dirichlet(np.ones(4), size=30)
    value = streamed(BrierScore(), shares, y_prob)
    assert value == pytest.approx(brier_score(shares, y_prob), rel=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_bins", [5, 10, 15, 100])
def test_confidences_on_the_edges_fall_in_the_bins_of_numpy(n_bins, dtype):
    if dtype == "float64" and keras.backend.backend() == "jax":
        pytest.skip("JAX has no float64 unless it is told to")
    edges = np.linspace(0, 1, n_bins + 1)[n_bins // 2 :].astype(np.float32)
    around = np.concatenate(
        [np.nextafter(edges, np.float32(0)), edges, np.nextafter(edges, np.float32(2))]
    )
    confidence = around[(around > 0.5) & (around <= 1)]
    metric = ExpectedCalibrationError(n_bins, dtype=dtype)
    metric.update_state(np.ones(len(confidence), int), np.stack([confidence, 1 - confidence], 1))
    bins = np.digitize(confidence.astype(float), np.linspace(0, 1, n_bins + 1)[1:-1], right=True)
    expected = np.bincount(bins, weights=-confidence, minlength=n_bins)
    np.testing.assert_allclose(np.asarray(metric.gap.value), expected, rtol=1e-5)


def test_no_item_and_a_reset_give_zero(case):
    metric, y_true, y_pred, _ = case
    assert float(metric.result()) == 0
    metric.update_state(y_true, y_pred)
    metric.reset_state()
    assert float(metric.result()) == 0


def test_config_comes_back(case):
    metric, *_ = case
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert type(again) is type(metric)
    assert again.get_config() == metric.get_config()


def test_settings_are_kept_in_the_config():
    config = ExpectedCalibrationError(7, from_logits=True, name="gap").get_config()
    assert (config["n_bins"], config["from_logits"], config["name"]) == (7, True, "gap")
    assert BrierScore(from_logits=True).get_config()["from_logits"]


@pytest.mark.parametrize("n_bins", [0, 2.5, None])
def test_bad_number_of_bins_is_named(n_bins):
    with pytest.raises(ValueError, match=r"`n_bins` must be an integer >= 1. Received: n_bins="):
        ExpectedCalibrationError(n_bins)


def test_half_precision_cannot_count():
    with pytest.raises(ValueError, match=r"`dtype` must be one of .* Received: dtype='float16'"):
        ExpectedCalibrationError(dtype="float16")


def test_loc_accuracy_refuses_what_is_not_gaussian_logits():
    with pytest.raises(
        ValueError, match=r"`parameters` must be Gaussian logits .* Received: shape"
    ):
        LocAccuracy().update_state([0], [[1.0]])


class Parameters(keras.layers.Layer):
    """Stands for a head: two dense outputs on a last axis."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(8)

    def build(self, input_shape):
        self.dense.build(input_shape)

    def call(self, inputs):
        return keras.ops.reshape(self.dense(inputs), (-1, 4, 2))


def loc_cross_entropy(y_true, y_pred):
    return keras.losses.sparse_categorical_crossentropy(y_true, y_pred[..., 0], from_logits=True)


@pytest.mark.parametrize("weighted", [False, True])
def test_metrics_survive_compile_fit_save_and_load(tmp_path, weighted):
    rng = np.random.default_rng(5)
    inputs, y_true = rng.normal(size=(70, 6)).astype(np.float32), rng.integers(4, size=70)
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4, "log_softmax")])
    watched = [BrierScore(from_logits=True), ExpectedCalibrationError(from_logits=True)]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    chosen = {"weighted_metrics" if weighted else "metrics": watched}
    model.compile("adam", loss, **chosen)
    model.fit(inputs, y_true, epochs=2, batch_size=32, verbose=0, validation_split=0.2)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    weights = rng.integers(1, 3, size=70) if weighted else np.ones(70, int)
    found = again.evaluate(
        inputs, y_true, batch_size=32, verbose=0, return_dict=True, sample_weight=weights
    )
    rows = np.repeat(np.arange(70), weights)
    y_prob = np.exp(again.predict(inputs, verbose=0))[rows]
    assert found["brier_score"] == pytest.approx(brier_score(y_true[rows], y_prob), rel=1e-4)
    assert found["expected_calibration_error"] == pytest.approx(
        expected_calibration_error(y_true[rows], y_prob), rel=1e-4
    )


def test_loc_accuracy_watches_a_model_that_ends_in_parameters(tmp_path):
    rng = np.random.default_rng(6)
    inputs, y_true = rng.normal(size=(70, 6)).astype(np.float32), rng.integers(4, size=70)
    model = keras.Sequential([keras.Input((6,)), Parameters()])
    model.compile("adam", loc_cross_entropy, metrics=[LocAccuracy(name="accuracy")])
    history = model.fit(inputs, y_true, batch_size=32, verbose=0).history
    assert 0 <= history["accuracy"][0] <= 1
    model.save(tmp_path / "model.keras")
    custom = {"Parameters": Parameters, "loc_cross_entropy": loc_cross_entropy}
    again = keras.models.load_model(tmp_path / "model.keras", custom_objects=custom)
    found = again.evaluate(inputs, y_true, batch_size=32, verbose=0, return_dict=True)
    loc = again.predict(inputs, verbose=0)[..., 0]
    expected = accuracy(y_true, scipy.special.softmax(loc, axis=1))
    assert found["accuracy"] == pytest.approx(expected, rel=1e-6)


def test_replicas_add_up():
    """Two logical devices would need a process of their own; the merge that they use does not."""
    y_true, log_probabilities = classified()
    y_prob = np.exp(log_probabilities)
    halves = [ExpectedCalibrationError(), ExpectedCalibrationError()]
    halves[0].update_state(y_true[:40], y_prob[:40])
    halves[1].update_state(y_true[40:], y_prob[40:])
    for variable, other in zip(halves[0].variables, halves[1].variables, strict=True):
        assert variable.aggregation == "sum"
        variable.assign_add(other)
    expected = expected_calibration_error(y_true, y_prob)
    assert float(halves[0].result()) == pytest.approx(expected, rel=1e-5)


def test_examples_run():
    assert doctest.testmod(streaming_metrics).failed == 0
    assert doctest.testmod(streaming_metrics).attempted >= 9
