"""Streamed means over draws, held against plain NumPy on the same draws."""

import numpy as np
import pytest
import scipy.special
import tensorflow as tf
from keras import ops

from hetero_unc.gaussian import draw_logits
from hetero_unc.gaussian.draw_sweeps import (
    drawn_cross_entropy,
    drawn_log_expected_softmax,
    drawn_vote_likelihood,
)
from hetero_unc.gaussian.sequences import SEQUENCES, is_compiled, part_length

ITEMS, CLASSES = 3, 130
# Several parts, the last of them shorter: compiled by XLA, and too many numbers for that.
DRAWS, MANY_DRAWS = 4001, 5003


def parameters(items=ITEMS, classes=CLASSES):
    rng = np.random.default_rng(0)
    loc, scale = rng.normal(0, 3, (items, classes)), rng.gamma(1.0, 1.0, (items, classes))
    return np.stack([loc, scale], axis=-1).astype("float32")


def in_numpy(sequence, draws):
    logits = draw_logits(ops.convert_to_tensor(parameters()), draws, seed=3, sequence=sequence)
    return scipy.special.log_softmax(ops.convert_to_numpy(logits).astype(float), axis=-1)


@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize("draws", [DRAWS, MANY_DRAWS])
def test_parts_add_up_to_the_mean_over_all_draws(sequence, draws):
    assert is_compiled("sobol", draws, CLASSES) == (draws == DRAWS)
    length = part_length(sequence, draws, CLASSES)
    assert draws > 2 * length
    assert draws % length != 0
    given, log_p = ops.convert_to_tensor(parameters()), in_numpy(sequence, draws)
    how = {"draws": draws, "seed": 3, "sequence": sequence}
    expected = scipy.special.logsumexp(log_p, axis=0) - np.log(draws)
    found = drawn_log_expected_softmax(given, **how)
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5)
    labels = np.array([0, 7, CLASSES - 1])
    one_hot = np.eye(CLASSES, dtype="float32")[labels]
    np.testing.assert_allclose(
        drawn_vote_likelihood(given, ops.convert_to_tensor(one_hot), **how),
        -expected[np.arange(ITEMS), labels],
        rtol=2e-5,
    )
    votes = np.random.default_rng(1).integers(0, 3, (ITEMS, CLASSES)).astype("float32")
    np.testing.assert_allclose(
        drawn_vote_likelihood(given, ops.convert_to_tensor(votes), **how),
        np.log(draws) - scipy.special.logsumexp((votes * log_p).sum(axis=-1), axis=0),
        rtol=2e-5,
    )
    shares = np.random.default_rng(1).dirichlet(np.ones(CLASSES), ITEMS).astype("float32")
    np.testing.assert_allclose(
        drawn_cross_entropy(given, ops.convert_to_tensor(shares), **how),
        -(shares * log_p.mean(axis=0)).sum(axis=-1),
        rtol=2e-5,
    )


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_the_gradient_of_the_vector_is_that_of_automatic_differentiation(sequence):
    given = tf.constant(parameters())
    upstream = tf.constant(np.random.default_rng(2).normal(size=(ITEMS, CLASSES)), tf.float32)
    logits = draw_logits(given, DRAWS, seed=3, sequence=sequence)
    noise = (logits - given[..., 0]) / given[..., 1]
    with tf.GradientTape() as tape:
        tape.watch(given)
        log_p = tf.nn.log_softmax(given[..., 0] + given[..., 1] * noise)
        whole = tf.reduce_sum(upstream * tf.reduce_logsumexp(log_p, axis=0))
    expected = tape.gradient(whole, given)
    with tf.GradientTape() as tape:
        tape.watch(given)
        found = drawn_log_expected_softmax(given, DRAWS, seed=3, sequence=sequence)
        streamed = tf.reduce_sum(upstream * found)
    np.testing.assert_allclose(tape.gradient(streamed, given), expected, rtol=1e-3, atol=1e-4)


def sizes_of(graph_definition):
    """Elements of every tensor of a graph and of the functions it calls."""
    functions = graph_definition.library.function
    nodes = [*graph_definition.node, *(node for each in functions for node in each.node_def)]
    for node in nodes:
        for shape in node.attr["_output_shapes"].list.shape:
            dimensions = [one.size for one in shape.dim]
            assert all(size >= 0 for size in dimensions), node.name
            yield int(np.prod(dimensions))


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_nothing_as_large_as_all_draws_is_alive(sequence):
    @tf.function(input_signature=[tf.TensorSpec((ITEMS, CLASSES, 2))] * 1)
    def gradient(given):
        one_hot = tf.one_hot([0] * ITEMS, CLASSES)
        with tf.GradientTape() as tape:
            tape.watch(given)
            total = tf.reduce_sum(
                drawn_vote_likelihood(given, one_hot, DRAWS, seed=3, sequence=sequence)
                + drawn_cross_entropy(given, one_hot, DRAWS, seed=3, sequence=sequence)
                - drawn_log_expected_softmax(given, DRAWS, seed=3, sequence=sequence)[:, 0]
            )
        return tape.gradient(total, given)

    graph = gradient.get_concrete_function().graph.as_graph_def(add_shapes=True)
    largest = part_length(sequence, DRAWS, CLASSES) * ITEMS * CLASSES
    assert largest <= max(sizes_of(graph)) < DRAWS * ITEMS * CLASSES / 2


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_batches_of_unknown_and_changing_size_work(sequence):
    given = parameters(items=6, classes=4)

    @tf.function(input_signature=[tf.TensorSpec((None, 4, 2))])
    def value(given):
        one_hot = tf.one_hot(tf.zeros(tf.shape(given)[0], tf.int32), 4)
        return drawn_vote_likelihood(given, one_hot, 9, seed=0, sequence=sequence)

    for items in (6, 5, 1, 0):
        assert np.isfinite(value(given[:items])).all()
        assert value(given[:items]).shape == (items,)


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_twenty_one_thousand_classes_run(sequence):
    given = tf.constant(parameters(items=2, classes=21_000))
    one_hot = tf.one_hot([0, 20_999], 21_000)
    with tf.GradientTape() as tape:
        tape.watch(given)
        value = drawn_vote_likelihood(given, one_hot, 30, seed=0, sequence=sequence)
    assert np.isfinite(value).all()
    assert np.isfinite(tape.gradient(value, given)).all()
