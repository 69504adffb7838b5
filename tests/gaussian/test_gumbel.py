"""The table of log(-log F), against SciPy's adaptive quadrature."""

import numpy as np
import pytest
import scipy.integrate
from keras import ops

from hetero_unc.gaussian import gumbel
from hetero_unc.gaussian.gumbel_variables import LARGEST_SCALE, scale_variable, window


def cdf(t, scale):
    """F(t, s) by `scipy.integrate.quad`."""

    def integrand(e):
        return np.exp(-np.exp(-np.clip(t - scale * e, -700, 700)) - e * e / 2)

    step = np.clip(t / max(scale, 1e-3), -9, 9)
    found = scipy.integrate.quad(integrand, -10, 10, points=[step], limit=300, epsabs=1e-12)[0]
    return found / np.sqrt(2 * np.pi)


@pytest.mark.parametrize("scale", [1e-3, 0.2, 1.0, 2.0, 7.0, 30.0, 40.0])
def test_the_table_gives_the_distribution_function(scale):
    low, high = (float(end) for end in window(np.float64(scale))[2:])
    t = np.linspace(low, high, 25)
    at = gumbel.at_scale(ops.convert_to_tensor([scale], dtype="float32"))
    points = ops.convert_to_tensor(t[:, None], dtype="float32")
    exact = np.array([cdf(one, scale) for one in t])
    log_e, slope, bend = (ops.convert_to_numpy(part)[:, 0] for part in gumbel.curve(points, at))
    np.testing.assert_allclose(np.exp(-np.exp(log_e)), exact, atol=3e-6)
    np.testing.assert_allclose(
        ops.convert_to_numpy(gumbel.value(points, at))[:, 0], log_e, atol=1e-5
    )
    step = 1e-3 * (1 + scale)
    above, below = (np.array([cdf(one + sign * step, scale) for one in t]) for sign in (1, -1))
    density = -slope * np.exp(log_e - np.exp(log_e))
    np.testing.assert_allclose(density, (above - below) / (2 * step), atol=3e-5)
    ratio = -slope * np.exp(log_e)
    second = np.exp(-np.exp(log_e)) * (ratio**2 - np.exp(log_e) * (slope**2 + bend))
    wanted = (above - 2 * exact + below) / step**2
    np.testing.assert_allclose(second, wanted, atol=1e-4)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0])
def test_beyond_the_table_it_goes_on_as_a_falling_straight_line(scale):
    low, high = (float(end) for end in window(np.float64(scale))[2:])
    t = np.array([low - 200, low - 100, high + 100, high + 200])[:, None]
    at = gumbel.at_scale(ops.convert_to_tensor([scale], dtype="float32"))
    parts = gumbel.curve(ops.convert_to_tensor(t, dtype="float32"), at)
    log_e, slope, bend = (ops.convert_to_numpy(part)[:, 0] for part in parts)
    assert (slope < 0).all()
    assert (slope > -1.001).all()
    assert (bend == 0).all()
    assert (np.diff(log_e) < 0).all()


def test_the_variable_of_the_scale_spans_the_table():
    assert scale_variable(0.0) == -1
    assert scale_variable(LARGEST_SCALE) == pytest.approx(1)
