"""The float64 reference that benchmarks/gradient_error.py measures with."""

import numpy as np
import pytest

from benchmarks.exact_error import gauss_hermite, gumbel_integral
from benchmarks.gradient_error import reference


@pytest.mark.parametrize("num_classes", [2, 3, 10])
def test_it_is_another_integral_and_its_finite_differences(num_classes):
    rng, label, step = np.random.default_rng(num_classes), 1, 1e-4
    loc, scale = rng.normal(0, 2, num_classes), rng.lognormal(-0.7, 1.0, num_classes)

    def loss(loc, scale):
        return -np.log(gumbel_integral(loc, scale)[label])

    found = reference(loc, scale, label)
    np.testing.assert_allclose(found["probabilities"], gumbel_integral(loc, scale), atol=1e-12)
    assert found["loss"] == pytest.approx(loss(loc, scale), abs=1e-12)
    for k, nudge in enumerate(step * np.eye(num_classes)):
        along_loc = (loss(loc + nudge, scale) - loss(loc - nudge, scale)) / (2 * step)
        along_scale = (loss(loc, scale + nudge) - loss(loc, scale - nudge)) / (2 * step)
        np.testing.assert_allclose(found["gradient"][k], [along_loc, along_scale], atol=1e-7)


def test_three_classes_are_those_of_gauss_hermite():
    loc, scale = np.array([0.3, -0.5, 1.0]), np.array([0.3, 0.6, 0.9])
    found = reference(loc, scale, 0)["probabilities"]
    np.testing.assert_allclose(found, gauss_hermite(loc, scale), atol=1e-10)
