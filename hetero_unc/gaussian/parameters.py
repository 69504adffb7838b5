"""The layout of Gaussian logits: `(N, C, 2 + R)`, last axis loc, scale, factor."""

__all__ = ["split_parameters"]


def split_parameters(parameters):
    """Split the head's output into its parts; the only reader of that layout.

    Args:
        parameters: Tensor `(..., C, 2 + R)`, as `hetero_unc.layers.GaussianLogits` returns it.

    Returns:
        `(loc, scale, factor)` of shapes `(..., C)`, `(..., C)` and `(..., C, R)`; `factor` has a
        last axis of length 0 when the rank is 0.

    Raises:
        ValueError: If the tensor has fewer than 2 axes, C < 2 or a last axis shorter than 2.
    """
    shape = tuple(parameters.shape)
    if len(shape) < 2 or shape[-1] is None or shape[-1] < 2 or (shape[-2] or 2) < 2:
        raise ValueError(
            "`parameters` must be Gaussian logits of shape (N, C, 2 + R) with C >= 2, as "
            f"GaussianLogits returns them. Received: shape={shape}"
        )
    return parameters[..., 0], parameters[..., 1], parameters[..., 2:]
