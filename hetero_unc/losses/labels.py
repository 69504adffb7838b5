"""Labels as a loss receives them: integer classes or label distributions."""

from keras import ops

__all__ = ["are_distributions", "as_classes", "as_distributions"]


def are_distributions(y_true, num_classes):
    """Whether `y_true` is `(N, C)`, rather than classes of shape `(N,)` or `(N, 1)`."""
    return len(y_true.shape) == 2 and y_true.shape[1] == num_classes


def as_classes(y_true, num_classes):
    """`(N,)` int32, of classes of shape `(N,)` or `(N, 1)`."""
    if (len(y_true.shape) == 2 and y_true.shape[1] != 1) or len(y_true.shape) > 2:
        raise ValueError(
            f"`y_true` must be classes of shape (N,) or label distributions of shape "
            f"(N, {num_classes}). Received: shape={tuple(y_true.shape)}"
        )
    # Loss.__call__ has cast the labels to float.
    return ops.cast(ops.reshape(y_true, (-1,)), "int32")


def as_distributions(y_true, num_classes):
    """`(N, C)` float32: the distributions themselves, or one-hot rows of the classes."""
    if are_distributions(y_true, num_classes):
        return ops.cast(y_true, "float32")
    return ops.one_hot(as_classes(y_true, num_classes), num_classes, dtype="float32")
