"""MNIST and Fashion-MNIST by way of TensorFlow Datasets: its cache, else its download.

TensorFlow Datasets keeps the images in an order of its own. They are put back in the published
order, so that the same items have the same numbers, and the same digest, whichever way they came.
"""

import contextlib
import hashlib
import importlib.util
import logging

import numpy as np

from hetero_unc.data.idx import idx_bytes
from hetero_unc.data.mnist import (
    FASHION_MNIST_MD5,
    MNIST_MD5,
    NAMES,
    mnist_from_arrays,
    scale_pixels,
)
from hetero_unc.data.network import network_fault

__all__ = ["load_mnist_from_tfds"]

logger = logging.getLogger("hetero_unc.data")

# importlib_resources: imported on download, and not declared by TensorFlow Datasets 4.9.
NEEDED = ("tensorflow_datasets", "tensorflow", "importlib_resources")

# One of the files that TensorFlow Datasets asks for. Without network its own download needs more
# than three minutes to give up.
PROBES = {
    "mnist": "https://storage.googleapis.com/cvdf-datasets/mnist/t10k-labels-idx1-ubyte.gz",
    "fashion_mnist": (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-labels-idx1-ubyte.gz"
    ),
}


def load_mnist_from_tfds(*, cache_dir=None, probe_seconds=10.0):
    """MNIST, with Fashion-MNIST's test images, from TensorFlow Datasets.

    Loads TensorFlow, which TensorFlow Datasets reads with.

    Parameters
    ----------
    cache_dir : str or Path, optional
        Folder of prepared data sets; by default that of TensorFlow Datasets, which is
        `~/tensorflow_datasets` or the environment variable `TFDS_DATA_DIR`.
    probe_seconds : float, default=10.0
        How long to wait for the network, before a download, until it counts as absent.

    Returns
    -------
    ImageDataset or None
        None where MNIST is neither prepared nor to be downloaded, with the reason in the log.
        Without Fashion-MNIST only, `shifted_images` is None.

    Raises
    ------
    ValueError
        Where the prepared content is not the published one.
    """
    mnist = _builder("mnist", cache_dir, probe_seconds)
    if mnist is None:
        return None
    arrays = {}
    for split in ("train", "test"):
        images, labels = _read(mnist, split)
        _check_published(images, MNIST_MD5[NAMES[f"{split}_images"]], mnist)
        _check_published(labels, MNIST_MD5[NAMES[f"{split}_labels"]], mnist)
        arrays |= {f"{split}_images": images, f"{split}_labels": labels}
    shifted = None
    fashion = _builder("fashion_mnist", cache_dir, probe_seconds)
    if fashion is not None:
        clothes, _ = _read(fashion, "test")
        _check_published(clothes, FASHION_MNIST_MD5[NAMES["test_images"]], fashion)
        shifted = scale_pixels(clothes, name="fashion_mnist")
    return mnist_from_arrays(
        **arrays,
        shifted_images=shifted,
        source="MNIST by TensorFlow Datasets, in the published order, md5 as published",
    )


def _builder(name, cache_dir, probe_seconds):
    """The data set's builder, prepared; None, with the reason in the log, where it cannot be."""
    lacking = [module for module in NEEDED if importlib.util.find_spec(module) is None]
    if lacking:
        logger.warning("%s: not by TensorFlow Datasets, which lacks %s", name, ", ".join(lacking))
        return None
    import tensorflow_datasets as tfds

    # A new major version may put the items in another order.
    with _quiet("absl"):  # an error about permissions, where a folder is merely not there
        builder = tfds.builder(f"{name}:3.*.*", data_dir=cache_dir)
    # Asked first, because `is_prepared` warns of a folder that is merely not there.
    if builder.data_path.exists() and builder.is_prepared():
        logger.info("%s: found in the cache of TensorFlow Datasets", name)
        return builder
    logger.info("%s: not in the cache of TensorFlow Datasets; trying the network", name)
    fault = network_fault(PROBES[name], seconds=probe_seconds)
    if fault is not None:
        logger.warning("%s: cannot be downloaded (%s)", name, fault)
        return None
    logger.info("%s: downloading by TensorFlow Datasets", name)
    try:
        builder.download_and_prepare()
    except Exception as error:  # of requests, of TensorFlow Datasets, of the disk: no common base
        logger.warning("%s: download failed (%s: %s)", name, type(error).__name__, error)
        return None
    return builder


@contextlib.contextmanager
def _quiet(name):
    """Hold back what a logger says below CRITICAL."""
    other = logging.getLogger(name)
    level = other.level
    other.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        other.setLevel(level)


def _read(builder, split):
    """Images (N, 28, 28) and labels (N,), both uint8, in the published order."""
    import tensorflow_datasets as tfds

    rows = tfds.as_numpy(builder.as_dataset(split=split, batch_size=-1))
    return (
        _in_published_order(rows["image"][..., 0], split),
        _in_published_order(rows["label"].astype(np.uint8), split),
    )


def _in_published_order(rows, split):
    # TensorFlow Datasets sorts items by the md5 of the split's name and the item's number.
    order = sorted(range(len(rows)), key=lambda item: _md5(f"{split}{item}".encode()))
    published = np.empty_like(rows)
    published[order] = rows
    return published


def _check_published(array, md5, builder):
    found = _md5(idx_bytes(array))
    if found != md5:
        raise ValueError(
            f"What TensorFlow Datasets has prepared must be the published {builder.name}, md5 "
            f"{md5} as an idx file; delete the folder, so that it is prepared again, or name "
            f"your own files by `data_dir`. Received: folder={str(builder.data_path)!r}, "
            f"shape={array.shape}, md5 {found}"
        )


def _md5(content):
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
