"""Why an item took its route, in one plain sentence with its numbers."""

import numpy as np

__all__ = ["route_reasons"]

SENTENCES = {
    "unfamiliar": "the passes contradict one another (epistemic {epistemic:.2f} nats)",
    "suspected_label_error": "{most} of {votes} voted {people}; the model gives it {given:.1f} % "
    "and is {confidence:.0f} % sure of {predicted}",
    "contested": "{most} of {votes} voted {people}; the model, too, expects two people to differ "
    "in {expected:.0f} % of cases",
    "accept": "the model is {confidence:.1f} % sure of {predicted}, within the accepted doubt",
    "more_votes": "one more vote would change the label with probability {change:.0f} %",
    "settled_by_votes": "{most} of {votes} voted {people}; the model, {confidence:.0f} % sure of "
    "{predicted}, adds nothing certain",
}


def route_reasons(routing, votes, y_prob, epistemic, classes):
    """One sentence an item.

    Parameters
    ----------
    routing : Routing
    votes : int array of shape (N, C)
    y_prob : float array of shape (N, C)
    epistemic : float array of shape (N,)
    classes : sequence of str, length C

    Returns
    -------
    list of str, length N
        Holds names of classes as they are: escape them wherever they are shown.
    """
    rows = np.arange(len(votes))
    people, predicted = votes.argmax(axis=1), y_prob.argmax(axis=1)
    figures = {
        "most": votes.max(axis=1),
        "votes": votes.sum(axis=1),
        "given": 100 * y_prob[rows, people],
        "confidence": 100 * y_prob[rows, predicted],
        "epistemic": epistemic,
        "expected": 100 * routing.predicted_disagreement,
        "change": 100 * routing.vote_value.label_change,
    }
    columns = [values.tolist() for values in figures.values()]
    names = [[classes[index] for index in which.tolist()] for which in (people, predicted)]
    keys = [*figures, "people", "predicted"]
    return [
        SENTENCES[route].format(**dict(zip(keys, values, strict=True)))
        for route, *values in zip(routing.route.tolist(), *columns, *names, strict=True)
    ]
