"""Where the data comes from: a folder that was named, else TensorFlow Datasets, else the digits."""

import logging
import os

from hetero_unc.data.digits import load_digits
from hetero_unc.data.mnist import load_mnist
from hetero_unc.data.tfds_source import load_mnist_from_tfds

__all__ = ["VARIABLE", "find_dataset"]

logger = logging.getLogger("hetero_unc.data")

VARIABLE = "HETERO_UNC_DATA"


def find_dataset(data_dir=None, *, probe_seconds=10.0):
    """MNIST from the first place that has it, else scikit-learn's digits.

    In this order: the folder `data_dir`; the folder named by the environment variable
    `HETERO_UNC_DATA`; the cache of TensorFlow Datasets; its download, where a probe finds the
    network; the digits embedded in scikit-learn. Each step is logged by the logger
    `hetero_unc.data`, and the result says in `name` and `source` what was found. A folder that was
    named must hold the files: nothing else is then tried.

    Parameters
    ----------
    data_dir : str or Path, optional
        As in `load_mnist`. An empty environment variable counts as none.
    probe_seconds : float, default=10.0
        How long to wait for the network until it counts as absent.

    Returns
    -------
    ImageDataset

    Raises
    ------
    FileNotFoundError
        Where a folder was named, and a file of MNIST is not in it.
    ValueError
        Where a file is damaged or altered.
    """
    if data_dir is None and os.environ.get(VARIABLE):
        data_dir = os.environ[VARIABLE]
        logger.info("data folder named by %s", VARIABLE)
    if data_dir is not None:
        return load_mnist(data_dir)
    logger.info("no data folder named, by --data-dir or %s; asking TensorFlow Datasets", VARIABLE)
    dataset = load_mnist_from_tfds(probe_seconds=probe_seconds)
    if dataset is not None:
        return dataset
    logger.warning(
        "MNIST was not found: using the small digits embedded in scikit-learn instead. Name a "
        "folder with MNIST's idx files by --data-dir or %s to use those.",
        VARIABLE,
    )
    return load_digits()
