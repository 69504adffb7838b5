"""The likelihood of votes, held against integrals in the logits, draws, identities and extremes."""

import itertools

import numpy as np
import pytest
import scipy.integrate
import scipy.special
import tensorflow as tf

from hetero_unc.gaussian import negative_log_expected_softmax, vote_integrals
from hetero_unc.gaussian.vote_integrals import ACCURACIES, log_expected_votes


@pytest.fixture(autouse=True)
def compiled(monkeypatch):
    """Compiling takes seconds for each shape, so one test only does it, with what this returns."""
    function = vote_integrals.fast_log_kernel
    monkeypatch.setattr(vote_integrals, "fast_log_kernel", function.__wrapped__)
    return function


def found(loc, scale, votes, **kwargs):
    """Value `(N,)` and gradients `(N, C)` in loc and scale."""
    loc, scale = (tf.Variable(np.asarray(each), dtype="float32") for each in (loc, scale))
    with tf.GradientTape() as tape:
        value = log_expected_votes(loc, scale, votes, **kwargs)
    gradients = tape.gradient(value, [loc, scale])
    return tuple(np.asarray(each, np.float64) for each in (value, *gradients))


def two_classes(loc, scale, votes):
    """An integral over the difference of the logits, by the trapezoid rule."""
    gap, spread = loc[0] - loc[1], np.hypot(*scale)

    def integrand(y):
        normal = -(((y - gap) / spread) ** 2) / 2 - np.log(spread * np.sqrt(2 * np.pi))
        return normal - votes[0] * np.logaddexp(0, -y) - votes[1] * np.logaddexp(0, y)

    low, high = min(gap, 0) - 60 * spread - 60, max(gap, 0) + 60 * spread + 60
    for _ in range(5):
        y = np.linspace(low, high, 4_001)
        value = integrand(y)
        inside = np.flatnonzero(value > value.max() - 60)
        low, high = y[max(inside[0] - 1, 0)], y[min(inside[-1] + 1, len(y) - 1)]
    return scipy.special.logsumexp(integrand(np.linspace(low, high, 4_001))) + np.log(
        (high - low) / 4_000
    )


