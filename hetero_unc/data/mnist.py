"""MNIST, and Fashion-MNIST's test images as its out-of-distribution images, from idx files.

LeCun, Cortes and Burges, http://yann.lecun.com/exdb/mnist/ (60,000 + 10,000 digits);
Xiao, Rasul and Vollgraf (2017), https://arxiv.org/abs/1708.07747 (Fashion-MNIST).
"""

import logging
from pathlib import Path

import numpy as np

from hetero_unc.data.idx import read_idx
from hetero_unc.data.image_dataset import ImageDataset

__all__ = [
    "FASHION_MNIST_MD5",
    "MNIST_MD5",
    "NAMES",
    "load_fashion_mnist_test",
    "load_mnist",
    "mnist_from_arrays",
    "scale_pixels",
]

logger = logging.getLogger("hetero_unc.data")

NAMES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}

# Of the .gz files: as published. Of the plain files: of what those unpack to.
MNIST_MD5 = {
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
FASHION_MNIST_MD5 = {
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
}


def load_mnist(data_dir, *, md5=MNIST_MD5, fashion_md5=FASHION_MNIST_MD5):
    """Read MNIST from idx files, with Fashion-MNIST's test images where they are there.

    Parameters
    ----------
    data_dir : str or Path
        Folder that holds the four files of MNIST, or whose folder `mnist` does. Each file may be
        packed (`train-images-idx3-ubyte.gz`) or plain (`train-images-idx3-ubyte`).
    md5, fashion_md5 : mapping of file name to md5, optional
        What each file's bytes must hash to; a name that is not in it is not compared. `{}` takes
        files of one's own in the same form.

    Returns
    -------
    ImageDataset
        Named `"mnist"`; images (N, H, W, 1). Without Fashion-MNIST, `shifted_images` is None.

    Raises
    ------
    FileNotFoundError
        Where a file of MNIST is missing: names the folders and files looked for.
    ValueError
        Where a file is damaged, altered or of the wrong form: see `read_idx`.
    """
    paths = _find_files(Path(data_dir).expanduser())
    arrays = {part: read_idx(path, md5=md5.get(path.name)) for part, path in paths.items()}
    checked = ", md5 as published" if md5 is MNIST_MD5 else ", md5 not compared"
    logger.info("MNIST read from %s%s", paths["train_images"].parent, checked)
    return mnist_from_arrays(
        **arrays,
        shifted_images=load_fashion_mnist_test(data_dir, md5=fashion_md5),
        source=f"MNIST idx files{checked}",
    )


def load_fashion_mnist_test(data_dir, *, md5=FASHION_MNIST_MD5):
    """Read the 10,000 test images of Fashion-MNIST: clothes, in the form of MNIST.

    Parameters
    ----------
    data_dir : str or Path
        Folder whose folder `fashion_mnist` holds `t10k-images-idx3-ubyte`, packed or plain. Not
        looked for in `data_dir` itself: MNIST's file has the same name.
    md5 : mapping of file name to md5, optional
        As in `load_mnist`.

    Returns
    -------
    ndarray of float32, shape (M, 28, 28, 1), or None
        In [0, 1]. None where there is no such file, with the reason in the log.

    Raises
    ------
    ValueError
        Where the file is there and damaged, altered or of the wrong form.
    """
    folder = Path(data_dir).expanduser() / "fashion_mnist"
    path = _packed_or_plain(folder, NAMES["test_images"])
    if path is None:
        logger.warning(
            "no out-of-distribution images: %s[.gz] is not in %s", NAMES["test_images"], folder
        )
        return None
    return scale_pixels(read_idx(path, md5=md5.get(path.name)), name=str(path))


def mnist_from_arrays(
    train_images, train_labels, test_images, test_labels, *, shifted_images, source
):
    """MNIST as an `ImageDataset`, from the arrays of its idx files.

    Parameters
    ----------
    train_images, test_images : ndarray of uint8, shape (N, H, W)
        Pixels as published, 0 to 255.
    train_labels, test_labels : ndarray of int, shape (N,)
        In [0, 10).
    shifted_images : ndarray of float32, shape (M, H, W, 1), or None
        From `load_fashion_mnist_test` or `scale_pixels`.
    source : str
        One line for `ImageDataset.source`.

    Returns
    -------
    ImageDataset

    Raises
    ------
    ValueError
        Where an array is not of that form.
    """
    return ImageDataset(
        name="mnist",
        train_images=scale_pixels(train_images, name="train_images"),
        train_labels=train_labels,
        test_images=scale_pixels(test_images, name="test_images"),
        test_labels=test_labels,
        shifted_images=shifted_images,
        shifted_name=None if shifted_images is None else "Fashion-MNIST test images",
        class_names=tuple("0123456789"),
        source=source,
    )


def scale_pixels(pixels, *, name):
    """Grey values 0 to 255, uint8 (N, H, W), as float32 in [0, 1], (N, H, W, 1).

    Raises ValueError where `pixels`, called `name` in the message, are not of that form.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3:
        raise ValueError(
            f"`{name}` must be images of uint8, shape (N, H, W). "
            f"Received: dtype={pixels.dtype}, shape={pixels.shape}"
        )
    return (pixels.astype(np.float32) / np.float32(255))[..., None]


def _find_files(data_dir):
    """Path of each part of MNIST: all of one folder, `data_dir` or its folder `mnist`."""
    missing = {}
    for folder in (data_dir, data_dir / "mnist"):
        paths = {part: _packed_or_plain(folder, name) for part, name in NAMES.items()}
        missing[folder] = [NAMES[part] for part, path in paths.items() if path is None]
        if not missing[folder]:
            return paths
    found = "; ".join(
        f"{folder} lacks {', '.join(names)}" if folder.is_dir() else f"{folder} is not a folder"
        for folder, names in missing.items()
    )
    raise FileNotFoundError(
        "`data_dir` must hold MNIST's four idx files, itself or in a folder `mnist`, each packed "
        f"(.gz) or plain: {', '.join(NAMES.values())}. Received: data_dir={str(data_dir)!r}; "
        f"{found}"
    )


def _packed_or_plain(folder, name):
    candidates = (folder / f"{name}.gz", folder / name)
    return next((path for path in candidates if path.is_file()), None)
