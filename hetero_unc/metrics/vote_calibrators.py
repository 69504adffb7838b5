"""Calibrators fitted on votes: maps of probabilities to probabilities that fit the annotators.

All three are logits = W log q + b followed by a softmax, and differ in W and b. They maximise the
likelihood of every vote, not of the majority: fitted on majorities, a calibrator learns to be surer
than the crowd (Tao et al. 2026). Fit on items that the model was not trained on. NumPy and SciPy.

References
----------
.. [1] Guo, Pleiss, Sun and Weinberger (2017), On calibration of modern neural networks (temperature
   and vector scaling), https://arxiv.org/abs/1706.04599
.. [2] Kull, Perello-Nieto, Kängsepp, Silva Filho, Song and Flach (2019), Beyond temperature
   scaling (Dirichlet), https://arxiv.org/abs/1910.12656
.. [3] Tao, Luo, Dong and Xu (2026), Confidence calibration under ambiguous ground truth,
   https://arxiv.org/abs/2603.22879
"""

import numpy as np

from hetero_unc.checks import check_probabilities
from hetero_unc.metrics.disagreement import check_votes_and_probabilities
from hetero_unc.metrics.scoring import SMALLEST_PROBABILITY

__all__ = ["DirichletCalibrator", "TemperatureCalibrator", "VectorCalibrator"]

# Of exp: temperatures from 1 / 1000 to 1000. Beyond, all is as good as certain or as uniform.
LOG_TEMPERATURE_BOUNDS = (-np.log(1000.0), np.log(1000.0))
MOST_ITERATIONS = 1000


class TemperatureCalibrator:
    """One temperature: logits are log q / temperature. Keeps every predicted class.

    Attributes
    ----------
    temperature : float
        After `fit`; in [0.001, 1000]; above 1 the model was too sure.

    Examples
    --------
    >>> y_prob = [[0.9, 0.1]] * 2
    >>> calibrator = TemperatureCalibrator().fit(y_prob, [[6, 4], [8, 2]])
    >>> calibrator.transform(y_prob).round(3)[0]
    array([0.7, 0.3])
    """

    def fit(self, y_prob, votes):
        """Fit to probabilities and votes, both `(N, C)`; returns itself, or raises ValueError."""
        logarithms, votes = _check_problem(y_prob, votes)

        def cost_and_gradient(parameters):
            inverse = np.exp(-parameters[0])
            cost, slope = _cost_and_slope(inverse * logarithms, votes)
            return cost, np.array([-inverse * (slope * logarithms).sum()])

        found = _minimise(cost_and_gradient, np.zeros(1), bounds=[LOG_TEMPERATURE_BOUNDS])
        self.temperature = float(np.exp(found[0]))
        return self

    def transform(self, y_prob):
        """Calibrated probabilities, float64 of shape (N, C); raises ValueError before `fit`."""
        _check_fitted(self)
        return _softmax(_logarithms(check_probabilities(y_prob)) / self.temperature)


class VectorCalibrator:
    """A weight and an intercept a class: logits are weight * log q + intercept.

    Attributes
    ----------
    weight, intercept : float arrays of shape (C,)
        After `fit`; the intercepts sum to 0.

    Examples
    --------
    >>> y_prob = [[0.5, 0.5], [0.5, 0.5]]
    >>> calibrator = VectorCalibrator().fit(y_prob, [[6, 4], [8, 2]])
    >>> calibrator.transform(y_prob).round(3)[0]
    array([0.7, 0.3])
    """

    def fit(self, y_prob, votes):
        """Fit to probabilities and votes, both `(N, C)`; returns itself, or raises ValueError."""
        logarithms, votes = _check_problem(y_prob, votes)
        classes = votes.shape[1]

        def cost_and_gradient(parameters):
            weight, intercept = np.split(parameters, 2)
            cost, slope = _cost_and_slope(weight * logarithms + intercept, votes)
            gradient = np.concatenate([(slope * logarithms).sum(axis=0), slope.sum(axis=0)])
            return cost, gradient

        start = np.concatenate([np.ones(classes), np.zeros(classes)])
        self.weight, intercept = np.split(_minimise(cost_and_gradient, start), 2)
        self.intercept = intercept - intercept.mean()
        return self

    def transform(self, y_prob):
        """Calibrated probabilities, float64 of shape (N, C); raises ValueError before `fit`."""
        y_prob = _check_classes(self, y_prob)
        return _softmax(self.weight * _logarithms(y_prob) + self.intercept)


