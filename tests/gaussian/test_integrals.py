"""The exact integrals, against float64 quadrature that shares nothing with them."""

import keras
import numpy as np
import pytest
import scipy.integrate
import scipy.special
from keras import ops

from hetero_unc.gaussian import (
    expected_agreement,
    expected_entropy,
    expected_log_sum_exp,
    expected_products,
    expected_softmax,
    integration_nodes,
    log_expected_softmax,
    negative_log_expected_softmax,
)

# accuracy -> largest error on rows of scales of one kind, and on rows mixed at will; the docstring
# of `integrals` states these.
BOUNDS = {"fast": (5e-4, 2e-3), "standard": (5e-6, 5e-5), "high": (5e-6, 1e-5)}


def realistic(rng, classes):
    return rng.normal(0, rng.choice([0.5, 2, 5, 20]), classes), rng.lognormal(-0.7, 1, classes)


def mixed(rng, classes):
    loc = rng.normal(0, rng.choice([0.5, 2, 5, 20]), classes)
    return loc, np.exp(rng.uniform(np.log(1e-6), np.log(30), classes))


def two_kinds(rng, classes):
    return rng.normal(0, 3, classes), rng.choice([1e-3, 30], classes)


def dominated(rng, classes):
    loc = rng.normal(0, 2, classes)
    loc[0] = 50
    return loc, np.exp(rng.uniform(np.log(1e-3), np.log(30), classes))


@pytest.fixture(scope="module")
def cases(reference):
    """For 2, 3 and 10 classes: (kind of each row, loc, scale, references)."""
    rng = np.random.default_rng(7)
    found = []
    for classes, rows in ((2, 8), (3, 8), (10, 5)):
        # One batch for each number of classes: every new shape is compiled anew.
        made = [
            (kind, *map(np.float32, kind(rng, classes)))
            for kind in (realistic, mixed, two_kinds, dominated)
            for _ in range(rows)
        ]
        kinds, loc, scale = zip(*made, strict=True)
        exact = [reference(*row) for row in zip(loc, scale, strict=True)]
        found.append((kinds, np.array(loc), np.array(scale), exact))
    return found


def hermite(function, loc, scale, nodes=90):
    """E[function(softmax(z))] at C = 3 by Gauss-Hermite nodes; for scales up to about 1."""
    x, w = np.polynomial.hermite_e.hermegauss(nodes)
    grid = np.stack(np.meshgrid(x, x, x, indexing="ij"), -1).reshape(-1, 3)
    weight = np.einsum("i,j,k->ijk", w, w, w).ravel() / w.sum() ** 3
    values = function(scipy.special.softmax(loc + scale * grid, axis=-1))
    return np.tensordot(weight, values, 1)


def entropy(p):
    return scipy.special.entr(p).sum(-1)


def array(tensor):
    return ops.convert_to_numpy(tensor)


def gradients(function, *arrays):
    tf = pytest.importorskip("tensorflow")
    tensors = [tf.constant(one, "float32") for one in arrays]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        value = ops.sum(function(*tensors))
    return [one.numpy() for one in tape.gradient(value, tensors)]


@pytest.mark.parametrize(
    ("loc", "scale"),
    [((0, 1), (1, 2)), ((0, 5), (1e-3, 20)), ((0, -8), (3, 0.1)), ((0, 0), (30, 30))],
)
def test_the_reference_is_right_for_two_classes(reference, loc, scale):
    difference, spread = loc[0] - loc[1], np.hypot(*scale)

    def integrand(e):
        return scipy.special.expit(difference + spread * e) * np.exp(-e * e / 2)

    wanted = scipy.integrate.quad(
        integrand, -12, 12, points=[0, -difference / spread], limit=400, epsabs=1e-13
    )[0] / np.sqrt(2 * np.pi)
    found = reference(loc, scale)
    assert found.probabilities[0] == pytest.approx(wanted, abs=1e-10)
    assert found.mass == pytest.approx(1, abs=1e-10)


