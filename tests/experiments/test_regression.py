"""The regression experiment, on settings of seconds."""

import dataclasses
import json

import numpy as np
import pytest
import scipy.optimize
import scipy.stats
import tensorflow as tf

import regression
import regression_networks as networks
from regression_report import check_claims

ONE = regression.Settings(seeds=(0,), decays=(0.0,))


def cost_and_gradient(loss, features, y, log_variance):
    """Cost and gradient of the weights of a linear mean, under a fixed log variance."""
    x, target = tf.constant(features, "float64"), tf.constant(y[None], "float64")

    def at(weights):
        weights = tf.constant(weights, "float64")
        with tf.GradientTape() as tape:
            tape.watch(weights)
            mean = tf.linalg.matvec(x, weights)[None]
            cost = tf.reduce_sum(loss.call(target, tf.stack([mean, 0 * mean + log_variance], -1)))
        return cost.numpy(), tape.gradient(cost, weights).numpy()

    return at


@pytest.mark.parametrize("log_variance", [-2.0, 0.0, 3.0])
def test_with_a_constant_sd_the_likelihood_has_the_optimum_of_squared_error(log_variance):
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, 40)
    features = np.stack([np.ones_like(x), x, x**2], axis=1)
    y = 1 - x + 0.5 * x**2 + rng.normal(size=40)
    likely = cost_and_gradient(networks.GaussianLikelihood(), features, y, log_variance)
    squared = cost_and_gradient(networks.SquaredError(), features, y, log_variance)
    for weights in rng.normal(size=(5, 3)):
        # Affine in one another, so proportional gradients everywhere and the same optimum.
        (cost, gradient), (square, direction) = likely(weights), squared(weights)
        constant = (log_variance + np.log(2 * np.pi)) / 2
        assert cost == pytest.approx(np.exp(-log_variance) * square + constant, rel=1e-12)
        np.testing.assert_allclose(gradient, np.exp(-log_variance) * direction, rtol=1e-10)
    expected = np.linalg.lstsq(features, y, rcond=None)[0]
    for at in (likely, squared):
        found = scipy.optimize.minimize(at, np.zeros(3), jac=True, options={"gtol": 1e-9})
        np.testing.assert_allclose(found.x, expected, atol=1e-6)


@pytest.mark.parametrize("name", networks.DISTRIBUTIONS)
def test_every_distribution_in_the_slot_costs_what_scipy_says(name):
    make_distribution, streams = networks.DISTRIBUTIONS[name]
    parameters = np.random.default_rng(1).normal(size=(2, 5, streams)).astype("float32")
    y = np.random.default_rng(2).normal(size=(2, 5)).astype("float32")
    loc, scale = parameters[..., 0], np.exp(parameters[..., 1] / 2)
    expected = {
        "normal": lambda: scipy.stats.norm(loc, scale),
        "laplace": lambda: scipy.stats.laplace(loc, scale),
        "student_t": lambda: scipy.stats.t(1 + np.log1p(np.exp(parameters[..., 2])), loc, scale),
    }[name]()
    found = networks.NegativeLogLikelihood(make_distribution)(y, parameters)
    # The sum over networks of the mean over items.
    assert float(found) == pytest.approx(-expected.logpdf(y).mean(axis=1).sum(), rel=1e-5)


def test_the_stable_form_is_the_likelihood_of_the_normal_in_the_slot():
    parameters = np.random.default_rng(3).normal(size=(3, 7, 2)).astype("float32")
    y = np.random.default_rng(4).normal(size=(3, 7)).astype("float32")
    slot = networks.NegativeLogLikelihood(networks.normal)
    stable = float(networks.GaussianLikelihood()(y, parameters))
    assert stable == pytest.approx(float(slot(y, parameters)), rel=1e-6)


def test_the_stable_form_stays_finite_where_the_sd_is_tiny_or_huge():
    parameters = np.array([[[0.0, -60.0], [0.0, 60.0]]], "float32")
    assert np.isfinite(
        float(networks.GaussianLikelihood()(np.zeros((1, 2), "float32"), parameters))
    )


def test_the_sd_is_recovered_from_many_items():
    settings = dataclasses.replace(ONE, train_items=2000, epochs=4)
    splits = regression.draw_splits(settings)
    loss = networks.GaussianLikelihood()
    parameters, _ = networks.train(settings, loss, 2, splits, regression.GRID)
    mean, sd = regression.mean_and_sd("likelihood", parameters, splits)["grid"]
    assert np.abs(mean - regression.true_mean(regression.GRID)).max() < 0.2
    # The truth runs from 0.05 to 0.5; a constant sd would be 0.16 off on average.
    assert np.sqrt(np.mean((sd - regression.true_sd(regression.GRID)) ** 2)) < 0.03


