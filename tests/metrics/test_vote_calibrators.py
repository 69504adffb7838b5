import numpy as np
import pytest
from scipy import optimize
from sklearn.linear_model import LogisticRegression

from hetero_unc.metrics import (
    DirichletCalibrator,
    TemperatureCalibrator,
    VectorCalibrator,
    annotations_as_items,
    log_loss,
)

CALIBRATORS = [TemperatureCalibrator, VectorCalibrator, DirichletCalibrator]


def vote_loss(calibrator, y_prob, votes):
    return log_loss(*annotations_as_items(votes, calibrator.transform(y_prob)))


def test_temperature_is_the_minimum_of_the_loss_over_annotations(voted):
    votes, y_prob, _ = voted(items=200, sharpness=2.0)

    def loss(temperature):
        tempered = y_prob ** (1 / temperature)
        return log_loss(
            *annotations_as_items(votes, tempered / tempered.sum(axis=1, keepdims=True))
        )

    expected = optimize.minimize_scalar(
        loss, bounds=(0.1, 10), method="bounded", options={"xatol": 1e-8}
    )
    calibrator = TemperatureCalibrator().fit(y_prob, votes)
    np.testing.assert_allclose(calibrator.temperature, expected.x, rtol=1e-4)
    np.testing.assert_allclose(vote_loss(calibrator, y_prob, votes), expected.fun, rtol=1e-9)


def test_the_truth_made_sharper_by_two_has_temperature_two(voted):
    votes, y_prob, truth = voted(items=4000, sharpness=2.0)
    calibrator = TemperatureCalibrator().fit(y_prob, votes)
    assert abs(calibrator.temperature - 2) < 0.1
    np.testing.assert_allclose(calibrator.transform(y_prob), truth, atol=0.03)


def test_dirichlet_without_penalty_is_multinomial_regression_on_logarithms(voted):
    votes, y_prob, _ = voted(items=150, classes=3)
    y_true, repeated = annotations_as_items(votes, y_prob)
    regression = LogisticRegression(C=np.inf, tol=1e-8, max_iter=5000)
    regression.fit(np.log(repeated), y_true)
    expected = regression.predict_proba(np.log(y_prob))
    calibrator = DirichletCalibrator(penalty=0.0).fit(y_prob, votes)
    np.testing.assert_allclose(calibrator.transform(y_prob), expected, atol=2e-4)


def test_vector_has_a_gradient_of_zero_by_finite_differences(voted):
    votes, y_prob, _ = voted(items=150, classes=3)
    calibrator = VectorCalibrator().fit(y_prob, votes)
    best = vote_loss(calibrator, y_prob, votes)
    for name in ("weight", "intercept"):
        for label in range(3):
            for step in (-0.01, 0.01):
                getattr(calibrator, name)[label] += step
                assert vote_loss(calibrator, y_prob, votes) > best
                getattr(calibrator, name)[label] -= step
    np.testing.assert_allclose(calibrator.intercept.sum(), 0, atol=1e-12)


def test_penalised_dirichlet_minimises_loss_and_penalty_together(voted):
    votes, y_prob, _ = voted(items=150, classes=3)
    penalty = 0.05
    calibrator = DirichletCalibrator(penalty).fit(y_prob, votes)

    def cost(weight, intercept):
        calibrator.weight, calibrator.intercept = weight, intercept
        off_diagonal = weight[~np.eye(3, dtype=bool)]
        shrink = penalty * (np.mean(off_diagonal**2) + np.mean(intercept**2))
        return vote_loss(calibrator, y_prob, votes) + shrink

    weight, intercept = calibrator.weight.copy(), calibrator.intercept.copy()
    best = cost(weight, intercept)
    rng = np.random.default_rng(0)
    for _ in range(50):
        change = rng.normal(size=(3, 4)) * 0.03
        assert cost(weight + change[:, :3], intercept + change[:, 3]) > best


def test_a_large_penalty_leaves_a_diagonal(voted):
    votes, y_prob, _ = voted()
    calibrator = DirichletCalibrator(penalty=1e4).fit(y_prob, votes)
    off_diagonal = calibrator.weight[~np.eye(4, dtype=bool)]
    assert np.abs(off_diagonal).max() < 1e-3
    assert np.abs(calibrator.intercept).max() < 1e-3


def test_each_freer_map_fits_better(voted):
    votes, y_prob, _ = voted(items=300, sharpness=2.0)
    losses = [
        vote_loss(calibrator.fit(y_prob, votes), y_prob, votes)
        for calibrator in (
            TemperatureCalibrator(), VectorCalibrator(), DirichletCalibrator(penalty=0.0),
        )
    ]  # fmt: skip
    assert log_loss(*annotations_as_items(votes, y_prob)) > losses[0] > losses[1] > losses[2]


def test_fitted_on_majorities_a_forecast_becomes_surer_than_the_crowd(voted):
    votes, _, truth = voted(items=1000)
    majority = np.eye(4, dtype=int)[votes.argmax(axis=1)]
    assert abs(TemperatureCalibrator().fit(truth, votes).temperature - 1) < 0.1
    assert TemperatureCalibrator().fit(truth, majority).temperature < 0.7


@pytest.mark.parametrize("calibrator", CALIBRATORS)
def test_impossible_forecasts_and_unvoted_classes_stay_finite(calibrator):
    y_prob = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.5, 0.5, 0.0]]
    votes = [[9, 1, 0], [2, 8, 0], [5, 5, 0]]
    calibrated = calibrator().fit(y_prob, votes).transform(y_prob)
    assert np.isfinite(calibrated).all()
    np.testing.assert_allclose(calibrated.sum(axis=1), 1)


@pytest.mark.parametrize("calibrator", CALIBRATORS)
def test_bad_input_is_named(calibrator):
    with pytest.raises(ValueError, match="`votes` and `y_prob` must have the same shape"):
        calibrator().fit([[0.5, 0.5]], [[1, 1, 1]])
    with pytest.raises(ValueError, match=r"`fit` must be called before `transform`.* an unfitted"):
        calibrator().transform([[0.5, 0.5]])


@pytest.mark.parametrize("calibrator", CALIBRATORS[1:])
def test_other_classes_than_those_fitted_are_named(calibrator):
    fitted = calibrator().fit([[0.5, 0.5], [0.9, 0.1]], [[1, 1], [3, 1]])
    with pytest.raises(
        ValueError, match=r"`y_prob` must have the classes.* 3 classes, fitted to 2"
    ):
        fitted.transform([[0.5, 0.25, 0.25]])


@pytest.mark.parametrize("penalty", [-1, np.nan, np.inf, True, None, "1"])
def test_bad_penalties_are_named(penalty):
    with pytest.raises(ValueError, match=r"`penalty` must be a number >= 0\. Received: penalty="):
        DirichletCalibrator(penalty)
