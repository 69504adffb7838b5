"""The crowd's posterior: against draws, enumeration and SciPy."""

import numpy as np
import pytest
from scipy import stats

from hetero_unc.audit.crowd_model import (
    CrowdModel,
    fit_crowd_model,
    largest_reliable_list,
    temper,
    vote_log_likelihood,
)
from hetero_unc.audit.crowd_posterior import (
    contested_probability,
    value_of_one_more_vote,
)


def test_vote_log_likelihood_is_scipys_dirichlet_multinomial_without_its_coefficient():
    rng = np.random.default_rng(0)
    dirichlet = rng.gamma(2, size=(20, 5))
    votes = rng.multinomial(6, np.full(5, 0.2), size=20)
    coefficient = stats.multinomial(6, np.full(5, 0.2)).logpmf(votes) - 6 * np.log(0.2)
    expected = [
        stats.dirichlet_multinomial(a, 6).logpmf(v) for a, v in zip(dirichlet, votes, strict=True)
    ]
    np.testing.assert_allclose(
        vote_log_likelihood(votes, dirichlet), np.array(expected) - coefficient, rtol=1e-10
    )


def test_label_error_is_bayes_rule_over_the_classes():
    profiles = np.array([[0.8, 0.1, 0.1], [0.1, 0.7, 0.2], [0.2, 0.2, 0.6]])
    model = CrowdModel(1.0, 5.0, 0.1, profiles, np.array([0.5, 0.3, 0.2]))
    votes, y_prob = np.array([[0, 3, 1], [4, 0, 0]]), np.array([[0.9, 0.08, 0.02]] * 2)
    own = [stats.dirichlet_multinomial(5 * p, 4).pmf(v) for p, v in zip(y_prob, votes, strict=True)]
    # Half by how often the others occur, .3 and .2; half by the forecast, .08 and .02.
    others = [
        (0.5 * 0.6 + 0.5 * 0.8) * stats.dirichlet_multinomial(5 * profiles[1], 4).pmf(v)
        + (0.5 * 0.4 + 0.5 * 0.2) * stats.dirichlet_multinomial(5 * profiles[2], 4).pmf(v)
        for v in votes
    ]
    expected = 0.1 * np.array(others) / (0.1 * np.array(others) + 0.9 * np.array(own))
    # The forecast is mixed with 1e-5 of the uniform one, which the reference does not do.
    np.testing.assert_allclose(model.label_error(votes, y_prob), expected, rtol=1e-3)
    assert expected[0] > 0.8 > 0.1 > expected[1]


def test_the_fit_finds_temperature_and_share_of_wrong_labels_that_votes_were_drawn_with():
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 2.5, (1500, 4))
    crowd = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    shares = rng.standard_gamma(3 * crowd + 1e-3)
    votes = rng.multinomial(16, shares / shares.sum(axis=1, keepdims=True))
    wrong = rng.random(1500) < 0.05
    votes[wrong] = np.roll(votes[wrong], 1, axis=1)
    forecast = temper(crowd, 0.7)  # too sure by a known amount
    model = fit_crowd_model(votes, forecast)
    assert model.temperature == pytest.approx(1 / 0.7, rel=0.1)
    assert model.concentration == pytest.approx(3, rel=0.2)
    assert model.error_share == pytest.approx(0.05, abs=0.02)
    again = model.with_error_share_of(votes, forecast)
    assert again.error_share == pytest.approx(0.05, abs=0.02)
    clean = model.with_error_share_of(votes[~wrong], forecast[~wrong])
    assert clean.error_share < 0.01
    listed = largest_reliable_list(model.label_error(votes, forecast), 0.1)
    assert wrong[listed].mean() > 0.8
    assert listed[wrong].mean() > 0.5


def test_the_share_of_wrong_labels_is_where_prior_times_likelihood_is_largest():
    profiles = np.array([[0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0.05, 0.05, 0.9]])
    model = CrowdModel(1.0, 5.0, 0.1, profiles, np.array([0.5, 0.3, 0.2]))
    rng = np.random.default_rng(0)
    y_prob = rng.dirichlet([0.2, 0.2, 0.2], 200) * 0.99 + 0.01 / 3
    votes = np.array([rng.multinomial(3, row) for row in y_prob])
    votes[:4] = np.roll(votes[:4], 1, axis=1)
    own = np.array(
        [stats.dirichlet_multinomial(5 * p, 3).pmf(v) for p, v in zip(y_prob, votes, strict=True)]
    )
    others = np.zeros(200)
    for row, (p, v) in enumerate(zip(y_prob, votes, strict=True)):
        rest = [k for k in range(3) if k != p.argmax()]
        weight = model.class_shares[rest] / model.class_shares[rest].sum() / 2
        weight += p[rest] / p[rest].sum() / 2
        others[row] = weight @ [
            stats.dirichlet_multinomial(5 * profiles[k], 3).pmf(v) for k in rest
        ]
    shares = np.exp(np.linspace(-9, -0.8, 4000))
    odds = np.log(shares / (1 - shares))
    posterior = stats.norm(np.log(0.02 / 0.98), 1.5).logpdf(odds)
    posterior += np.log(np.outer(1 - shares, own) + np.outer(shares, others)).sum(axis=1)
    expected = shares[posterior.argmax()]
    assert model.with_error_share_of(votes, y_prob).error_share == pytest.approx(expected, rel=5e-3)
    assert 0.005 < expected < 0.1


def test_a_forecast_is_never_worth_more_than_half_the_votes():
    votes = np.random.default_rng(0).multinomial(6, [0.5, 0.5], size=300)
    assert fit_crowd_model(votes, np.full((300, 2), 0.5)).concentration <= 3


@pytest.mark.parametrize("target", [0.05, 0.3])
def test_the_list_is_the_longest_that_keeps_its_false_alarms(target):
    probability = np.random.default_rng(0).random(200)
    listed = largest_reliable_list(probability, target)
    assert (1 - probability[listed]).mean() <= target
    best = np.sort(probability)[::-1]
    assert (1 - best[: listed.sum() + 1]).mean() > target
    assert probability[listed].min() >= probability[~listed].max()


def test_value_of_one_more_vote_is_what_enumerating_the_vote_gives():
    dirichlet = np.random.default_rng(0).gamma(1.5, size=(50, 4))
    found = value_of_one_more_vote(dirichlet)
    for a, gain, change in zip(dirichlet, found.gain, found.label_change, strict=True):
        chance = a / a.sum()
        after = [(a + row).max() / (a.sum() + 1) for row in np.eye(4)]
        assert gain == pytest.approx(chance @ after - chance.max(), abs=1e-14)
        moved = [(a + row).argmax() != a.argmax() for row in np.eye(4)]
        assert change == pytest.approx(chance @ moved)


def test_the_probability_of_a_contested_item_agrees_with_draws():
    rng = np.random.default_rng(0)
    dirichlet = rng.gamma(0.5, size=(40, 5)) + rng.multinomial(7, [0.5, 0.3, 0.1, 0.1, 0], size=40)
    draws = np.stack([1 - np.square(rng.dirichlet(a, 4000)).sum(axis=1) for a in dirichlet])
    drawn = (draws >= 0.4).mean(axis=1)
    np.testing.assert_allclose(contested_probability(dirichlet, 0.4), drawn, atol=0.1)


def test_no_crowd_of_two_classes_disagrees_more_than_half_the_time():
    np.testing.assert_array_equal(contested_probability(np.ones((3, 2)), 0.5), 0.0)