def three_classes(loc, scale, votes, points=80):
    """A product of Gauss-Hermite rules."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(points)
    log_w = np.log(weights / weights.sum())
    z = np.stack(np.meshgrid(*(m + s * nodes for m, s in zip(loc, scale, strict=True))), axis=-1)
    log_w = sum(np.meshgrid(log_w, log_w, log_w))
    log_p = scipy.special.log_softmax(z, axis=-1)
    return scipy.special.logsumexp(log_w + log_p @ np.asarray(votes, float))


def finite_differences(reference, loc, scale, votes, step=1e-4):
    both = np.concatenate([loc, scale])
    slopes = []
    for moved in np.eye(len(both)) * step:
        up, down = (np.split(both + sign * moved, 2) for sign in (1, -1))
        slopes.append((reference(*up, votes) - reference(*down, votes)) / (2 * step))
    return np.split(np.array(slopes), 2)


def two_class_problems(rng, items, smallest, largest, gap, most):
    loc = np.float32(rng.uniform(-gap, gap, (items, 2)))
    scale = np.exp(rng.uniform(np.log(smallest), np.log(largest), (items, 2)))
    votes = rng.integers(0, 1 + rng.integers(1, most + 1, (items, 1)), (items, 2))
    votes[votes.sum(axis=1) == 0, 0] = 1
    return loc.astype(float), np.float32(scale).astype(float), votes


@pytest.mark.parametrize(
    ("smallest", "largest", "gap", "most", "tolerance"),
    [(1e-2, 5, 10, 100, 1e-5), (1e-3, 30, 25, 300, 1e-3)],
)
def test_two_classes_give_the_integral_and_its_gradient(smallest, largest, gap, most, tolerance):
    rng = np.random.default_rng(0)
    loc, scale, votes = two_class_problems(rng, 150, smallest, largest, gap, most)
    value, to_loc, to_scale = found(loc, scale, votes)
    rows = list(zip(loc, scale, votes, strict=True))
    expected = np.array([two_classes(*row) for row in rows])
    np.testing.assert_allclose(value, expected, rtol=tolerance, atol=tolerance)
    for index, row in enumerate(rows[:20]):
        by_loc, by_scale = finite_differences(two_classes, *row)
        np.testing.assert_allclose(to_loc[index], by_loc, rtol=1e-3, atol=2e-4 + tolerance)
        np.testing.assert_allclose(to_scale[index], by_scale, rtol=1e-3, atol=2e-4 + tolerance)


@pytest.mark.parametrize("votes", [(1, 0, 0), (0, 2, 0), (1, 1, 0), (2, 1, 4), (5, 5, 5)])
def test_three_classes_give_the_integral_and_its_gradient(votes):
    rng = np.random.default_rng(1)
    loc = np.float32(rng.normal(0, 2, (2, 3))).astype(float)
    scale = np.float32(rng.uniform(0.05, 1.5, (2, 3))).astype(float)
    value, to_loc, to_scale = found(loc, scale, np.tile(votes, (2, 1)))
    expected = [three_classes(*row, votes) for row in zip(loc, scale, strict=True)]
    np.testing.assert_allclose(value, expected, rtol=5e-6, atol=5e-6)

    def coarse(*given):
        return three_classes(*given, points=40)

    by_loc, by_scale = finite_differences(coarse, loc[0], scale[0], votes)
    np.testing.assert_allclose(to_loc[0], by_loc, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(to_scale[0], by_scale, rtol=1e-3, atol=1e-4)


def test_two_classes_give_what_adaptive_quadrature_gives():
    loc, scale, votes = (0.7, -1.2), (1.5, 0.4), (4, 2)
    gap, spread = loc[0] - loc[1], np.hypot(*scale)

    def density(e):
        y = gap + spread * e
        product = scipy.special.expit(y) ** 4 * scipy.special.expit(-y) ** 2
        return product * np.exp(-(e**2) / 2) / np.sqrt(2 * np.pi)

    expected = np.log(scipy.integrate.quad(density, -12, 12, epsabs=1e-14)[0])
    assert found([loc], [scale], [votes])[0][0] == pytest.approx(expected, abs=3e-6)
    assert two_classes(loc, scale, votes) == pytest.approx(expected, abs=1e-10)


def test_ten_classes_of_mixed_scales_agree_with_draws():
    rng = np.random.default_rng(2)
    draws, items, classes = 100_000, 4, 10
    loc = rng.normal(0, 3, (items, classes))
    scale = np.exp(rng.uniform(np.log(0.01), np.log(10), (items, classes)))
    votes = rng.multinomial(6, rng.dirichlet(np.ones(classes), items))
    value = found(loc, scale, votes)[0]
    for row in range(items):
        z = loc[row] + scale[row] * rng.standard_normal((draws, classes))
        product = np.exp(scipy.special.log_softmax(z, axis=-1) @ votes[row])
        error = product.std() / np.sqrt(draws)
        assert abs(np.exp(value[row]) - product.mean()) < 4 * error + 1e-5 * product.mean()


def test_the_likelihoods_of_all_ways_to_vote_sum_to_one():
    ways = np.array([way for way in itertools.product(range(5), repeat=4) if sum(way) == 4])
    orders = np.exp(
        scipy.special.gammaln(5) - scipy.special.gammaln(np.array(ways) + 1).sum(axis=-1)
    )
    for scale, tolerance in (
        ([0.3, 1.0, 2.0, 5.0], 2e-5),
        ([0.0, 0.0, 0.0, 2.0], 2e-5),
        ([30.0, 0.01, 30.0, 1.0], 5e-4),
    ):
        loc = np.tile([1.0, -2.0, 0.5, 0.0], (len(ways), 1))
        value = found(loc, np.tile(scale, (len(ways), 1)), ways)[0]
        assert (orders * np.exp(value)).sum() == pytest.approx(1, abs=tolerance)


def test_without_noise_it_is_the_multinomial_log_likelihood():
    rng = np.random.default_rng(3)
    loc = np.float32(rng.normal(0, 5, (20, 7)))
    votes = rng.multinomial(30, rng.dirichlet(np.ones(7)), 20)
    votes[:5] = rng.multinomial(1, np.ones(7) / 7, 5)
    log_p = scipy.special.log_softmax(loc.astype(float), axis=-1)
    value, to_loc, to_scale = found(loc, np.zeros((20, 7)), votes)
    np.testing.assert_allclose(value, (votes * log_p).sum(axis=-1), rtol=2e-6, atol=2e-6)
    plain = votes - votes.sum(axis=-1, keepdims=True) * np.exp(log_p)
    np.testing.assert_allclose(to_loc, plain, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(to_scale, 0)


def test_one_vote_is_the_expected_probability_of_its_class():
    rng = np.random.default_rng(4)
    loc, scale = rng.normal(0, 3, (40, 6)), rng.lognormal(-0.7, 1, (40, 6))
    classes = rng.integers(0, 6, 40)
    value = found(loc, scale, np.eye(6)[classes])[0]
    other = -negative_log_expected_softmax(loc, scale, classes, accuracy="high")
    np.testing.assert_allclose(value, other, rtol=2e-4, atol=2e-5)


def test_permuted_classes_permute_the_gradients():
    rng = np.random.default_rng(5)
    loc, scale = rng.normal(0, 3, (8, 5)), rng.lognormal(0, 1, (8, 5))
    votes, order = rng.multinomial(9, np.ones(5) / 5, 8), rng.permutation(5)
    before = found(loc, scale, votes)
    after = found(loc[:, order], scale[:, order], votes[:, order])
    np.testing.assert_allclose(after[0], before[0], rtol=1e-5)
    for one, other in zip(after[1:], before[1:], strict=True):
        np.testing.assert_allclose(one, other[:, order], rtol=1e-3, atol=1e-4)


def test_a_shift_of_all_logits_changes_nothing():
    rng = np.random.default_rng(6)
    loc = np.float32(rng.integers(-40, 40, (8, 5)) / 8)
    scale, votes = rng.lognormal(0, 1, (8, 5)), rng.multinomial(9, np.ones(5) / 5, 8)
    value, to_loc, _ = found(loc, scale, votes)
    np.testing.assert_array_equal(found(loc + 64, scale, votes)[0], value)
    np.testing.assert_allclose(to_loc.sum(axis=-1), 0, atol=2e-4)


def test_a_class_far_below_with_no_votes_is_harmless():
    rng = np.random.default_rng(7)
    loc, scale = rng.normal(0, 3, (6, 3)), rng.lognormal(0, 1, (6, 3))
    votes = rng.multinomial(5, np.ones(3) / 3, 6)
    padding = np.full((6, 2), [-1e6, -1e9])
    few = found(loc, scale, votes)
    padded = found(
        np.concatenate([loc, padding], axis=1),
        np.concatenate([scale, np.full((6, 2), [30.0, 1.0])], axis=1),
        np.concatenate([votes, np.zeros((6, 2), int)], axis=1),
    )
    np.testing.assert_allclose(padded[0], few[0], rtol=1e-5, atol=1e-5)
    for one, other in zip(padded[1:], few[1:], strict=True):
        np.testing.assert_allclose(one[:, :3], other, rtol=1e-3, atol=1e-4)
        np.testing.assert_array_equal(one[:, 3:], 0)


@pytest.mark.parametrize("accuracy", ACCURACIES)
def test_every_accuracy_is_finite_at_extremes_and_below_zero(accuracy):
    places, scales = (50.0, 0.0, -50.0), (0.0, 1e-6, 1.0, 30.0)
    rows = list(itertools.product(places, scales, places, scales, (0, 1, 300), (1, 400)))
    loc, scale, votes = (np.array(rows)[:, each] for each in ([0, 2], [1, 3], [4, 5]))
    value, *gradients = found(loc, scale, votes, accuracy=accuracy)
    assert np.isfinite(value).all()
    assert (value < 1e-5).all()
    for gradient in gradients:
        assert np.isfinite(gradient).all()


def test_a_higher_accuracy_is_more_accurate():
    loc, scale, votes = two_class_problems(np.random.default_rng(8), 100, 0.05, 5, 3, 10)
    expected = np.array([two_classes(*row) for row in zip(loc, scale, votes, strict=True)])
    errors = {
        accuracy: np.abs(found(loc, scale, votes, accuracy=accuracy)[0] - expected).max()
        for accuracy in ACCURACIES
    }
    assert errors["fast"] < 1e-3
    assert errors["standard"] < 1e-5
    assert errors["high"] < 1e-5


def test_many_classes_are_gone_through_in_parts(monkeypatch):
    rng = np.random.default_rng(9)
    loc, scale = rng.normal(0, 2, (3, 12)), rng.lognormal(-0.7, 1, (3, 12))
    votes = rng.multinomial(5, np.ones(12) / 12, 3)
    at_once = found(loc, scale, votes)
    monkeypatch.setattr(vote_integrals, "NODES_TIMES_CLASSES", 40)
    for one, other in zip(found(loc, scale, votes), at_once, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_a_row_without_votes_is_worth_nothing():
    value, to_loc, to_scale = found([[1.0, 2.0], [0.0, 1.0]], np.ones((2, 2)), [[0, 0], [1, 0]])
    assert value[0] == 0
    np.testing.assert_array_equal([to_loc[0], to_scale[0]], 0)
    assert value[1] < 0


def test_where_scales_cannot_be_seen_they_end_at_forty():
    loc = np.array([[196.0, -96.0, 20.0]])
    votes = np.array([[0, 1, 0]])
    step = tf.function(log_expected_votes)
    wide = step(*(tf.constant(x, tf.float32) for x in (loc, [[216.0, 35.0, 1e-6]], votes)))
    ended = step(*(tf.constant(x, tf.float32) for x in (loc, [[40.0, 35.0, 1e-6]], votes)))
    np.testing.assert_allclose(wide, ended, rtol=1e-5)
    assert -100 < wide[0] <= 0


def test_compiled_it_gives_the_same(compiled, monkeypatch):
    rng = np.random.default_rng(10)
    loc, scale = rng.normal(0, 2, (5, 4)), rng.lognormal(-0.7, 1, (5, 4))
    votes = rng.multinomial(7, np.ones(4) / 4, 5)
    plain = found(loc, scale, votes)
    monkeypatch.setattr(vote_integrals, "fast_log_kernel", compiled)
    for one, other in zip(found(loc, scale, votes), plain, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("loc", "scale", "votes", "message"),
    [
        ([[0.0, 1.0]], [[-1.0, 1.0]], [[1, 1]], "`scale` must be"),
        ([[0.0, 1.0]], [[np.nan, 1.0]], [[1, 1]], "`scale` must be"),
        ([[np.inf, 1.0]], [[1.0, 1.0]], [[1, 1]], "`loc` must be"),
        ([[0.0, 1.0]], [[1.0, 1.0]], [[1, 1, 1]], "`votes` must have the shape"),
    ],
)
def test_bad_input_is_refused(loc, scale, votes, message):
    with pytest.raises(ValueError, match=message):
        log_expected_votes(loc, scale, votes)


def test_an_unknown_accuracy_is_refused():
    with pytest.raises(ValueError, match="`accuracy` must be one of"):
        log_expected_votes([[0.0, 1.0]], [[1.0, 1.0]], [[1, 1]], accuracy="best")
