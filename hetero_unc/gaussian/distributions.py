"""Gaussian logits as distributions of TensorFlow Probability, which no other module imports."""

import keras

from hetero_unc.gaussian.parameters import split_parameters

__all__ = ["as_distribution", "standard_normals"]


def as_distribution(parameters):
    """The TFP distribution of the logits, on the TensorFlow backend.

    Args:
        parameters: Tensor `(N, C, 2 + R)`.

    Returns:
        `tfp.distributions.Independent` of Normals, or at rank R > 0
        `MultivariateNormalDiagPlusLowRankCovariance`: batch shape `(N,)`, event shape `(C,)`.

    Raises:
        RuntimeError: On another backend.
        ValueError: If `parameters` are not Gaussian logits.
    """
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            "as_distribution needs the TensorFlow backend. "
            f"Received: keras.backend.backend()={keras.backend.backend()!r}"
        )
    import tensorflow_probability as tfp

    if len(parameters.shape) != 3:
        # (N, 2) could be read as one item of N classes: the softmax of two classes, by mistake.
        raise ValueError(
            "`parameters` must have shape (N, C, 2 + R), as GaussianLogits returns them. "
            f"Received: shape={tuple(parameters.shape)}"
        )
    loc, scale, factor = split_parameters(parameters)
    if not factor.shape[-1]:
        return tfp.distributions.Independent(tfp.distributions.Normal(loc, scale), 1)
    return tfp.distributions.MultivariateNormalDiagPlusLowRankCovariance(
        loc, cov_diag_factor=scale**2, cov_perturb_factor=factor
    )


def standard_normals(shape, seed):
    """Draws of TFP's Normal, `shape`, float32; `seed` is an int32 tensor of shape (2,)."""
    import tensorflow_probability as tfp

    return tfp.distributions.Normal(0.0, 1.0).sample(shape, seed=seed)
