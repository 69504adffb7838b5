"""The experiment on contradictory labels, on settings of seconds."""

import dataclasses
import json

import numpy as np
import pytest

import collapse
import collapse_curve
from hetero_unc.losses import ExpectedCrossEntropy, MarginalLikelihood

TINY = collapse.Settings(
    seeds=(0,), rates=(0.0, 0.3, 0.5), items_per_class=5, draws=50, epochs=2, steps_per_epoch=50
)

# Reasonable Doubt's loss and Kendall and Gal's for loc (3, 0, 0): scale, right label, wrong label,
# as published with the analysis of the first. They came from draws: exactly, a wrong label costs
# the first loss 3 more than the right one, whatever the scale; here it is 3.006 at scale 4.
TABLE = [
    (0.0, 0.095, 0.095, 3.095, 3.095),
    (1.0, 0.200, 0.176, 3.202, 2.516),
    (2.0, 0.587, 0.348, 3.590, 1.917),
    (4.0, 1.881, 0.600, 4.887, 1.488),
]


@pytest.fixture(scope="module")
def learned():
    losses = collapse.LOSSES.items()
    return {name: collapse.train_seeds(TINY, loss) for name, loss in losses}


def test_the_likelihood_raises_the_scale_where_labels_contradict(learned):
    found = learned["marginal_likelihood"]
    agree, some, half = found["scale_mean"]
    assert agree < 0.75 * found["initial_scale"]
    assert found["initial_scale"] < some < half
    assert half > 2 * found["initial_scale"]


def test_the_expected_cross_entropy_lets_every_scale_fall_to_zero(learned):
    found = learned["expected_cross_entropy"]
    assert found["initial_scale"] == learned["marginal_likelihood"]["initial_scale"] > 0.5
    assert max(found["scale_mean"]) < 0.1 * found["initial_scale"]


def test_only_the_likelihood_predicts_the_rate_of_contradictions(learned):
    by_likelihood = learned["marginal_likelihood"]["probability_mean"]
    np.testing.assert_allclose(by_likelihood, TINY.rates, atol=0.15)
    where_labels_agree = learned["expected_cross_entropy"]["probability_mean"][0]
    assert where_labels_agree > 0.15 > 2 * by_likelihood[0]
    assert (
        learned["marginal_likelihood"]["loss_mean"] < learned["expected_cross_entropy"]["loss_mean"]
    )


def test_where_loc_can_say_the_rate_the_scale_depends_on_its_start():
    found = [
        collapse.train_seeds(TINY, MarginalLikelihood, loc_sees_the_rate=True, start=start)
        for start in (TINY.small_start, TINY.large_start)
    ]
    small, large = (np.array(one["scale_mean"])[1:] for one in found)
    assert small.max() < 0.1
    assert large.min() > 1.0
    for one in found:
        np.testing.assert_allclose(one["probability_mean"], TINY.rates, atol=0.1)


def test_rows_of_label_shares_cost_what_their_labels_cost_one_by_one():
    rng = np.random.default_rng(0)
    parameters = np.stack([rng.normal(size=(2, 3)), rng.uniform(0.5, 2, size=(2, 3))], axis=-1)
    parameters = parameters.astype("float32")
    shares = np.array([[0.75, 0.25, 0.0], [0.0, 0.5, 0.5]], "float32")
    for loss in (ExpectedCrossEntropy(draws=20), MarginalLikelihood(draws=20)):
        # The draws depend on the parameters alone, so each call below meets the same ones.
        one_by_one = [
            float(loss(np.array(labels), parameters)) for labels in ([0, 1], [0, 1], [0, 2], [1, 2])
        ]
        assert float(loss(shares, parameters)) == pytest.approx(np.mean(one_by_one), rel=1e-5)


def test_labels_contradict_at_the_rate_of_their_source():
    (position, source), shares = collapse.contradictory_labels(TINY, seed=3)
    assert position.shape == (45, 2)
    np.testing.assert_array_equal(source.sum(axis=0), [15, 15, 15])
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(shares.max(axis=1), 1 - source @ np.array(TINY.rates), rtol=1e-6)
    # Discs of radius 1/2 around points of the unit circle: nearest centre, hence class, is certain.
    centres = np.exp(2j * np.pi * np.arange(3) / 3)
    nearest = np.abs(position @ [1, 1j] - centres[:, None]).argmin(axis=0)
    np.testing.assert_array_equal(nearest, np.tile(np.repeat(np.arange(3), 5), 3))


@pytest.mark.parametrize("row", TABLE)
def test_exact_losses_reproduce_the_printed_table(row):
    scale, *expected = row
    found = [
        loss
        for label in (0, 1)
        for loss in collapse_curve.exact_losses(collapse_curve.CURVE_LOC, scale, label)
    ]
    np.testing.assert_allclose(found, expected, atol=0.011)
    assert found[2] - found[0] == pytest.approx(3, abs=1e-12)


@pytest.mark.parametrize("scale", [0.5, 1.0])
def test_exact_losses_agree_with_gauss_and_hermite_in_three_dimensions(scale):
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    weights = weights / weights.sum()
    noise = np.stack(np.meshgrid(nodes, nodes, nodes, indexing="ij"), axis=-1)
    logits = np.array(collapse_curve.CURVE_LOC) + scale * noise
    for label in range(3):
        cost = np.logaddexp.reduce(logits, axis=-1) - logits[..., label]
        expected, chance = (
            np.einsum("i,j,k,ijk", weights, weights, weights, values)
            for values in (cost, np.exp(-cost))
        )
        found = collapse_curve.exact_losses(collapse_curve.CURVE_LOC, scale, label)
        np.testing.assert_allclose(found, (expected, -np.log(chance)), rtol=1e-6)


def test_exact_losses_agree_with_a_million_draws():
    loc, scale = np.array([1.0, -0.5, 0.2]), 1.7
    logits = loc + scale * np.random.default_rng(1).normal(size=(1_000_000, 3))
    for label in range(3):
        cost = np.log(np.exp(logits).sum(axis=1)) - logits[:, label]
        chance = np.exp(-cost)
        expected, marginal = collapse_curve.exact_losses(loc, scale, label)
        assert abs(cost.mean() - expected) < 4 * cost.std() / 1000
        assert abs(chance.mean() - np.exp(-marginal)) < 4 * chance.std() / 1000


def test_the_curve_rises_for_the_expected_cross_entropy_whatever_the_label():
    curve = collapse_curve.curve()
    for label in ("right", "wrong"):
        assert (np.diff(curve[label]["expected_cross_entropy"]) > 0).all()
    assert (np.diff(curve["right"]["marginal_likelihood"]) > 0).all()
    assert (np.diff(curve["wrong"]["marginal_likelihood"]) < 0).all()


def test_the_file_holds_what_run_returns_and_the_same_seed_the_same_numbers(tmp_path):
    settings = dataclasses.replace(TINY, epochs=1, steps_per_epoch=3)
    result = collapse.run(settings, tmp_path)
    stored = json.loads((tmp_path / "collapse.json").read_text())
    assert stored["curve"] == result["curve"]
    again = collapse.train_seeds(settings, MarginalLikelihood)
    assert stored["marginal_likelihood"] == again
    assert np.shape(stored["marginal_likelihood"]["trajectory"]["scale_by_rate"]) == (3, 2)
    entropy = (0 - 0.3 * np.log(0.3) - 0.7 * np.log(0.7) + np.log(2)) / 3
    assert stored["smallest_possible_loss"] == pytest.approx(entropy)
