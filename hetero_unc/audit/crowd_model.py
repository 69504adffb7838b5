"""What votes say once the forecast is known, and what the forecast says once the votes are.

The crowd's shares q of an item are taken as Dirichlet around the tempered forecast,
q ~ Dirichlet(concentration * p_T), and its n votes as drawn from q. With a small probability the
votes are not of this item at all: then they look like those of an item of another class, one that
is frequent or one that the item resembles. Three numbers, temperature, concentration and the share
of such errors, are fitted to validation items.

References
----------
Minka (2000), Estimating a Dirichlet distribution (the Dirichlet-multinomial likelihood);
Dawid and Skene (1979), Maximum likelihood estimation of observer error-rates using the EM algorithm
(votes as noisy readings), https://doi.org/10.2307/2346806; Sun and Cai (2007), Oracle and adaptive
compound decision rules for false discovery rate control (lists cut where the mean local rate of
false alarms reaches the target), https://doi.org/10.1198/016214507000000545
"""

import dataclasses

import numpy as np

from hetero_unc.checks import check_probabilities, check_votes

__all__ = ["CrowdModel", "fit_crowd_model", "largest_reliable_list", "temper"]

# Forecasts are mixed with this much of the uniform one: what a model declares impossible happens.
UNIFORM_SHARE = 1e-5
FITTED_ON_AT_MOST = 2000
# Share of the wrong labels that name what the item looks like next, as often as the forecast has
# it; the rest name any class, as often as it occurs. People confuse and mistype.
LOOKING_ALIKE = 0.5
# Tried first for the share of label errors among other items: 1e-7 to a half.
LOG_ODDS_OF_ERRORS = np.linspace(-16.0, 0.0, 33)
# Weak prior of the logarithm of temperature and concentration, and of the log odds of an error,
# as (mean, standard deviation): with one vote an item nothing else holds the concentration.
PRIOR = np.array([(0.0, 1.0), (np.log(10.0), 1.5), (np.log(0.02 / 0.98), 1.5)])


@dataclasses.dataclass(frozen=True, eq=False)
class CrowdModel:
    """The forecast as a prior over the crowd's shares, and the chance of a label error.

    Attributes
    ----------
    temperature : float
        Forecasts are raised to the power 1 / temperature first; > 1 makes them less sure.
    concentration : float
        How many votes the tempered forecast is worth, > 0: at most half the median number of votes
        of an item, because a forecast that is wrong must not outvote those who say so.
    error_share : float
        Share of the items whose votes are not of the item, in (0, 1).
    profiles : float array of shape (C, C)
        Row j: mean tempered forecast of the items predicted as class j.
    class_shares : float array of shape (C,)
        How often each class is predicted.
    """

    temperature: float
    concentration: float
    error_share: float
    profiles: np.ndarray = dataclasses.field(repr=False)
    class_shares: np.ndarray = dataclasses.field(repr=False)

    def prior(self, y_prob):
        """Parameters of the Dirichlet before votes, (N, C)."""
        return self.concentration * temper(y_prob, self.temperature)

    def label_error(self, votes, y_prob):
        """Posterior probability that the votes of each item are not of this item, (N,).

        High where the forecast is sure of one class and the votes of another.
        """
        return _logistic(_log_odds(self.error_share) + self._log_ratio(votes, y_prob))

    def with_error_share_of(self, votes, y_prob):
        """The same model with the share of label errors that is most probable among other items.

        Temperature and concentration belong to the model and are fitted on items that it was
        validated on; how many labels are wrong belongs to the items that are looked through. The
        weak prior is that of the fit: without it a few errors among many items end as none.
        """
        from scipy import optimize

        ratio = self._log_ratio(votes, y_prob)

        def cost(odds):
            likelihood = np.logaddexp(-np.logaddexp(0.0, odds), ratio - np.logaddexp(0.0, -odds))
            return _penalty(odds, PRIOR[2]) - likelihood.sum()

        # In the odds there may be two optima: no errors, and a few.
        odds = min(LOG_ODDS_OF_ERRORS, key=cost)
        bounds = (odds - 0.5, min(odds + 0.5, 0.0))
        found = optimize.minimize_scalar(cost, bounds=bounds, method="bounded")
        return dataclasses.replace(self, error_share=float(_logistic(found.x)))

    def _log_ratio(self, votes, y_prob):
        """Log likelihood of the votes as those of another item, less that as the item's own."""
        tempered = temper(y_prob, self.temperature)
        others = _log_likelihood_of_others(
            votes, tempered, self.concentration * self.profiles, self.class_shares
        )
        return others - vote_log_likelihood(votes, self.concentration * tempered)


