"""The six routes with their counts, rules and false alarms, and which items to show first."""

import numpy as np

from hetero_unc.audit.json_values import number_json
from hetero_unc.audit.routing import ROUTES
from hetero_unc.formats import format_percent

__all__ = ["routing_section"]

SHOWN = 24
WORDS = {
    "suspected_label_error": (
        "Label looks wrong",
        "Look at these again: the model is sure of one class, the votes of another.",
        (
            "An item whose votes are its own: the mean posterior probability of that over the "
            "list. With one label an item it is an upper limit: a model expects wrong labels like "
            "those that it was trained on."
        ),
    ),
    "unfamiliar": (
        "Unfamiliar to the model",
        "Look at these; label them and train on them before trusting the model there.",
        "An item like those of validation that is flagged all the same.",
    ),
    "contested": (
        "People disagree",
        "Keep the spread of votes as the label; more votes will not settle these.",
        (
            "An item on which two people differ more seldom than stated: the mean posterior "
            "probability of that over the list."
        ),
    ),
    "accept": (
        "Accept the prediction",
        "Use these predictions as they are.",
        (
            "A wrong prediction: the share of evaluated items within the accepted doubt whose "
            "prediction is not what most people say."
        ),
    ),
    "more_votes": (
        "Ask for more votes",
        "Have these labelled again, from the top of the list.",
        "Not stated: an item that keeps its label after one more vote is no false alarm.",
    ),
    "settled_by_votes": (
        "Settled by the votes",
        "Keep the label that people gave; the prediction is too unsure to be used.",
        "Not stated: nothing is claimed about these.",
    ),
}


def routing_section(routing, evidence, unfamiliar_rule, crowd_model, guarantee, settings):
    """Counts, rules and false-alarm rates by route, JSON-ready.

    Parameters
    ----------
    routing : Routing
    evidence : Evidence
    unfamiliar_rule : UnfamiliarRule
    crowd_model : CrowdModel
    guarantee : dict
        Of `guarantee_section`.
    settings : AuditSettings

    Returns
    -------
    dict
    """
    rates = {**routing.false_alarms, "accept": guarantee["risk"]["estimate"]}
    rules = _rules(unfamiliar_rule, guarantee, settings)
    routes = []
    for name in ROUTES:
        title, do, meaning = WORDS[name]
        count = int(np.count_nonzero(routing.route == name))
        routes.append(
            {
                "route": name,
                "title": title,
                "do": do,
                "why": rules[name],
                "count": count,
                "share": count / len(evidence),
                "false_alarms": {"rate": number_json(rates.get(name)), "meaning": meaning},
            }
        )
    asked = routing.route == "more_votes"
    return {
        "routes": routes,
        "vote_value": {
            "mean": float(routing.vote_value.gain.mean()),
            "total_in_more_votes": float(routing.vote_value.gain[asked].sum()),
            "label_changes_in_more_votes": float(routing.vote_value.label_change[asked].sum()),
        },
        "crowd_model": {
            "temperature": crowd_model.temperature,
            "concentration": crowd_model.concentration,
            "error_share": crowd_model.error_share,
        },
        "galleries": {name: _most_urgent(routing, evidence, name) for name in ROUTES},
    }


def _most_urgent(routing, evidence, name):
    of_route = np.flatnonzero(routing.route == name)
    order = np.argsort(-routing.urgency[of_route], kind="stable")[:SHOWN]
    return evidence.ids[of_route[order]].tolist()


def _rules(unfamiliar_rule, guarantee, settings):
    threshold = guarantee["threshold"]
    return {
        "suspected_label_error": "Most votes name another class than the model, "
        "which expects people to agree, and they are the votes of some other item with a "
        f"probability of {format_percent(settings.label_error, 0)} or more; or they are one vote, "
        "and the model is as sure as it is on average of items that people call the same.",
        "unfamiliar": unfamiliar_rule.how,
        "contested": "The votes are split and the model expects that: two people are expected to "
        f"differ in {format_percent(settings.contested_disagreement, 0)} of cases or more; the "
        "list is as long as keeps the expected false alarms within "
        f"{format_percent(settings.false_alarms, 0)}.",
        "accept": "No threshold keeps the risk, so nothing is accepted."
        if threshold is None
        else f"Doubt is at most {threshold:.4g}, and votes and model name the same class.",
        "more_votes": "One more vote would change the label with a probability of "
        f"{format_percent(settings.label_change, 0)} or more.",
        "settled_by_votes": "All others: the model is too unsure, and one more vote would hardly "
        "change the label.",
    }