def test_the_reference_is_right_for_three_classes(reference):
    loc, scale = np.array([0.3, -0.5, 1.0]), np.array([0.9, 0.4, 0.7])
    found = reference(loc, scale)
    np.testing.assert_allclose(found.probabilities, hermite(lambda p: p, loc, scale), atol=1e-11)
    assert found.entropy == pytest.approx(hermite(entropy, loc, scale), abs=1e-10)
    squares = hermite(lambda p: np.square(p).sum(-1), loc, scale)
    assert found.agreement == pytest.approx(squares, abs=1e-11)
    for step, found_gradient in ((np.eye(3) * 1e-5, found.to_loc), (None, found.to_scale)):
        for k in range(3):
            shift = np.eye(3)[k] * 1e-5
            moved = (loc, scale + shift) if step is None else (loc + shift, scale)
            other = (loc, scale - shift) if step is None else (loc - shift, scale)
            wanted = reference(*moved).log_probabilities - reference(*other).log_probabilities
            np.testing.assert_allclose(found_gradient[:, k], wanted / 2e-5, atol=1e-6)


@pytest.mark.parametrize("accuracy", BOUNDS)
def test_probabilities_are_within_the_stated_bound(cases, accuracy):
    for kinds, loc, scale, exact in cases:
        found = array(expected_softmax(loc, scale, accuracy=accuracy))
        np.testing.assert_allclose(found.sum(-1), 1, atol=1e-6)
        for kind, row, one in zip(kinds, found, exact, strict=True):
            bound = BOUNDS[accuracy][kind is not realistic]
            np.testing.assert_allclose(row, one.probabilities, rtol=0, atol=bound)


def test_many_classes(reference):
    rng = np.random.default_rng(1)
    loc, scale = rng.normal(0, 2, 60), np.full(60, 0.8)
    wanted = reference(loc, scale)
    found = array(expected_softmax(loc[None], scale[None]))[0]
    np.testing.assert_allclose(found, wanted.probabilities, rtol=0, atol=2e-6)


def test_gradients_are_within_a_thousandth_where_the_class_is_not_rare(cases):
    def loss(loc, scale):
        return negative_log_expected_softmax(loc, scale, labels)

    def layer(loc, scale):
        log_probabilities = log_expected_softmax(loc, scale)
        return -ops.sum(log_probabilities * np.eye(classes, dtype="float32")[labels], axis=-1)

    for kinds, loc, scale, exact in cases:
        classes = loc.shape[1]
        # Every class of every item, as a batch.
        loc, scale = (np.repeat(part, classes, axis=0) for part in (loc, scale))
        labels = np.tile(np.arange(classes), len(kinds))
        to_loc = -np.concatenate([one.to_loc for one in exact])
        to_scale = -np.concatenate([one.to_scale for one in exact])
        common = np.concatenate([one.probabilities for one in exact]) > 1e-4
        for function in (loss, layer):
            found_loc, found_scale = gradients(function, loc, scale)
            assert np.isfinite(found_loc).all()
            assert np.isfinite(found_scale).all()
            size = np.maximum(np.abs(to_loc).max(-1), 0.01)
            error = np.abs(found_loc - to_loc).max(-1) / size
            assert error[common].max() < 1e-3, function
            error = np.abs(found_scale - to_scale) / (1 + np.abs(to_scale))
            assert error[common].max() < 1e-3, function


def test_the_loss_of_a_class_is_the_log_of_its_probability(cases):
    for kinds, loc, scale, exact in cases:
        classes = loc.shape[1]
        loc, scale = (np.repeat(part, classes, axis=0) for part in (loc, scale))
        labels = np.tile(np.arange(classes), len(kinds))
        found = array(negative_log_expected_softmax(loc, scale, labels))
        assert np.isfinite(found).all()
        error = np.abs(np.exp(-found) - np.concatenate([one.probabilities for one in exact]))
        common = np.repeat([kind is realistic for kind in kinds], classes)
        assert error[common].max() < 1e-5
        assert error.max() < 2e-4