def fit_crowd_model(votes, y_prob, *, seed=0):
    """Fit temperature, concentration and share of label errors by maximum a posteriori.

    Parameters
    ----------
    votes : array-like of int, shape (N, C)
        Votes of validation items; every item has one.
    y_prob : array-like of float, shape (N, C)
        Their forecasts, mean over passes.
    seed : int, default=0
        Which 2,000 items are used where there are more.

    Returns
    -------
    CrowdModel

    Raises
    ------
    ValueError
        If votes or forecasts are not such arrays of one shape.
    """
    from scipy import optimize  # not at the top: importing the room must stay quick

    votes, y_prob = check_votes(votes), check_probabilities(y_prob)
    if votes.shape != y_prob.shape:
        raise ValueError(
            "`votes` and `y_prob` must have the same shape. "
            f"Received: votes.shape={votes.shape}, y_prob.shape={y_prob.shape}"
        )
    if len(votes) > FITTED_ON_AT_MOST:
        rows = np.random.default_rng(seed).choice(len(votes), FITTED_ON_AT_MOST, replace=False)
        votes, y_prob = votes[rows], y_prob[rows]
    classes = y_prob.shape[1]
    of_class = np.eye(classes)[y_prob.argmax(axis=1)]
    # One half item of each class keeps classes that are never predicted.
    class_shares = (of_class.sum(axis=0) + 0.5) / (len(votes) + 0.5 * classes)
    # The sums over the items' forecasts; a class never predicted keeps a profile of its own.
    summed = of_class.T @ y_prob + 0.5 * np.eye(classes)
    profiles = summed / summed.sum(axis=1, keepdims=True)
    of_profile = temper(profiles, 1.0)

    most = float(np.median(votes.sum(axis=1))) / 2

    def cost(values):
        if not (np.abs(values) < 20).all():
            return np.inf
        temperature, concentration = np.exp(values[:2])
        concentration = min(concentration, most)
        tempered = temper(y_prob, temperature)
        own = vote_log_likelihood(votes, concentration * tempered)
        other = _log_likelihood_of_others(votes, tempered, concentration * of_profile, class_shares)
        error = -np.logaddexp(0.0, -values[2])
        no_error = -np.logaddexp(0.0, values[2])
        likelihood = np.logaddexp(no_error + own, error + other).sum()
        return _penalty(values, PRIOR.T).sum() - likelihood

    found = optimize.minimize(
        cost, PRIOR[:, 0], method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-3}
    )
    temperature, concentration = np.exp(found.x[:2])
    return CrowdModel(
        float(temperature),
        float(min(concentration, most)),
        float(_logistic(found.x[2])),
        of_profile,
        class_shares,
    )


def temper(y_prob, temperature):
    """Forecasts to the power 1 / temperature, normalised and never 0, (N, C)."""
    logarithms = np.log(np.maximum(y_prob, 1e-30)) / temperature
    powers = np.exp(logarithms - logarithms.max(axis=1, keepdims=True))
    tempered = powers / powers.sum(axis=1, keepdims=True)
    return (1 - UNIFORM_SHARE) * tempered + UNIFORM_SHARE / tempered.shape[1]


def vote_log_likelihood(votes, dirichlet):
    """Dirichlet-multinomial log likelihood of votes, without the coefficient: (N, C) -> (N,)."""
    from scipy import special

    item, voted = np.nonzero(votes)  # most classes of most items get no vote and contribute 0
    alpha = dirichlet[item, voted]
    terms = special.gammaln(alpha + votes[item, voted]) - special.gammaln(alpha)
    total = dirichlet.sum(axis=1)
    return (
        np.bincount(item, weights=terms, minlength=len(votes))
        + special.gammaln(total)
        - special.gammaln(total + votes.sum(axis=1))
    )


def largest_reliable_list(probability, target):
    """Which items to list so that on average at most `target` of the list are false alarms.

    Parameters
    ----------
    probability : float array of shape (N,)
        That an item belongs on the list.
    target : float
        In (0, 1).

    Returns
    -------
    boolean array of shape (N,)
        The most probable items, as many as keep the mean of 1 - probability within the target.
    """
    order = np.argsort(-probability, kind="stable")
    false = np.cumsum(1 - probability[order]) / np.arange(1, len(order) + 1)
    listed = np.zeros(len(order), dtype=bool)
    listed[order[: np.searchsorted(false, target, side="right")]] = True
    return listed


def _log_likelihood_of_others(votes, tempered, dirichlets, class_shares):
    """Log likelihood of votes on an item of some other class than the predicted one, (N,)."""
    from scipy import special

    counts = np.arange(votes.max() + 1)
    # Class of the item, class voted for, number of votes.
    table = special.gammaln(dirichlets[..., None] + counts) - special.gammaln(dirichlets)[..., None]
    totals = dirichlets.sum(axis=1)
    number = votes.sum(axis=1)
    of_total = special.gammaln(totals[:, None] + np.arange(number.max() + 1))
    terms = special.gammaln(totals) - of_total[:, number].T
    for voted in range(votes.shape[1]):
        terms += table[:, voted, votes[:, voted]].T
    predicted = tempered.argmax(axis=1)
    weights = LOOKING_ALIKE * _without(predicted, tempered)
    weights += (1 - LOOKING_ALIKE) * _without(predicted, np.tile(class_shares, (len(votes), 1)))
    largest = terms.max(axis=1, keepdims=True)
    return largest[:, 0] + np.log((weights * np.exp(terms - largest)).sum(axis=1) + 1e-300)


def _without(predicted, shares):
    """Shares of the classes but the predicted one, (N, C)."""
    rest = shares.copy()
    rest[np.arange(len(rest)), predicted] = 0
    return rest / rest.sum(axis=1, keepdims=True)


def _penalty(values, prior):
    """Less the logarithm of a Normal prior, (mean, standard deviation), up to a constant."""
    mean, deviation = prior
    return 0.5 * np.square((values - mean) / deviation)


def _log_odds(probability):
    return np.log(probability) - np.log1p(-probability)


def _logistic(odds):
    """exp(odds) / (1 + exp(odds)) without overflow."""
    return np.exp(-np.logaddexp(0.0, -np.asarray(odds)))
