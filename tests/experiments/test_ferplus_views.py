"""Views of a face: moved, enlarged and turned as they say, and averaged as the network does."""

import numpy as np
import pytest

import ferplus_views
from hetero_unc.data import load_synthetic_faces
from hetero_unc.layers import Rotation


@pytest.fixture(scope="module")
def faces():
    return load_synthetic_faces(100).images[:4].astype("float32") / 255


def test_a_moved_face_is_the_same_pixels_in_other_places(faces):
    moved = ferplus_views.seen_as(faces, (2, -3, 1.0, 0.0))
    np.testing.assert_allclose(moved[:, :-3, 2:], faces[:, 3:, :-2], atol=1e-6)
    np.testing.assert_allclose(moved[:, -1, 2:], faces[:, -1, :-2], atol=1e-6)


def test_the_middle_of_an_enlarged_face_stays_and_the_rest_moves_away_from_it():
    place = np.arange(49, dtype="float32")
    image = np.broadcast_to(place[None, :, None, None], (1, 49, 49, 1))
    larger = ferplus_views.seen_as(image, (0, 0, 1.25, 0.0))[0, :, 24, 0]
    np.testing.assert_allclose(larger, 24 + (place - 24) / 1.25, atol=1e-4)


def test_a_turned_face_is_what_the_layer_makes_of_it(faces):
    turned = ferplus_views.seen_as(faces, (0, 0, 1.0, 6.0))
    np.testing.assert_allclose(turned, Rotation(6.0)(faces), atol=1e-4)


def test_a_network_that_does_not_average_over_views_is_named():
    import keras

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="`run` must be the folder of a compact network"):
        ferplus_views.halves_of(model)