def test_the_other_expectations(cases):
    for _, loc, scale, exact in cases:
        for function, name, bound in (
            (expected_agreement, "agreement", 2e-5),
            (expected_log_sum_exp, "log_sum_exp", 1e-4),
            (expected_entropy, "entropy", 1e-4),
        ):
            found, wanted = array(function(loc, scale)), [getattr(one, name) for one in exact]
            assert (np.abs(found - wanted) < bound * np.maximum(1, scale.max(-1))).all(), name


def test_products_against_gauss_hermite():
    loc, scale = np.array([[0.3, -0.5, 1.0]]), np.array([[0.9, 0.4, 0.7]])
    wanted = hermite(lambda p: p[:, :, None] * p[:, None, :], loc[0], scale[0])
    np.testing.assert_allclose(array(expected_products(loc, scale))[0], wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("function", "of_softmax"),
    [
        (expected_entropy, entropy),
        (expected_agreement, lambda p: np.square(p).sum(-1)),
        (lambda loc, scale: expected_products(loc, scale)[:, 0, 1], lambda p: p[:, 0] * p[:, 1]),
    ],
)
def test_gradients_of_the_other_expectations(function, of_softmax):
    loc, scale = np.array([0.3, -0.5, 1.0]), np.array([0.9, 0.4, 0.7])
    found = gradients(function, loc[None], scale[None])
    for k in range(3):
        shift = np.eye(3)[k] * 1e-4
        by_loc = hermite(of_softmax, loc + shift, scale) - hermite(of_softmax, loc - shift, scale)
        assert found[0][0, k] == pytest.approx(by_loc / 2e-4, abs=1e-3)
        by_scale = hermite(of_softmax, loc, scale + shift) - hermite(of_softmax, loc, scale - shift)
        assert found[1][0, k] == pytest.approx(by_scale / 2e-4, abs=1e-3)


def test_the_gradient_of_log_sum_exp_is_probabilities_and_slopes(cases):
    _, loc, scale, exact = cases[1]
    to_loc, to_scale = gradients(expected_log_sum_exp, loc, scale)
    np.testing.assert_allclose(to_loc, [one.probabilities for one in exact], atol=1e-5)
    wanted = [one.slopes * row for one, row in zip(exact, scale, strict=True)]
    np.testing.assert_allclose(to_scale, wanted, atol=1e-4)


def test_zero_scale_is_the_plain_softmax():
    rng = np.random.default_rng(0)
    loc, scale = rng.normal(0, 10, (20, 7)).astype("float32"), np.zeros((20, 7), "float32")
    wanted = scipy.special.log_softmax(loc.astype(float), axis=-1)
    np.testing.assert_allclose(array(log_expected_softmax(loc, scale)), wanted, atol=4e-6)
    labels = np.arange(20) % 7
    loss = array(negative_log_expected_softmax(loc, scale, labels))
    np.testing.assert_allclose(loss, -wanted[np.arange(20), labels], rtol=1e-6, atol=4e-6)
    to_loc, to_scale = gradients(
        lambda *given: negative_log_expected_softmax(*given, labels), loc, scale
    )
    np.testing.assert_allclose(to_loc, np.exp(wanted) - np.eye(7)[labels], atol=4e-6)
    assert (to_scale == 0).all()


