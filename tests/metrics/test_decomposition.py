import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from hetero_unc.metrics import entropy, entropy_decomposition, logit_variance_decomposition
from hetero_unc.predictive import Predictive

PARTS = ("total", "epistemic", "logit_noise", "within_draw", "aleatoric")


def drawn_softmax(seed, passes=5, draws=40, items=6, classes=4):
    """Softmax of noisy logits of several passes: `(P, D, N, C)`."""
    rng = np.random.default_rng(seed)
    loc = 2 * rng.normal(size=(passes, 1, items, classes))
    return scipy.special.softmax(loc + rng.normal(size=(passes, draws, items, classes)), axis=-1)


def decompose(drawn):
    return entropy_decomposition(drawn.mean(axis=1), entropy(drawn).mean(axis=1))


def test_entropy_agrees_with_scipy_on_any_number_of_axes():
    probabilities = np.random.default_rng(0).dirichlet(np.ones(5), size=(3, 4))
    np.testing.assert_allclose(entropy(probabilities), scipy.stats.entropy(probabilities, axis=-1))
    np.testing.assert_allclose(
        entropy(probabilities[0, 0]), scipy.stats.entropy(probabilities[0, 0])
    )


def test_entropy_of_certainty_is_plain_zero():
    assert entropy([1.0, 0.0]) == 0
    assert not np.signbit(entropy([1.0, 0.0]))


def test_parts_are_the_mutual_informations_they_are_named_for():
    """By the joint table of mask, draw and label of one item, with SciPy's relative entropy."""

    def mutual_information(table):
        independent = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True)
        return scipy.stats.entropy(table.ravel(), independent.ravel())

    drawn = drawn_softmax(1, passes=3, draws=4, items=1)
    parts = decompose(drawn)
    passes, draws, _, classes = drawn.shape
    joint = drawn[:, :, 0] / (passes * draws)
    by_pass = mutual_information(joint.sum(axis=1))
    by_draw = mutual_information(joint.reshape(-1, classes))
    np.testing.assert_allclose(parts.epistemic, by_pass)
    np.testing.assert_allclose(parts.logit_noise, by_draw - by_pass)
    np.testing.assert_allclose(parts.total, scipy.stats.entropy(joint.sum(axis=(0, 1))))
    np.testing.assert_allclose(parts.within_draw, scipy.stats.entropy(drawn, axis=-1).mean())


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 6), st.integers(2, 5))
def test_parts_add_up_and_none_is_negative(seed, passes, draws, classes):
    drawn = drawn_softmax(seed, passes, draws, 3, classes)
    parts = decompose(drawn)
    np.testing.assert_allclose(parts.total, parts.epistemic + parts.aleatoric)
    np.testing.assert_allclose(parts.aleatoric, parts.logit_noise + parts.within_draw)
    for name in PARTS:
        part = getattr(parts, name)
        assert part.shape == (3,)
        assert (part >= -1e-12).all()
        assert (part <= np.log(classes) + 1e-12).all()
    order = np.random.default_rng(seed).permutation(passes)
    np.testing.assert_allclose(decompose(drawn[order]).epistemic, parts.epistemic, atol=1e-12)


def test_without_draws_there_is_no_logit_noise_and_with_one_pass_nothing_epistemic():
    probabilities = drawn_softmax(2)[:1, 0]
    parts = entropy_decomposition(probabilities)
    np.testing.assert_array_equal(parts.logit_noise, 0)
    np.testing.assert_array_equal(parts.epistemic, 0)
    np.testing.assert_array_equal(parts.within_draw, parts.aleatoric)
    np.testing.assert_allclose(parts.total, scipy.stats.entropy(probabilities[0], axis=-1))


def test_epistemic_is_low_by_the_stated_amount_for_few_passes():
    rng = np.random.default_rng(3)
    concentration, passes = np.array([30.0, 20.0, 10.0]), 8
    runs = rng.dirichlet(concentration, size=(passes, 40_000))
    mean = concentration / concentration.sum()
    # Of a Dirichlet, in closed form: the variance of p and the expectation of its entropy.
    variance = mean * (1 - mean) / (concentration.sum() + 1)
    digamma = scipy.special.digamma
    expected = digamma(concentration.sum() + 1) - mean @ digamma(concentration + 1)
    truth = scipy.stats.entropy(mean) - expected
    bias = entropy_decomposition(runs).epistemic.mean() - truth
    stated = -np.sum(variance / mean) / (2 * passes)
    assert bias == pytest.approx(stated, rel=0.1)
    assert abs(stated) <= (len(mean) - 1) / (2 * passes)


