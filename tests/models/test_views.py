import keras
import numpy as np
import pytest

from hetero_unc.layers import GaussianLogits, Rotation
from hetero_unc.models import averaged_over_views, compact_network


@pytest.fixture(scope="module")
def network():
    return compact_network(GaussianLogits(3), widths=(4, 8), blocks=(0, 1), seed=0)


def images():
    return np.random.default_rng(0).random((5, 16, 16, 1)).astype(np.float32)


@pytest.mark.parametrize("angles", [(0.0,), (-8.0, 0.0, 8.0)])
def test_an_image_and_its_mirror_image_get_one_answer(network, angles):
    model = averaged_over_views(network, angles=angles)
    np.testing.assert_allclose(model(images()), model(images()[:, :, ::-1]), rtol=1e-3, atol=1e-5)
    assert np.abs(network(images()) - network(images()[:, :, ::-1])).max() > 1e-4


@pytest.mark.parametrize("mirror", [True, False])
def test_the_features_are_the_mean_of_all_views(network, mirror):
    features = keras.Model(network.input, network.get_layer("features").output)
    model = averaged_over_views(network, angles=(0.0, 20.0), mirror=mirror)
    mean = keras.Model(model.input, model.get_layer("features").output)(images())
    views = [images(), np.asarray(Rotation(20.0)(images()))]
    views += [view[:, :, ::-1] for view in views] if mirror else []
    expected = sum(features(view) for view in views) / len(views)
    np.testing.assert_allclose(mean, expected, rtol=1e-4, atol=1e-6)
    head = network.layers[-1]
    np.testing.assert_allclose(model(images()), head(expected), rtol=1e-4, atol=1e-6)


def test_it_shares_the_weights_and_survives_a_file(network, tmp_path):
    model = averaged_over_views(network, angles=(-5.0, 0.0, 5.0))
    assert model.count_params() == network.count_params()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(images()), model(images()), rtol=1e-5, atol=1e-6)


def test_what_cannot_be_cut_is_refused(network):
    with pytest.raises(ValueError, match="`at` must name a layer"):
        averaged_over_views(network, at="nowhere")
    with pytest.raises(ValueError, match="must be a chain of layers"):
        averaged_over_views(network, at="stage1_relu_gain")
    with pytest.raises(ValueError, match="`angles` must hold at least one"):
        averaged_over_views(network, angles=())