@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_everything_is_finite_and_sums_to_one_over_the_whole_range(classes):
    rng = np.random.default_rng(classes)
    loc = rng.uniform(-50, 50, (40, classes))
    scale = np.exp(rng.uniform(np.log(1e-6), np.log(30), (40, classes)))
    probabilities = array(expected_softmax(loc, scale))
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(-1), 1, atol=1e-6)
    assert np.isfinite(array(log_expected_softmax(loc, scale))).all()
    labels = rng.integers(0, classes, 40)
    assert np.isfinite(array(negative_log_expected_softmax(loc, scale, labels))).all()
    for gradient in gradients(
        lambda *given: negative_log_expected_softmax(*given, labels), loc, scale
    ):
        assert np.isfinite(gradient).all()


def test_shift_and_order_of_classes_do_not_matter():
    rng = np.random.default_rng(3)
    loc, scale = rng.normal(0, 3, (5, 6)), rng.lognormal(-0.7, 1, (5, 6))
    found = array(expected_softmax(loc, scale))
    np.testing.assert_allclose(array(expected_softmax(loc + 30, scale)), found, atol=5e-6)
    order = rng.permutation(6)
    other = array(expected_softmax(loc[:, order], scale[:, order]))
    np.testing.assert_allclose(other, found[:, order], atol=1e-6)


def test_nodes_in_parts_add_up_to_all_at_once(monkeypatch):
    rng = np.random.default_rng(4)
    loc, scale = rng.normal(0, 3, (3, 6)), rng.lognormal(-0.7, 1, (3, 6))
    functions = (expected_entropy, expected_agreement)
    whole = [array(function(loc, scale)) for function in functions]
    for width in (1, 24):  # one node at a time, and four
        monkeypatch.setattr(integration_nodes, "WIDTH", width)
        for function, wanted in zip(functions, whole, strict=True):
            np.testing.assert_allclose(array(function(loc, scale)), wanted, atol=5e-6)


def test_a_batch_of_unknown_size_is_compiled():
    tf = pytest.importorskip("tensorflow")
    spec = tf.TensorSpec((None, 4), "float32")
    function = tf.function(log_expected_softmax, input_signature=[spec, spec])
    rng = np.random.default_rng(5)
    for items in (1, 6):
        loc, scale = rng.normal(size=(items, 4)), rng.gamma(1, 1, (items, 4))
        wanted = array(log_expected_softmax(loc, scale))
        found = function(tf.constant(loc, "float32"), tf.constant(scale, "float32"))
        np.testing.assert_allclose(found, wanted, atol=2e-6)


@pytest.mark.parametrize(
    ("loc", "scale", "message"),
    [
        ([[0.0, 1.0]], [[1.0, -1.0]], r"`scale` must be finite and lie in \[0, 40\].*-1"),
        ([[0.0, 1.0]], [[1.0, float("nan")]], r"`scale` must be finite"),
        ([[0.0, 1.0]], [[1.0, 41.0]], r"`scale` must be finite and lie in \[0, 40\].*41"),
        ([[0.0, float("inf")]], [[1.0, 1.0]], r"`loc` must be finite"),
        ([[0.0, 1.0]], [[1.0]], r"must both have shape \(N, C\)"),
        ([0.0, 1.0], [1.0, 1.0], r"must both have shape \(N, C\)"),
        ([[0.0]], [[1.0]], r"C >= 2"),
    ],
)
def test_bad_input_is_refused(loc, scale, message):
    for function in (expected_softmax, expected_entropy, expected_log_sum_exp, expected_products):
        with pytest.raises(ValueError, match=message):
            function(loc, scale)
    with pytest.raises(ValueError, match=message):
        negative_log_expected_softmax(loc, scale, [0])


def test_an_unknown_accuracy_is_refused():
    for function in (expected_softmax, expected_entropy, expected_log_sum_exp):
        with pytest.raises(ValueError, match=r"`accuracy` must be one of .*'best'"):
            function([[0.0, 1.0]], [[1.0, 1.0]], accuracy="best")


def test_half_precision_logits_are_computed_in_single():
    loc, scale = np.array([[0.5, -1.0]], "float16"), np.array([[0.5, 0.25]], "float16")
    found = expected_softmax(loc, scale)
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