def test_networks_side_by_side_do_not_touch_one_another():
    settings = dataclasses.replace(ONE, train_items=30, width=8, epochs=1, steps_per_epoch=10)
    together = dataclasses.replace(settings, seeds=(0, 1), decays=(0.0, 0.1))
    loss = networks.GaussianLikelihood()
    outputs = []
    for one in (settings, together):
        splits = regression.draw_splits(one)
        outputs.append(networks.train(one, loss, 2, splits, regression.GRID)[0]["grid"])
    alone, (plain, decayed) = outputs
    np.testing.assert_allclose(plain[0], alone[0, 0], atol=1e-5)
    assert np.abs(decayed[0] - plain[0]).max() > 1e-3


def test_two_streams_share_a_trunk_and_nothing_else():
    model = networks.network(dataclasses.replace(ONE, width=4), 2)
    # Trunk 1-4, then 4-4 and 4-1 for each stream, kernels and biases.
    assert model.count_params() == 8 + 2 * (20 + 5)
    with tf.GradientTape() as tape:
        mean = model(np.ones((1, 3, 1), "float32"))[..., 0]
    touched = tape.gradient(mean, model.trainable_variables)
    assert sum(gradient is None or not np.any(gradient) for gradient in touched) == 4


def test_the_noise_of_the_generator_is_the_one_it_names():
    x, y = regression.draw_items(np.random.default_rng(5), 100_000)
    score = (y - regression.true_mean(x)) / regression.true_sd(x)
    assert scipy.stats.kstest(score, "norm").pvalue > 1e-3
    x, y = regression.draw_items(np.random.default_rng(6), 100_000, degrees_of_freedom=2.5)
    score = (y - regression.true_mean(x)) / regression.true_sd(x)
    assert scipy.stats.kstest(score, "t", args=(2.5,)).pvalue > 1e-3


def test_a_perfect_forecast_is_judged_perfect():
    settings = dataclasses.replace(ONE, test_items=100_000)
    splits = regression.draw_splits(settings)
    said = {
        name: (regression.true_mean(x), regression.true_sd(x))
        for name, (x, _) in {**splits, "grid": (regression.GRID[None], None)}.items()
    }
    found = regression.judge(said, splits)
    for key in ("rmse_mean", "rmse_mean_quiet_half", "rmse_mean_noisy_half", "rmse_sd"):
        assert found[key] == 0
    # Four standard errors of a share, and of the mean of a Normal's log density.
    assert found["coverage"] == pytest.approx(0.9545, abs=4 * np.sqrt(0.9545 * 0.0455 / 1e5))
    entropy = np.log(regression.true_sd(splits["test"][0])).mean() + 0.5 * np.log(2 * np.pi * np.e)
    assert found["negative_log_likelihood"] == pytest.approx(entropy, abs=4 * np.sqrt(0.5 / 1e5))
    assert found["variation_sd"] == pytest.approx(np.ptp(regression.true_sd(regression.GRID)))


def test_claims_hold_or_fail_by_the_numbers():
    def method(**changed):
        measures = {
            "rmse_mean": 0.2, "rmse_mean_quiet_half": 0.1, "rmse_mean_noisy_half": 0.3,
            "overfit_gap": 0.1, "negative_log_likelihood": 0.0, "variation_sd": 0.5,
            "coverage": 0.95,
        }  # fmt: skip
        return {
            key: regression.spread([value] * 3) for key, value in {**measures, **changed}.items()
        }

    methods = {
        "squared_error": method(),
        "squared_error_with_decay": method(rmse_mean=0.1),
        "likelihood": method(rmse_mean=0.12, coverage=0.9),
        "likelihood_with_decay": method(rmse_mean=0.1, variation_sd=0.4),
    }
    assert [row["holds"] for row in check_claims(methods, 0.4)] == [True, True, True, False, True]
    # Less than half of what decay repairs is not most of it.
    methods["likelihood"] = method(rmse_mean=0.16)
    assert [row["holds"] for row in check_claims(methods, 0.4)] == [True, True, False, True, True]


def test_a_run_writes_its_page_and_the_same_seeds_the_same_results(tmp_path):
    settings = dataclasses.replace(regression.SMOKE, epochs=1, steps_per_epoch=10)
    result = regression.run(settings, tmp_path)
    stored = json.loads((tmp_path / "results.json").read_text())
    assert stored["claims"] == result["claims"]
    methods, by_epoch, _ = regression.compare(settings, regression.draw_splits(settings))
    assert stored["methods"] == methods
    assert stored["by_epoch"]["rmse_mean"] == by_epoch
    page = (tmp_path / "report.html").read_text()
    for row in result["claims"]:
        assert row["claim"] in page
    assert page.count("<svg") == 8


def test_decays_must_start_with_none():
    with pytest.raises(ValueError, match=r"`decays` must start with 0. Received: decays=\(0.1,\)"):
        regression.Settings(decays=(0.1,))
