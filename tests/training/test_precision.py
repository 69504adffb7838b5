"""Mixed precision by one flag: bfloat16 in the body, float32 in head, loss and predictions."""

import keras
import numpy as np
import pytest

from hetero_unc.inference import MonteCarloDropout, predict
from hetero_unc.layers import GaussianLogits, LogExpectedSoftmax
from hetero_unc.losses import ExpectedCrossEntropy, MarginalLikelihood
from hetero_unc.models import small_cnn
from hetero_unc.training import LocAccuracy, fit, load_model, save_model

SHAPE, CLASSES = (8, 8, 1), 3


@pytest.fixture(autouse=True)
def mixed_precision():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy(before)


def problem():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, CLASSES, 48)
    images = 0.3 * rng.random((48, *SHAPE)) + 0.35 * labels[:, None, None, None]
    return images.astype("float32"), labels


ROADS = {
    "expected": (GaussianLogits(CLASSES, seed=1), lambda: ExpectedCrossEntropy(20)),
    "marginal": (GaussianLogits(CLASSES, seed=1), lambda: MarginalLikelihood(20)),
    "log_expected_softmax": (
        [GaussianLogits(CLASSES, seed=1), LogExpectedSoftmax(20)],
        lambda: keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    ),
}


@pytest.mark.parametrize("road", ROADS)
def test_training_and_prediction_work(road, tmp_path):
    images, labels = problem()
    head, loss = ROADS[road]
    model = small_cnn(head, input_shape=SHAPE, seed=2)
    gaussian = model.output_shape == (None, CLASSES, 2)
    metric = LocAccuracy(name="accuracy") if gaussian else "accuracy"
    model.compile(keras.optimizers.Adam(2e-3), loss(), metrics=[metric])
    assert model.get_layer("conv1").compute_dtype == "bfloat16"
    assert model.layers[-1].compute_dtype == "float32"
    assert {keras.backend.standardize_dtype(weight.dtype) for weight in model.weights} == {
        "float32"
    }
    history = fit(
        model, images, labels, folder=tmp_path, epochs=4, num_classes=CLASSES, batch_size=12,
        verbose=0,
    )  # fmt: skip
    assert history[-1]["loss"] < 0.8 * history[0]["loss"]
    for found in (
        predict(model, images, draws=50),
        MonteCarloDropout(model, passes=2, draws=50).predict(images),
    ):
        assert found.probabilities.dtype == np.float32
        np.testing.assert_allclose(found.probabilities.sum(axis=-1), 1, atol=1e-5)
    save_model(model, tmp_path / "model.keras")
    np.testing.assert_array_equal(
        load_model(tmp_path / "model.keras").predict(images, verbose=0),
        model.predict(images, verbose=0),
    )
