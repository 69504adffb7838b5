"""A value that brings its own gradient."""

import numpy as np
import tensorflow as tf
from keras import ops

from hetero_unc.gaussian.own_gradient import with_own_gradient


def test_the_gradient_is_the_given_one_times_what_comes_from_above():
    def function(loc, scale):
        # Not the true gradient, so that a tape's own would be seen.
        return ops.sum(loc * scale, axis=-1), 2.0 * loc, 3.0 * scale

    loc, scale = tf.constant([[1.0, 2.0], [3.0, 4.0]]), tf.constant([[5.0, 6.0], [7.0, 8.0]])
    with tf.GradientTape() as tape:
        tape.watch([loc, scale])
        value = with_own_gradient(function)(loc, scale)
        total = tf.reduce_sum(value * [10.0, 100.0])
    to_loc, to_scale = tape.gradient(total, [loc, scale])
    np.testing.assert_array_equal(value, [17, 53])
    np.testing.assert_array_equal(to_loc, [[20, 40], [600, 800]])
    np.testing.assert_array_equal(to_scale, [[150, 180], [2100, 2400]])
