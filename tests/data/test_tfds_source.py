"""TensorFlow Datasets, run for real on small files; only its download is played by hand."""

import hashlib
import logging
import struct

import numpy as np
import pytest

from hetero_unc.data import tfds_source
from hetero_unc.data.mnist import MNIST_MD5, load_mnist
from hetero_unc.data.tfds_source import load_mnist_from_tfds

tfds = pytest.importorskip("tensorflow_datasets")
pytest.importorskip("tensorflow")

COUNTS = {"train": 40, "t10k": 15}


def small_mnist(folder, seed):
    """The four plain idx files of a small MNIST; 28 x 28, as TensorFlow Datasets insists."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    for part, count in COUNTS.items():
        pixels = rng.integers(0, 256, (count, 28, 28), np.uint8).tobytes()
        labels = rng.integers(0, 10, count, np.uint8).tobytes()
        header = struct.pack(">IIII", 0x803, count, 28, 28)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(header + pixels)
        header = struct.pack(">II", 0x801, count)
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(header + labels)


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Folder of small files, which stand for the published ones and for what a download gives."""
    small_mnist(tmp_path / "mnist", seed=0)
    small_mnist(tmp_path / "fashion_mnist", seed=1)
    digests = {}
    for name in ("mnist", "fashion_mnist"):
        digests[name] = {
            path.name: hashlib.md5(path.read_bytes()).hexdigest()
            for path in (tmp_path / name).iterdir()
        }
    monkeypatch.setattr(tfds_source, "MNIST_MD5", digests["mnist"])
    monkeypatch.setattr(tfds_source, "FASHION_MNIST_MD5", digests["fashion_mnist"])
    monkeypatch.setattr(tfds_source, "network_fault", lambda url, seconds: None)

    def download_and_extract(self, urls):
        name = "fashion_mnist" if "fashion" in next(iter(urls.values())) else "mnist"
        files = {part: url.rpartition("/")[2].removesuffix(".gz") for part, url in urls.items()}
        return {part: str(tmp_path / name / file) for part, file in files.items()}

    from tensorflow_datasets.image_classification import mnist

    manager = tfds.download.DownloadManager
    monkeypatch.setattr(manager, "download_and_extract", download_and_extract)
    monkeypatch.setattr(mnist, "_TRAIN_EXAMPLES", COUNTS["train"])
    monkeypatch.setattr(mnist, "_TEST_EXAMPLES", COUNTS["t10k"])
    return tmp_path


def test_items_come_in_the_published_order_with_the_digest_of_the_idx_files(
    small, monkeypatch, caplog
):
    caplog.set_level(logging.INFO, "hetero_unc.data")
    expected = load_mnist(small, md5={}, fashion_md5={})
    downloaded = load_mnist_from_tfds(cache_dir=small / "cache")
    np.testing.assert_array_equal(downloaded.train_images, expected.train_images)
    np.testing.assert_array_equal(downloaded.test_labels, expected.test_labels)
    np.testing.assert_array_equal(downloaded.shifted_images, expected.shifted_images)
    assert downloaded.digest == expected.digest
    assert "TensorFlow Datasets" in downloaded.source
    assert "mnist: downloading by TensorFlow Datasets" in caplog.text

    monkeypatch.setattr(tfds_source, "network_fault", None)  # a second time it is not asked
    assert load_mnist_from_tfds(cache_dir=small / "cache").digest == expected.digest
    assert "mnist: found in the cache of TensorFlow Datasets" in caplog.text


def test_prepared_content_that_is_not_the_published_one_is_refused(small, monkeypatch):
    other = dict.fromkeys(tfds_source.MNIST_MD5, "0" * 32)
    found = tfds_source.MNIST_MD5["train-images-idx3-ubyte"]
    monkeypatch.setattr(tfds_source, "MNIST_MD5", other)
    with pytest.raises(ValueError, match="must be the published mnist") as error:
        load_mnist_from_tfds(cache_dir=small / "cache")
    assert "0" * 32 in str(error.value)
    assert f"md5 {found}" in str(error.value)
    assert str(small / "cache" / "mnist") in str(error.value)


def test_only_fashion_mnist_missing_leaves_mnist_without_shifted_images(small, monkeypatch, caplog):
    monkeypatch.setattr(
        tfds_source, "network_fault", lambda url, seconds: "gone" if "fashion" in url else None
    )
    dataset = load_mnist_from_tfds(cache_dir=small / "cache")
    assert dataset.shifted_images is None
    assert "fashion_mnist: cannot be downloaded (gone)" in caplog.text


def test_a_download_that_fails_gives_none_and_its_reason(small, monkeypatch, caplog):
    def fail(self, urls):
        raise ConnectionError("connection lost after 3 of 11 MB")

    monkeypatch.setattr(tfds.download.DownloadManager, "download_and_extract", fail)
    assert load_mnist_from_tfds(cache_dir=small / "cache") is None
    assert "mnist: download failed (ConnectionError: connection lost" in caplog.text


@pytest.mark.parametrize("module", ["tensorflow_datasets", "tensorflow", "importlib_resources"])
def test_without_a_package_it_needs_it_gives_none_and_names_it(
    tmp_path, monkeypatch, caplog, module
):
    there = tfds_source.importlib.util.find_spec
    monkeypatch.setattr(
        tfds_source.importlib.util,
        "find_spec",
        lambda name: None if name == module else there(name),
    )
    assert load_mnist_from_tfds(cache_dir=tmp_path) is None
    assert f"mnist: not by TensorFlow Datasets, which lacks {module}" in caplog.text


@pytest.mark.real_data
def test_published_test_items_come_in_the_published_order(real_data_dir, tmp_path, monkeypatch):
    folder = real_data_dir / "mnist"
    if not (folder / "t10k-images-idx3-ubyte.gz").is_file():
        pytest.skip("HETERO_UNC_DATA holds no packed MNIST, which TensorFlow Datasets asks for")
    builder = tfds.builder("mnist:3.*.*", data_dir=tmp_path)
    both_splits = type(builder)._split_generators
    # The 60,000 training items take the same road, and most of a minute.
    monkeypatch.setattr(
        type(builder), "_split_generators", lambda self, manager: both_splits(self, manager)[1:]
    )
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(manual_dir=str(folder))
    )
    for array, name in zip(tfds_source._read(builder, "test"), ("images", "labels"), strict=True):
        found = hashlib.md5(tfds_source.idx_bytes(array)).hexdigest()
        assert found == MNIST_MD5[tfds_source.NAMES[f"test_{name}"]]
