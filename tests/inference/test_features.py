"""Features on disk: what the model makes of each image, and never those of another model."""

import hashlib
import json

import keras
import numpy as np
import pytest

from hetero_unc.archives import read_arrays
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
    assert not list(tmp_path.iterdir())


def test_outputs_before_the_one_that_does_not_fit_leave_nothing_either(tmp_path):
    model = network()
    model.get_layer("conv").kernel.assign(np.zeros((2, 2, 1, 3)))
    with pytest.raises(ValueError, match=r"finite numbers of float16.*flat/from-0000000\.npz"):
        cached_features(model, IMAGES.astype("float32") * 1e6, tmp_path, stored="float16")
    assert not list(tmp_path.iterdir())


def test_parts_that_were_whole_stay_when_a_later_one_fails(tmp_path):
    images = IMAGES.astype("float32")
    images[10] = 1e6
    with pytest.raises(ValueError, match=r"from-0000008\.npz"):
        cached_features(network(), images, tmp_path, stored="float16")
    assert len(files(tmp_path)) == 4


def test_digest_and_files_are_those_of_caches_that_are_there_already(tmp_path):
    """The layout as it was first published, by hand: caches of hours must stay readable."""
    model, images = network(), IMAGES[:6]
    weights = hashlib.sha256()
    for weight in model.weights:
        weights.update(weight.path.encode() + weight.numpy().tobytes())
    key = {
        "weights": weights.hexdigest(),
        "layers": hashlib.sha256(model.to_json().encode()).hexdigest(),
        "images": hashlib.sha256(b"uint8 (6, 4, 4, 1)" + images.tobytes()).hexdigest(),
        "stored": "float16",
    }
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    folder = tmp_path / digest[:16]
    folder.mkdir()
    index = {"digest": digest, "key": key, "names": ["pooled", "flat"], "items": 6, "part": 4}
    (folder / "features.json").write_text(json.dumps(index))
    stored = {"pooled": np.arange(18.0).reshape(6, 3), "flat": np.arange(96.0).reshape(6, 16)}
    for name, values in stored.items():
        (folder / name).mkdir()
        for first in (0, 4):
            part = values[first : first + 4].astype("float16")
            np.savez(folder / name / f"from-{first:07d}.npz", features=part)
    written = files(tmp_path)
    cache = cached_features(model, images, tmp_path, stored="float16")
    assert (cache.folder, cache.digest) == (folder, digest)
    for name, values in stored.items():
        np.testing.assert_array_equal(cache.read(name), values)
    assert files(tmp_path) == written


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: {"features": a[:2]}, r"shape \(3, 16\).* dtype=float32, shape=\(2, 16\)"),
        (lambda a: {"features": a[:, :15]}, r"shape \(3, 16\).* dtype=float32, shape=\(3, 15\)"),
        (lambda a: {"features": a[..., None]}, r"Received: dtype=float32, shape=\(3, 16, 1\)"),
        (lambda a: {"features": a[0, 0]}, r"Received: dtype=float32, shape=\(\)"),
        (lambda a: {"features": a.astype("float64")}, "must hold float32 .* dtype=float64"),
        (lambda a: {"features": a.astype("U5")}, "must hold float32 .* dtype=<U5"),
        (lambda a: {"features": a * np.nan}, "must be finite"),
        (lambda a: {"other": a}, "no `features`"),
    ],
)
def test_a_part_of_other_content_is_refused_by_name(tmp_path, change, message):
    cache = cached_features(network(), IMAGES, tmp_path)
    path = cache.folder / "flat" / "from-0000008.npz"
    whole = read_arrays(path, kind="part", remedy="")["features"]
    np.savez(path, **change(whole))
    whole_message = rf"from-0000008\.npz is not a whole part.*{message}.*Delete it"
    with pytest.raises(ValueError, match=whole_message):
        cache.read("flat")


