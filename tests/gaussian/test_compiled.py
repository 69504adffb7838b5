"""Compilation by shape, on the TensorFlow backend."""

import logging

import numpy as np
import tensorflow as tf

from hetero_unc.gaussian.compiled import compiled, in_turn, traced_once_a_shape


def test_many_shapes_bring_no_warning_of_retracing(monkeypatch, caplog):
    monkeypatch.setattr(logging.getLogger("tensorflow"), "handlers", [caplog.handler])
    twice = compiled(lambda x, part: 2 * x + part["more"])
    for items in range(1, 8):
        x = tf.ones((items, 2))
        np.testing.assert_array_equal(twice(x, {"more": x}), 3 * np.ones((items, 2)))
    assert "retracing" not in caplog.text


def test_each_shape_type_and_value_is_traced_once():
    seen = []

    def function(x, power):
        seen.append((tuple(x.shape), x.dtype.name, power))
        return x**power

    traced = traced_once_a_shape(function)
    for _ in range(2):
        for shape in ((2,), (3,)):
            for power in (1, 2):
                np.testing.assert_array_equal(traced(2 * tf.ones(shape), power), 2**power)
        traced(np.ones(2), 1)
    shapes = [((2,), "float32", 1), ((2,), "float32", 2), ((3,), "float32", 1)]
    assert seen == [*shapes, ((3,), "float32", 2), ((2,), "float64", 1)]


def test_a_size_that_is_not_known_is_traced_too():
    twice = compiled(lambda x: 2 * x)

    @tf.function(input_signature=[tf.TensorSpec((None, 2))])
    def graph(x):
        return twice(x)

    np.testing.assert_array_equal(graph(tf.ones((3, 2))), 2 * np.ones((3, 2)))


def test_turns_follow_one_another():
    def turn(index, state):
        total, power = state
        return total + tf.cast(index, "float32") * power, 2 * power

    for run in (in_turn, tf.function(in_turn, autograph=False)):
        total, power = run(1, 4, turn, (tf.zeros(()), tf.ones(())))
        assert (float(total), float(power)) == (1 + 2 * 2 + 3 * 4, 8)
