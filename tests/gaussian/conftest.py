"""The expected softmax in float64 from first principles, to hold the integrals against."""

import types

import numpy as np
import pytest
from scipy.special import logsumexp


@pytest.fixture(scope="session")
def reference():
    """Function of one row's loc and scale -> its expectations and gradients, to about 1e-10.

    softmax(z)_k is the chance that z_k + Gumbel is the largest: a composite Gauss-Legendre rule
    over that largest value, each factor of the integrand itself an integral over the Normal by the
    trapezoid rule. No table, no windows, nothing of the library.
    """
    return expectations


def expectations(loc, scale):
    loc, scale = np.asarray(loc, float), np.asarray(scale, float)
    highest = loc.max()
    loc = loc - highest
    u, weight = panels(loc, scale)
    factors = [gumbel_normal(u - one, s) for one, s in zip(loc, scale, strict=True)]
    log_cdf, log_density, curvature = map(np.array, zip(*factors, strict=True))
    log_h = log_cdf.sum(0)
    ratio = np.exp(log_density - log_cdf)
    log_terms = log_h + log_density - log_cdf
    log_p = logsumexp(log_terms, axis=1, b=weight)
    p = np.exp(log_p)
    total = ratio.sum(0)
    slopes = (weight * np.exp(log_terms) * (total - ratio)).sum(1)
    log_sum_exp = (weight * np.exp(log_h) * total * u).sum() - np.euler_gamma
    share = weight * np.exp(log_terms - log_p[:, None])  # row y: omega of class y
    to_loc = -share @ ratio.T
    np.fill_diagonal(to_loc, 0)
    np.fill_diagonal(to_loc, -to_loc.sum(1))
    to_scale = scale * (share @ curvature.T)
    own = -scale * (share * curvature / ratio * (total - ratio)).sum(1)
    np.fill_diagonal(to_scale, own)
    return types.SimpleNamespace(
        mass=p.sum(),
        probabilities=p,
        log_probabilities=log_p,
        slopes=slopes,
        log_sum_exp=log_sum_exp + highest,
        entropy=log_sum_exp - (loc * p + scale**2 * slopes).sum(),
        agreement=(p - slopes).sum(),
        to_loc=to_loc,  # row y: gradient of log P_y
        to_scale=to_scale,
    )


def gumbel_normal(t, scale):
    """log F, log F' and F'' / F at t, of a Gumbel variable plus `scale` times a Normal one."""
    if scale < 1e-9:
        rate = np.exp(-t)
        return -rate, -t - rate, rate**2 - rate
    step = min(0.3, 0.22 / scale)
    e = np.arange(-38, 38 + step, step)
    log_weight = -np.square(e) / 2 - np.log(2 * np.pi) / 2 + np.log(step)
    found = []
    for part in np.array_split(t, max(1, len(t) * len(e) // 1_000_000)):
        with np.errstate(over="ignore", invalid="ignore"):
            x = part[:, None] - scale * e
            rate = np.exp(-x)
            terms = log_weight - rate
            log_f, log_density = logsumexp(terms, axis=1), logsumexp(terms - x, axis=1)
            share = np.exp(terms - log_f[:, None])
            second = np.where(share > 0, share * (np.minimum(rate, 1e150) ** 2 - rate), 0).sum(1)
        found.append((log_f, log_density, second))
    return map(np.concatenate, zip(*found, strict=True))


def panels(loc, scale):
    """Nodes and weights that resolve every class: its own breakpoints, ten nodes between two."""
    width = np.sqrt(scale**2 + 1.6)
    many = 15 if len(loc) < 50 else 5
    breaks = loc[:, None] + width[:, None] * np.sinh(np.linspace(-4.2, 4.2, many)) / 2
    low, high = (loc - 4 - 7 * scale).max(), (loc + 46 + 9 * scale).max()
    inside = breaks[(breaks > low) & (breaks < high)]
    ends = np.unique(np.round(np.concatenate([[low], inside, [high]]), 2))
    abscissae, weights = np.polynomial.legendre.leggauss(10)
    half = np.diff(ends)[:, None] / 2
    return ((ends[:-1, None] + half) + half * abscissae).ravel(), (half * weights).ravel()
