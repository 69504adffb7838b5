"""What to do with each item: one route each, and the reason in words."""

import dataclasses

import numpy as np

from hetero_unc.audit.confident_conflicts import confident_conflicts
from hetero_unc.audit.crowd_model import largest_reliable_list, temper
from hetero_unc.audit.crowd_posterior import (
    VoteValue,
    contested_probability,
    value_of_one_more_vote,
)

__all__ = ["ROUTES", "Routing", "route_items"]

# In order of precedence.
ROUTES = (
    "suspected_label_error",
    "unfamiliar",
    "contested",
    "accept",
    "more_votes",
    "settled_by_votes",
)
# Votes that the forecast is worth for each vote, where contested items are sought.
CONTESTED_WEIGHT = 0.25


@dataclasses.dataclass(frozen=True, eq=False)
class Routing:
    """A route for each item, and the figures that it was chosen by.

    Attributes
    ----------
    route : str array of shape (N,)
        One of `ROUTES`.
    label_error : float array of shape (N,)
        Posterior probability that the votes are not of this item.
    contested : float array of shape (N,)
        Posterior probability that two people disagree as often as `contested_disagreement`.
    vote_value : VoteValue
        Of one more vote.
    predicted_disagreement : float array of shape (N,)
        How often the tempered forecast alone expects two people to differ: 1 - sum p^2.
    urgency : float array of shape (N,)
        What to sort the items of one route by, most pressing first.
    false_alarms : dict of str to float or None
        Expected share of the items of a route that do not belong there, where it is known.
    """

    route: np.ndarray
    label_error: np.ndarray
    contested: np.ndarray
    vote_value: VoteValue
    predicted_disagreement: np.ndarray
    urgency: np.ndarray
    false_alarms: dict[str, float | None]


def route_items(votes, y_prob, epistemic, crowd_model, unfamiliar_rule, threshold, settings):
    """Choose a route for each item.

    1. suspected_label_error: most votes name another class than the forecast, the forecast does
       not expect a contested item, and the votes are of another item with a posterior probability
       of `label_error` or more, or are one vote that `confident_conflicts` lists. Passes that
       contradict one another have a mean that expects a contested item, so that the unfamiliar are
       not taken for it.
    2. unfamiliar: flagged by `unfamiliar_rule`, whatever the votes.
    3. contested: the votes name several classes, the forecast, too, expects two people to differ
       as often as `contested_disagreement`, and the posterior probability of that is among the
       largest that keep the expected share of false alarms.
    4. accept: doubt within the guaranteed threshold, and forecast and votes name one class.
    5. more_votes: one more vote changes the label with a probability of `label_change` or more.
    6. settled_by_votes: the rest; the votes decide, the forecast is not sure enough.

    Parameters
    ----------
    votes : int array of shape (N, C)
    y_prob : float array of shape (N, C)
    epistemic : float array of shape (N,)
    crowd_model : CrowdModel
    unfamiliar_rule : UnfamiliarRule
    threshold : float or None
        Largest doubt accepted; None accepts nothing.
    settings : AuditSettings

    Returns
    -------
    Routing
    """
    prior = crowd_model.prior(y_prob)
    posterior = prior + votes
    predicted = y_prob.argmax(axis=1)
    doubt = 1 - y_prob.max(axis=1)
    label_error = crowd_model.label_error(votes, y_prob)
    # Whether people disagree is asked of people first: here the forecast counts for no more than a
    # quarter of their votes.
    count = votes.sum(axis=1, keepdims=True)
    weight = np.minimum(1.0, count * CONTESTED_WEIGHT / crowd_model.concentration)
    contested = contested_probability(weight * prior + votes, settings.contested_disagreement)
    tempered = temper(y_prob, crowd_model.temperature)
    predicted_disagreement = 1 - np.square(tempered).sum(axis=1)
    expects_split = predicted_disagreement >= settings.contested_disagreement
    vote_value = value_of_one_more_vote(posterior)

    named = votes[np.arange(len(votes)), predicted]
    conflict = (votes.max(axis=1) > named) & ~expects_split
    suspected = conflict & (
        (label_error >= settings.label_error) | confident_conflicts(votes, y_prob)
    )
    unfamiliar = unfamiliar_rule.unfamiliar & ~suspected
    may_be_contested = ~unfamiliar & (np.count_nonzero(votes, axis=1) > 1) & expects_split
    split = largest_reliable_list(np.where(may_be_contested, contested, 0.0), settings.false_alarms)
    split &= may_be_contested
    accepted = np.zeros(len(votes), dtype=bool)
    if threshold is not None:
        accepted = (doubt <= threshold) & (posterior.argmax(axis=1) == predicted)
    chosen = [
        suspected,
        unfamiliar,
        split,
        accepted,
        vote_value.label_change >= settings.label_change,
    ]
    route = np.select(chosen, ROUTES[:-1], default=ROUTES[-1])
    # Large is pressing; what may be accepted or left to the votes is shown least doubtful first.
    urgency = np.select(
        [route == name for name in ROUTES[:-1]],
        [label_error, epistemic, contested * predicted_disagreement, -doubt, vote_value.gain],
        default=-vote_value.label_change,
    )
    return Routing(
        route,
        label_error,
        contested,
        vote_value,
        predicted_disagreement,
        urgency,
        {
            "suspected_label_error": _mean(1 - label_error, route == "suspected_label_error"),
            "unfamiliar": unfamiliar_rule.false_alarm_rate,
            "contested": _mean(1 - contested, route == "contested"),
        },
    )


def _mean(values, chosen):
    return float(values[chosen].mean()) if chosen.any() else None
