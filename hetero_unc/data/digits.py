"""scikit-learn's digits: small real images that need no file and no network."""

import numpy as np

from hetero_unc.data.image_dataset import ImageDataset

__all__ = ["load_digits", "rearrange_blocks"]

TEST_ITEMS = 450
# Written out, so that no change of a random generator can change the images. No block stays.
BLOCK_ORDER = (13, 2, 15, 8, 12, 4, 7, 9, 14, 6, 3, 5, 0, 1, 10, 11)


def load_digits():
    """The 1,797 digits of 8 x 8 pixels that come with scikit-learn: 1,347 training, 450 test.

    Values 0 to 16 become [0, 1]. The split is random, fixed and stratified by class, so people
    whose digits are in training are in the test too: accuracies are for new digits of known
    writers, and not to be held against MNIST's.

    `shifted_images` are the test images with their sixteen blocks of 2 x 2 pixels in another,
    fixed order (`rearrange_blocks`): pieces of strokes that form no digit. Patches of
    scikit-learn's two photographs were the other choice; they are brighter than digits (mean
    brightness alone tells them apart with AUROC .86), while a rearranged image keeps every pixel
    value (.50), so here a model has to know shapes. Nearer to the digits than clothes to MNIST.

    Returns
    -------
    ImageDataset
        Named `"digits"`; images (N, 8, 8, 1).

    References
    ----------
    Alpaydin and Kaynak (1998), https://doi.org/10.24432/C50P49, the test part.
    """
    from sklearn.datasets import load_digits as load_embedded
    from sklearn.model_selection import train_test_split

    embedded = load_embedded()
    images = (embedded.images / 16).astype(np.float32)[..., None]
    labels = embedded.target.astype(np.int64)
    train, test = train_test_split(
        np.arange(len(labels)), test_size=TEST_ITEMS, stratify=labels, random_state=0
    )
    return ImageDataset(
        name="digits",
        train_images=images[train],
        train_labels=labels[train],
        test_images=images[test],
        test_labels=labels[test],
        shifted_images=rearrange_blocks(images[test]),
        shifted_name="test digits with their 2 x 2 blocks rearranged",
        class_names=tuple("0123456789"),
        source="the digits embedded in scikit-learn, 8 x 8 pixels",
    )


def rearrange_blocks(images):
    """Each 8 x 8 image with its 2 x 2 blocks in the order `BLOCK_ORDER`.

    Parameters
    ----------
    images : ndarray, shape (N, 8, 8, K)

    Returns
    -------
    ndarray, same shape and type
        Block i (row-major) is block `BLOCK_ORDER[i]` of the original.

    Raises
    ------
    ValueError
        Where the images are not 8 x 8.
    """
    if images.ndim != 4 or images.shape[1:3] != (8, 8):
        raise ValueError(f"`images` must have shape (N, 8, 8, K). Received: shape={images.shape}")
    items, _, _, channels = images.shape
    blocks = images.reshape(items, 4, 2, 4, 2, channels).swapaxes(2, 3)
    blocks = blocks.reshape(items, 16, 2, 2, channels)[:, BLOCK_ORDER]
    rows = blocks.reshape(items, 4, 4, 2, 2, channels).swapaxes(2, 3)
    return rows.reshape(images.shape)
