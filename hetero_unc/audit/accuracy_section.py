"""How often the prediction is what people say."""

import numpy as np

from hetero_unc.audit.json_values import interval_json
from hetero_unc.audit.resampling import as_interval, resampled_sums
from hetero_unc.metrics import annotator_agreement

__all__ = ["accuracy_section"]


def accuracy_section(evidence, settings):
    """Accuracy against the plurality and against single votes, class by class.

    Parameters
    ----------
    evidence : Evidence
        Of the items that judge.
    settings : AuditSettings

    Returns
    -------
    dict
        JSON-ready.
    """
    hit, votes = evidence.plurality_hit, evidence.votes
    count, agreeing = evidence.vote_counts, evidence.agreeing_votes
    columns = np.stack([np.ones(len(hit)), hit, agreeing / count], axis=1)
    sums = resampled_sums(columns, resamples=settings.resamples, seed=settings.seed)
    plurality, random_vote = (
        interval_json(as_interval(sums[:, column] / sums[:, 0], level=settings.level))
        for column in (1, 2)
    )
    # Of an item whose plurality is tied, each tied class has an equal part.
    top = votes == votes.max(axis=1, keepdims=True)
    shared = top / top.sum(axis=1, keepdims=True)
    of_class = shared.sum(axis=0)
    right = shared[np.arange(len(votes)), evidence.predicted]
    recalled = np.bincount(evidence.predicted, weights=right, minlength=votes.shape[1])
    predicted = np.bincount(evidence.predicted, minlength=votes.shape[1]) / len(votes)
    return {
        "items": len(votes),
        "plurality": plurality,
        "random_vote": random_vote,
        "one_annotator_against_rest": annotator_agreement(votes) if (count > 1).any() else None,
        "per_class": [
            {
                "class": name,
                "items": float(of_class[index]),
                "recall": float(recalled[index] / of_class[index]) if of_class[index] else None,
                "votes_share": float(votes[:, index].sum() / votes.sum()),
                "predicted_share": float(predicted[index]),
            }
            for index, name in enumerate(evidence.classes)
        ],
    }