def test_a_cache_of_which_only_the_names_are_known_has_parts_alike(tmp_path):
    cache = cached_features(network(), IMAGES, tmp_path, stored="float16")
    known = features.CachedFeatures(cache.folder, cache.names, cache.items, cache.digest)
    np.testing.assert_array_equal(known.read("flat"), cache.read("flat"))
    path = cache.folder / "flat" / "from-0000004.npz"
    for change in (np.ones((4, 15), "float16"), np.ones((4, 16), "float32")):
        np.savez(path, features=change)
        with pytest.raises(ValueError, match=r"must hold float16 of shape \(4, 16\)"):
            known.read("flat")
    np.savez(cache.folder / "flat" / "from-0000000.npz", features=np.ones((5, 16), "float16"))
    with pytest.raises(ValueError, match=r"must hold float32 or float16 of shape \(4, \.\.\.\)"):
        known.read("flat")


def test_open_sizes_of_the_model_take_images_of_any_size(tmp_path):
    image = keras.Input((None, None, 1), name="image")
    pooled = keras.layers.GlobalMaxPooling2D(name="pool")(image)
    model = keras.Model(image, {"map": image, "pooled": pooled}, name="open")
    images = np.random.default_rng(1).integers(0, 256, (9, 3, 5, 1)).astype("uint8")
    cache = cached_features(model, images, tmp_path)
    np.testing.assert_array_equal(cache.read("map"), images)
    np.testing.assert_array_equal(cache.read("pooled"), images.max(axis=(1, 2)))
    np.savez(cache.folder / "map" / "from-0000004.npz", features=np.ones((4, 4, 4, 1), "float32"))
    with pytest.raises(ValueError, match=r"from-0000004\.npz is not a whole part.*\(4, 3, 5, 1\)"):
        cache.read("map")
    with pytest.raises(ValueError, match=r"shape \(N, any, any, 1\), N >= 1. .*\(9, 3, 5, 2\)"):
        cached_features(model, images.repeat(2, axis=3), tmp_path)


def with_a_pixel(value):
    images = IMAGES.astype("float32")
    images[7, 1, 2, 0] = value
    return images


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (IMAGES.astype(object), r"uint8 or float32. Received: dtype=object, shape=\(11, 4, 4, 1\)"),
        (IMAGES.astype("float64"), "Received: dtype=float64"),
        (IMAGES.astype("int64"), "Received: dtype=int64"),
        (IMAGES > 128, "Received: dtype=bool"),
        (IMAGES.tolist(), "Received: dtype=int64"),
        ([[1.0], [1.0, 2.0]], "`images` must be an array"),
        ("faces.npz", "Received: dtype=<U9"),
        (None, r"Received: dtype=object, shape=\(\)"),
        (3, r"Received: dtype=int64, shape=\(\)"),
        (np.float32(3), r"must have shape \(N, 4, 4, 1\), N >= 1. Received: shape=\(\)"),
        (with_a_pixel(np.nan), r"must be finite.* 1 NaN .*the first at index \(7, 1, 2, 0\)"),
        (with_a_pixel(-np.inf), r"must be finite.*the first at index \(7, 1, 2, 0\)"),
    ],
)
def test_images_of_another_kind_are_refused_and_leave_nothing(tmp_path, images, message):
    with pytest.raises(ValueError, match=f"`images` .*{message}|^{message}"):
        cached_features(network(), images, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["../esc", "a/b", "..", ".", "", "a\\b", "features.json", 3])
def test_outputs_whose_names_are_no_file_names_are_refused(tmp_path, name):
    image = keras.Input((4, 4, 1), name="image")
    model = keras.Model(image, {"good": image, name: image}, name="named")
    with pytest.raises(ValueError, match=r"Every output of `model` must have a name .* Received: "):
        cached_features(model, IMAGES, tmp_path / "caches")
    assert not list(tmp_path.iterdir())


def test_bad_arguments_are_refused_before_any_work(tmp_path):
    one = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()])
    with pytest.raises(ValueError, match="`model` must return a dict"):
        cached_features(one, IMAGES, tmp_path)
    pair = [keras.Input((4, 4, 1)), keras.Input((4, 4, 1))]
    with pytest.raises(ValueError, match="`model` must have one input"):
        cached_features(keras.Model(pair, {"sum": pair[0] + pair[1]}), IMAGES, tmp_path)
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
