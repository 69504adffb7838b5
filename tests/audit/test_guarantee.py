"""The guaranteed threshold: against SciPy's tests, by simulation, and where there is none."""

import numpy as np
import pytest
from scipy import stats

from hetero_unc.audit.guarantee import (
    candidate_thresholds,
    plurality_losses,
    risk_bound,
    risk_threshold,
)

OPTIONS = {"target_risk": 0.1, "confidence": 0.9}


def simulated(rng, items):
    """Doubt in [0, 1] and losses of that probability over two."""
    doubt = rng.random(items)
    return doubt, rng.random(items) < doubt / 2


def test_the_risk_exceeds_its_target_in_no_more_than_the_stated_share_of_redraws():
    rng = np.random.default_rng(0)
    # Losses at doubt u have probability u / 2: items up to a threshold t err with t / 4, so 0.4 is
    # the largest threshold of risk 0.1.
    found = []
    for _ in range(400):
        doubt, losses = simulated(rng, 1500)
        candidates = candidate_thresholds(rng.random(400))
        found.append(risk_threshold(doubt, losses, candidates, **OPTIONS).threshold or 0.0)
    found = np.array(found)
    too_large = (found > 0.4).sum()
    # Of 400 redraws 40 may fail, and four standard errors, 6 each, more by chance.
    assert too_large <= 40 + 4 * 6
    assert np.median(found) > 0.15  # and it is no guarantee of accepting nothing


def test_each_accepted_candidate_passed_an_exact_binomial_test():
    rng = np.random.default_rng(1)
    doubt, losses = simulated(rng, 2000)
    found = risk_threshold(doubt, losses, candidate_thresholds(rng.random(2000)), **OPTIONS)
    accepted = doubt <= found.threshold
    assert found.accepted == accepted.sum()
    assert found.risk == pytest.approx(losses[accepted].mean())
    wrong = int(losses[accepted].sum())
    test = stats.binomtest(wrong, found.accepted, 0.1, alternative="less")
    assert test.pvalue <= 0.1 / 3


def test_nothing_is_accepted_where_errors_are_everywhere_or_items_are_few():
    doubt = np.linspace(0, 1, 500)
    half = np.arange(500) % 2
    assert risk_threshold(doubt, half, doubt, **OPTIONS).threshold is None
    assert risk_threshold(doubt[:10], np.zeros(10), doubt, **OPTIONS).threshold is None


def test_everything_is_accepted_where_nothing_is_wrong():
    doubt = np.linspace(0, 1, 500)
    found = risk_threshold(doubt, np.zeros(500), candidate_thresholds(doubt), **OPTIONS)
    assert (found.threshold, found.accepted, found.risk) == (1.0, 500, 0.0)


def test_ties_of_votes_are_settled_by_lot():
    votes = np.tile([3, 3, 0], (2000, 1))
    losses = plurality_losses(votes, np.zeros(2000, dtype=int))
    assert set(losses) == {0, 1}
    assert losses.mean() == pytest.approx(0.5, abs=0.05)
    np.testing.assert_array_equal(plurality_losses(np.array([[1, 2], [2, 1]]), [1, 1]), [0, 1])


def test_the_bound_is_that_of_clopper_and_pearson():
    for wrong, accepted in ((0, 10), (3, 40), (7, 7)):
        expected = stats.binomtest(wrong, accepted, alternative="less").proportion_ci(0.9).high
        assert risk_bound(wrong, accepted, confidence=0.9) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("doubt", "losses", "message"),
    [
        ([0.1, 0.2], [0], "must have the same length"),
        ([0.1, 0.2], [0, 0.5], "`losses` must be 0 or 1"),
        ([0.1, np.nan], [0, 1], "`doubt` must be finite"),
    ],
)
def test_bad_arguments_are_named(doubt, losses, message):
    with pytest.raises(ValueError, match=message):
        risk_threshold(np.array(doubt), np.array(losses), np.array([0.5]), **OPTIONS)
