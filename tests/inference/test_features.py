"""Features on disk: what the model makes of each image, and never those of another model."""

import json

import keras
import numpy as np
import pytest

from hetero_unc.inference import cached_features, features

IMAGES = np.random.default_rng(0).integers(0, 256, (11, 4, 4, 1)).astype("uint8")


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(features, "PART", 4)


def network(seed=0):
    image = keras.Input((4, 4, 1), name="image")
    conv = keras.layers.Conv2D(
        3, 2, kernel_initializer=keras.initializers.GlorotUniform(seed), name="conv"
    )
    pool = keras.layers.GlobalAveragePooling2D(name="pool")
    outputs = {"pooled": pool(conv(image)), "flat": keras.layers.Flatten(name="flat")(image)}
    return keras.Model(image, outputs, name="network")


def files(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.npz")}


def test_features_are_those_of_each_image_in_order(tmp_path):
    model = network()
    cache = cached_features(model, IMAGES, tmp_path, batch_size=3)
    assert (cache.names, cache.items) == (("pooled", "flat"), 11)
    alone = np.concatenate([model(IMAGES[i : i + 1])["pooled"] for i in range(11)])
    np.testing.assert_allclose(cache.read("pooled"), alone, rtol=1e-5)
    np.testing.assert_array_equal(cache.read("flat"), IMAGES.reshape(11, 16))
    assert cache.read("flat").dtype == np.float32


def test_half_precision_rounds_what_is_stored_and_takes_another_folder(tmp_path):
    whole = cached_features(network(), IMAGES, tmp_path)
    half = cached_features(network(), IMAGES, tmp_path, stored="float16")
    assert half.folder != whole.folder
    expected = whole.read("pooled").astype("float16").astype("float32")
    np.testing.assert_array_equal(half.read("pooled"), expected)


def test_a_second_call_computes_nothing(tmp_path, monkeypatch):
    first = cached_features(network(), IMAGES, tmp_path)
    written = files(tmp_path)
    monkeypatch.setattr(features, "_features", None)
    again = cached_features(network(), IMAGES, tmp_path, batch_size=2)
    assert again == first
    assert files(tmp_path) == written


def test_stopped_work_goes_on_with_the_part_that_is_missing(tmp_path, monkeypatch):
    cache = cached_features(network(), IMAGES, tmp_path)
    expected = cache.read("pooled")
    (cache.folder / "pooled" / "from-0000004.npz").unlink()
    kept = files(tmp_path)
    seen = []
    plain = features._features
    monkeypatch.setattr(
        features,
        "_features",
        lambda call, batch, size: seen.append(batch) or plain(call, batch, size),
    )
    again = cached_features(network(), IMAGES, tmp_path)
    np.testing.assert_array_equal(np.concatenate(seen), IMAGES[4:8])
    np.testing.assert_array_equal(again.read("pooled"), expected)
    assert {path for path, time in files(tmp_path).items() if kept.get(path) == time} >= {
        path for path in kept if "0000004" not in path.name
    }


def test_other_weights_images_and_layers_never_share_a_cache(tmp_path):
    moved = network()
    moved.get_layer("conv").bias.assign([0.0, 0.0, 1e-7])
    strided = keras.Sequential(
        [keras.Input((4, 4, 1)), keras.layers.Flatten(name="flat")], name="network"
    )
    strided = keras.Model(strided.inputs[0], {"pooled": strided.outputs[0]}, name="network")
    caches = [
        cached_features(network(), IMAGES, tmp_path),
        cached_features(network(1), IMAGES, tmp_path),
        cached_features(moved, IMAGES, tmp_path),
        cached_features(strided, IMAGES, tmp_path),
        cached_features(network(), IMAGES[::-1], tmp_path),
        cached_features(network(), IMAGES[:10], tmp_path),
        cached_features(network(), IMAGES.astype("float32"), tmp_path),
    ]
    assert len({cache.folder for cache in caches}) == len({c.digest for c in caches}) == 7


def test_a_cache_that_was_altered_is_refused_by_name(tmp_path):
    cache = cached_features(network(), IMAGES, tmp_path)
    index, part = cache.folder / "features.json", cache.folder / "flat" / "from-0000008.npz"
    whole = part.read_bytes()
    part.write_bytes(whole[:-30])
    with pytest.raises(ValueError, match=r"from-0000008\.npz is not a whole part.*Delete it"):
        cache.read("flat")
    np.savez(part, features=np.zeros((2, 16)))
    with pytest.raises(ValueError, match=r"from-0000008\.npz is not a whole part"):
        cache.read("flat")
    index.write_text(json.dumps({**json.loads(index.read_text()), "digest": "0"}))
    with pytest.raises(
        ValueError, match=r"features\.json must describe the cache of these weights"
    ):
        cached_features(network(), IMAGES, tmp_path)
    index.write_text("{")
    with pytest.raises(
        ValueError, match=r"features\.json must describe the cache of these weights"
    ):
        cached_features(network(), IMAGES, tmp_path)


def test_numbers_that_do_not_fit_their_type_are_refused_and_leave_nothing(tmp_path):
    model = network()
    model.get_layer("conv").bias.assign([0.0, 0.0, 1e6])
    with pytest.raises(ValueError, match=r"finite numbers of float16.*from-0000000\.npz"):
        cached_features(model, IMAGES, tmp_path, stored="float16")
    assert not list(tmp_path.rglob("*.npz"))


def test_bad_arguments_are_refused_before_any_work(tmp_path):
    one = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()])
    with pytest.raises(ValueError, match="`model` must return a dict"):
        cached_features(one, IMAGES, tmp_path)
    with pytest.raises(ValueError, match=r"`images` must have shape \(N, 4, 4, 1\), N >= 1"):
        cached_features(network(), IMAGES[:0], tmp_path)
    with pytest.raises(ValueError, match=r"Received: shape=\(11, 16\)"):
        cached_features(network(), IMAGES.reshape(11, 16), tmp_path)
    with pytest.raises(ValueError, match="`stored` must be one of"):
        cached_features(network(), IMAGES, tmp_path, stored="int8")
    with pytest.raises(ValueError, match="`batch_size` must be an integer >= 1"):
        cached_features(network(), IMAGES, tmp_path, batch_size=0)
    with pytest.raises(ValueError, match="`name` must be one of"):
        cached_features(network(), IMAGES, tmp_path).read("other")
    assert len(list(tmp_path.iterdir())) == 1
