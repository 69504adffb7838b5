import keras
import numpy as np
import pytest

from hetero_unc.layers import GaussianLogits
from hetero_unc.models import compact_network, mirror_averaged


@pytest.fixture(scope="module")
def network():
    return compact_network(GaussianLogits(3), widths=(4, 8), blocks=(0, 1), seed=0)


def images():
    return np.random.default_rng(0).random((5, 16, 16, 1)).astype(np.float32)


def test_an_image_and_its_mirror_image_get_one_answer(network):
    model = mirror_averaged(network)
    np.testing.assert_allclose(model(images()), model(images()[:, :, ::-1]), rtol=1e-4, atol=1e-6)
    assert np.abs(network(images()) - network(images()[:, :, ::-1])).max() > 1e-4


def test_the_features_are_the_mean_of_both(network):
    features = keras.Model(network.input, network.get_layer("features").output)
    model = mirror_averaged(network)
    mean = keras.Model(model.input, model.get_layer("features").output)(images())
    expected = (features(images()) + features(images()[:, :, ::-1])) / 2
    np.testing.assert_allclose(mean, expected, rtol=1e-4, atol=1e-6)
    head = network.layers[-1]
    np.testing.assert_allclose(model(images()), head(expected), rtol=1e-4, atol=1e-6)


def test_it_shares_the_weights_and_survives_a_file(network, tmp_path):
    model = mirror_averaged(network)
    assert model.count_params() == network.count_params()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(images()), model(images()), rtol=1e-5, atol=1e-6)


def test_what_cannot_be_cut_is_refused(network):
    with pytest.raises(ValueError, match="`at` must name a layer"):
        mirror_averaged(network, at="nowhere")
    with pytest.raises(ValueError, match="must be a chain of layers"):
        mirror_averaged(network, at="stage1_relu_gain")