class DirichletCalibrator:
    """A full matrix: logits are weight @ log q + intercept; classes may be moved to one another.

    Parameters
    ----------
    penalty : float, default=1e-3
        On the off-diagonal weights and the intercepts (ODIR of the reference, with one penalty for
        both): the mean of their squares times this, in nats an annotation; >= 0. Without it few
        votes are overfitted; choose it on items that `fit` does not see.

    Attributes
    ----------
    weight : float array of shape (C, C)
        After `fit`.
    intercept : float array of shape (C,)
        After `fit`.

    Examples
    --------
    Of two classes that the model cannot tell apart, people mean the second:

    >>> y_prob = [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]
    >>> calibrator = DirichletCalibrator(penalty=0.0).fit(y_prob, [[2, 8, 0], [0, 0, 10]])
    >>> calibrator.transform(y_prob).round(2)[0]
    array([0.2, 0.8, 0. ])
    """

    def __init__(self, penalty=1e-3):
        number = isinstance(penalty, (int, float)) and not isinstance(penalty, bool)
        if not number or not 0 <= penalty < np.inf:
            raise ValueError(f"`penalty` must be a number >= 0. Received: penalty={penalty!r}")
        self.penalty = float(penalty)

    def fit(self, y_prob, votes):
        """Fit to probabilities and votes, both `(N, C)`; returns itself, or raises ValueError."""
        logarithms, votes = _check_problem(y_prob, votes)
        classes = votes.shape[1]
        off_diagonal = ~np.eye(classes, dtype=bool) * self.penalty / (classes * (classes - 1))
        mean, scaling = _scaling(logarithms, off_diagonal.max())

        def unpack(parameters):
            change, offset = parameters[:-classes].reshape(classes, classes), parameters[-classes:]
            weight = np.eye(classes) + change @ scaling.T
            return weight, offset - weight @ mean

        def cost_and_gradient(parameters):
            weight, intercept = unpack(parameters)
            cost, slope = _cost_and_slope(logarithms @ weight.T + intercept, votes)
            cost += (off_diagonal * weight**2).sum()
            cost += self.penalty * np.square(intercept).mean()
            by_weight = slope.T @ logarithms + 2 * off_diagonal * weight
            by_intercept = slope.sum(axis=0) + 2 * self.penalty * intercept / classes
            by_change = (by_weight - np.outer(by_intercept, mean)) @ scaling
            return cost, np.concatenate([by_change.ravel(), by_intercept])

        start = np.concatenate([np.zeros(classes**2), mean])
        self.weight, self.intercept = unpack(_minimise(cost_and_gradient, start))
        return self

    def transform(self, y_prob):
        """Calibrated probabilities, float64 of shape (N, C); raises ValueError before `fit`."""
        y_prob = _check_classes(self, y_prob)
        return _softmax(_logarithms(y_prob) @ self.weight.T + self.intercept)


def _scaling(logarithms, penalty):
    """Mean of the inputs, and a matrix that makes the cost about as curved in all directions.

    Logarithms of probabilities are nearly dependent; without it L-BFGS takes thousands of steps.
    """
    mean = logarithms.mean(axis=0)
    centred = logarithms - mean
    variance, directions = np.linalg.eigh(centred.T @ centred / len(centred))
    # A softmax has a curvature of p (1 - p), about a tenth.
    curvature = 0.1 * variance + 2 * penalty
    return mean, directions / np.sqrt(np.maximum(curvature, 1e-10 * max(curvature.max(), 1e-10)))


def _minimise(cost_and_gradient, start, bounds=None):
    from scipy import optimize  # not at the top: importing the room must stay quick

    found = optimize.minimize(
        cost_and_gradient,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": MOST_ITERATIONS, "ftol": 1e-10, "gtol": 1e-8},
    )
    return found.x


def _cost_and_slope(logits, votes):
    """Mean of -log p over the votes, and its derivative by each logit, (N, C)."""
    total = votes.sum()
    shifted = logits - logits.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    sums = exponentials.sum(axis=1, keepdims=True)
    cost = -(votes * (shifted - np.log(sums))).sum() / total
    expected = votes.sum(axis=1, keepdims=True) * exponentials / sums
    return cost, (expected - votes) / total


def _softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def _logarithms(y_prob):
    return np.log(np.maximum(y_prob, SMALLEST_PROBABILITY))


def _check_problem(y_prob, votes):
    votes, y_prob = check_votes_and_probabilities(votes, y_prob)
    return _logarithms(y_prob), votes.astype(np.float64)


def _check_fitted(calibrator):
    if not hasattr(calibrator, "temperature") and not hasattr(calibrator, "weight"):
        name = type(calibrator).__name__
        raise ValueError(f"`fit` must be called before `transform`. Received: an unfitted {name}")


def _check_classes(calibrator, y_prob):
    _check_fitted(calibrator)
    y_prob = check_probabilities(y_prob)
    if y_prob.shape[1] != len(calibrator.intercept):
        raise ValueError(
            "`y_prob` must have the classes that `fit` saw. "
            f"Received: {y_prob.shape[1]} classes, fitted to {len(calibrator.intercept)}"
        )
    return y_prob