def test_parts_agree_with_those_of_a_predictive():
    drawn = drawn_softmax(4)
    probabilities, draw_entropy = drawn.mean(axis=1), entropy(drawn).mean(axis=1)
    summary = Predictive(probabilities=probabilities, draw_entropy=draw_entropy).summarise()
    parts = entropy_decomposition(probabilities, draw_entropy)
    for name in PARTS:
        np.testing.assert_allclose(getattr(parts, name), getattr(summary, name), atol=1e-6)


def test_shares_are_of_the_entropy_of_knowing_nothing():
    parts = entropy_decomposition(np.full((2, 1, 4), 0.25)).as_share(4)
    np.testing.assert_allclose(parts.total, 1)
    np.testing.assert_allclose(parts.aleatoric, 1)
    with pytest.raises(ValueError, match=r"`num_classes` must be an integer >= 2. Received: num_c"):
        parts.as_share(1)


def test_logit_variance_is_that_of_the_mixture_of_normals():
    """By the moments of each Normal in SciPy: Var = E[z^2] - E[z]^2."""
    rng = np.random.default_rng(5)
    loc, scale = rng.normal(size=(2, 7, 3, 4))
    scale = np.abs(scale)
    mean = scipy.stats.norm(loc, scale).moment(1).mean(axis=0)
    second = scipy.stats.norm(loc, scale).moment(2).mean(axis=0)
    parts = logit_variance_decomposition(loc, scale)
    np.testing.assert_allclose(parts.total, second - mean**2)
    np.testing.assert_allclose(parts.epistemic, loc.var(axis=0))
    np.testing.assert_allclose(parts.total, parts.epistemic + parts.aleatoric)


def test_logit_variance_agrees_with_draws():
    rng = np.random.default_rng(6)
    loc, scale = rng.normal(size=(4, 1, 3)), rng.uniform(0.5, 2, size=(4, 1, 3))
    draws = loc + scale * rng.normal(size=(50_000, 4, 1, 3))
    sample = draws.reshape(-1, 3).var(axis=0)
    total = logit_variance_decomposition(loc, scale).total[0]
    # The kurtosis of such a mixture is below 6, so 4 standard errors are below 2.5 %.
    np.testing.assert_allclose(sample, total, rtol=0.025)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: entropy([[0.5, 0.6]]), "Every row of `probabilities` must sum to 1"),
        (lambda: entropy(0.5), r"`probabilities` must have 1 axes. Received: shape=\(\)"),
        (lambda: entropy([[1.0]]), r"`probabilities` must have at least 2 classes"),
        (lambda: entropy([[0.5, 0.5], [1.0]]), "`probabilities` must be an array. Received: "),
        (
            lambda: entropy_decomposition([[0.5, 0.5]]),
            r"`probabilities` must have 3 axes. Received: shape=\(1, 2\)",
        ),
        (
            lambda: entropy_decomposition([[[0.5, 0.5]], [[0.5, 0.6]]]),
            r"Received: row \(1, 0\) sums to 1.1 \(1 of 2 rows are off\)",
        ),
        (
            lambda: entropy_decomposition([[[0.5, 0.5]]], [[0.1, 0.2]]),
            r"`draw_entropy` must have shape \(P, N\) = \(1, 1\). Received: shape=\(1, 2\)",
        ),
        (
            lambda: entropy_decomposition([[[0.5, 0.5]]], [[1.0]]),
            r"`draw_entropy` must lie in .* nats. Received: values from 1 to 1",
        ),
        (
            lambda: logit_variance_decomposition(np.zeros((1, 2, 3)), np.zeros((1, 2, 2))),
            r"`loc` and `scale` must have the same shape. Received: loc.shape=\(1, 2, 3\)",
        ),
        (
            lambda: logit_variance_decomposition(np.zeros((1, 1, 2)), [[[1.0, -0.5]]]),
            "`scale` must be >= 0. Received: minimum=-0.5",
        ),
        (
            lambda: logit_variance_decomposition([[[np.inf, 0.0]]], [[[1.0, 1.0]]]),
            "`loc` must be finite. Received: 1 NaN or infinite of 2 values",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
