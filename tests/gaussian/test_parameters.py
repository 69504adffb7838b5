"""The layout of Gaussian logits, and who may read it."""

import numpy as np
import pytest
import tensorflow as tf

from hetero_unc.gaussian import split_parameters


@pytest.mark.parametrize("rank", [0, 2])
@pytest.mark.parametrize("leading", [(), (5,), (4, 5)])
def test_the_parts_are_the_columns_of_the_last_axis(rank, leading):
    parameters = np.random.default_rng(0).normal(size=(*leading, 3, 2 + rank))
    loc, scale, factor = split_parameters(parameters)
    np.testing.assert_array_equal(loc, parameters[..., 0])
    np.testing.assert_array_equal(scale, parameters[..., 1])
    assert factor.shape == (*leading, 3, rank)
    for column in range(rank):
        np.testing.assert_array_equal(factor[..., column], parameters[..., 2 + column])


@pytest.mark.parametrize("shape", [(3,), (5, 3, 1), (5, 1, 2), (5, 3, 0)])
def test_other_layouts_are_refused(shape):
    with pytest.raises(ValueError, match=r"`parameters` must be Gaussian logits.*Received: shape="):
        split_parameters(np.zeros(shape))


def test_sizes_known_at_run_time_only_are_let_through():
    @tf.function(input_signature=[tf.TensorSpec((None, None, 2))])
    def loc_of(parameters):
        return split_parameters(parameters)[0]

    np.testing.assert_array_equal(loc_of(np.ones((4, 3, 2), "float32")), np.ones((4, 3)))
