"""Every sequence is unbiased, Normal, fresh for each item, and better than independent draws."""

import keras
import numpy as np
import pytest
import scipy.integrate
import scipy.special
import scipy.stats
from keras import ops
from scipy.stats import qmc

from hetero_unc.gaussian import draw_logits
from hetero_unc.gaussian.sequences import LARGEST_SOBOL, SEQUENCES, part_length, sobol_directions

STANDARD_ERRORS = 5


def repeated(loc, scale, items):
    row = np.stack([loc, scale], axis=-1).astype("float32")
    return ops.convert_to_tensor(np.tile(row, (items, 1, 1)))


def estimates(sequence, given, draws, seeds):
    """Probabilities `(seeds, N, C)`, each a mean over draws of its own."""
    found = []
    for seed in range(seeds):
        logits = draw_logits(given, draws, seed=seed, sequence=sequence)
        found.append(ops.convert_to_numpy(ops.mean(ops.softmax(logits, axis=-1), axis=0)))
    return np.array(found, dtype=float)


def probability_by_quadrature(loc, scale):
    """E[softmax(z)_0] of two classes: one integral over the difference of the logits."""
    gap, spread = loc[0] - loc[1], np.hypot(*scale)
    return scipy.integrate.quad(
        lambda e: scipy.stats.norm.pdf(e) * scipy.special.expit(gap + spread * e),
        -12, 12, limit=500, epsabs=1e-13,
    )[0]  # fmt: skip


@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize("draws", [1, 5, 32])
@pytest.mark.parametrize("scale", [(0.3, 0.7), (4.0, 8.0)])
def test_the_mean_over_seeds_is_the_integral(sequence, draws, scale):
    loc = (0.4, -0.8)
    found = estimates(sequence, repeated(loc, scale, 400), draws, seeds=25)[..., 0]
    error = found.std() / found.size**0.5
    assert abs(found.mean() - probability_by_quadrature(loc, scale)) < STANDARD_ERRORS * error
    # The means over seeds are as far apart as independent items make them.
    assert found.mean(axis=1).std() < 2 * found.std() / 400**0.5


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_each_draw_is_normal_and_independent_of_other_classes(sequence):
    items, draws = 5000, 6
    given = repeated(np.zeros(3), np.ones(3), items)
    noise = ops.convert_to_numpy(draw_logits(given, draws, seed=2, sequence=sequence))
    for draw in noise.astype(float):
        error = STANDARD_ERRORS / items**0.5
        np.testing.assert_allclose(draw.T @ draw / items, np.eye(3), atol=1.5 * error)
        squares = draw**2 - 1
        off_diagonal = (squares.T @ squares / items)[np.triu_indices(3, 1)]
        np.testing.assert_allclose(off_diagonal, 0, atol=2 * error)
        for column in draw.T:
            assert scipy.stats.kstest(column, "norm").pvalue > 1e-6
    assert np.abs(noise).max() < 6


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_items_differ_and_a_seed_repeats(sequence):
    given = repeated(np.zeros(3), np.ones(3), 50)
    first, again, other = (
        ops.convert_to_numpy(draw_logits(given, 9, seed=seed, sequence=sequence))
        for seed in (4, 4, 5)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.99
    assert len(np.unique(first[0, :, 0])) > 45
    nudged = ops.convert_to_tensor(np.nextafter(ops.convert_to_numpy(given), np.float32(9)))
    fresh = ops.convert_to_numpy(draw_logits(nudged, 9, seed=4, sequence=sequence))
    assert (np.abs(fresh - first) > 1e-4).mean() > 0.99


@pytest.mark.parametrize(("sequence", "at_most"), [("antithetic", 0.7), ("sobol", 0.15)])
def test_the_error_is_a_fraction_of_that_of_independent_draws(sequence, at_most):
    given = repeated((0.5, 0.0, -1.0), (0.5, 1.0, 1.5), 100)
    spread = {
        name: estimates(name, given, 256, seeds=3).std(axis=(0, 1))
        for name in (sequence, "independent")
    }
    assert (spread[sequence] < at_most * spread["independent"]).all()


def test_antithetic_draws_come_in_pairs():
    given = repeated(np.zeros(4), np.ones(4), 3)
    noise = ops.convert_to_numpy(draw_logits(given, 10, seed=0, sequence="antithetic"))
    np.testing.assert_array_equal(noise[:5], -noise[5:])


def test_sobol_draws_put_one_point_into_each_cell():
    given = repeated(np.zeros(4), np.ones(4), 3)
    noise = ops.convert_to_numpy(draw_logits(given, 64, seed=0, sequence="sobol"))
    cells = np.sort((scipy.stats.norm.cdf(noise) * 64).astype(int), axis=0)
    np.testing.assert_array_equal(cells, np.arange(64)[:, None, None] * np.ones((1, 3, 4)))


def test_directions_are_those_of_scipys_points():
    engine = qmc.Sobol(5, scramble=True, seed=0)
    points = (engine.random(64) * 64).astype(int)
    directions = sobol_directions(5, 6)
    ours = np.zeros((64, 5), int)
    for number in range(64):
        for bit in range(6):
            ours[number] ^= (number >> bit & 1) * directions[:, bit]
    gray = np.arange(64) ^ (np.arange(64) >> 1)
    np.testing.assert_array_equal(ours[gray], points ^ points[0])


def test_more_classes_than_sobol_points_have_coordinates_are_refused():
    with pytest.raises(ValueError, match=r"use 'antithetic'. Received: sequence='sobol', C=21202"):
        draw_logits(np.ones((1, LARGEST_SOBOL + 1, 2), "float32"), 2, seed=0, sequence="sobol")


def test_an_unknown_sequence_is_refused():
    with pytest.raises(ValueError, match=r"`sequence` must be one of \('sobol', 'antithetic'"):
        draw_logits(np.ones((1, 2, 2), "float32"), 2, seed=0, sequence="halton")


@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize("num_classes", [2, 10, 1000, 21000])
@pytest.mark.parametrize("draws", [1, 7, 1000])
def test_parts_are_of_one_length_and_cover_the_draws(sequence, num_classes, draws):
    length = part_length(sequence, draws, num_classes)
    assert 1 <= length <= draws + 1
    assert length % 2 == 0 or sequence != "antithetic"
    parts = -(-draws // length)
    assert 0 < draws - (parts - 1) * length <= length


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_nothing_global_is_drawn_from(sequence):
    keras.utils.set_random_seed(5)
    before = keras.random.normal((3,))
    keras.utils.set_random_seed(5)
    draw_logits(repeated(np.zeros(3), np.ones(3), 2), 4, seed=1, sequence=sequence)
    np.testing.assert_array_equal(keras.random.normal((3,)), before)
