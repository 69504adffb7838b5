"""How far annotators agree, all together and one by one.

References
----------
Krippendorff (2011), Computing Krippendorff's alpha-reliability,
https://repository.upenn.edu/asc_papers/43; Dawid and Skene (1979), Maximum likelihood estimation of
observer error-rates using the EM algorithm, https://doi.org/10.2307/2346806
"""

import numpy as np

from hetero_unc.audit.json_values import absent, interval_json
from hetero_unc.audit.resampling import as_interval, resampled_sums

__all__ = ["annotator_section", "krippendorff_columns"]

MOST_ROWS = 200
SHOWN = 24
ITERATIONS = 30


def annotator_section(evidence, annotations, settings):
    """Krippendorff's alpha, each annotator against the others, and Dawid and Skene's labels.

    Convention: alpha for nominal categories, of items with two votes or more. An annotator agrees
    with the rest where the vote names the class with most of the item's other votes, a tie of k
    classes counts 1 / k.

    Parameters
    ----------
    evidence : Evidence
        All items.
    annotations : hetero_unc.data.Annotations or None
        Who voted what.
    settings : AuditSettings

    Returns
    -------
    dict
        JSON-ready. `{"absent": why}` where no item has two votes; without annotations the parts
        that need them are absent.
    """
    votes = evidence.votes
    if not (evidence.vote_counts >= 2).any():
        return absent("No item has two votes, so nothing is known of how far annotators agree.")
    sums = resampled_sums(
        krippendorff_columns(votes), resamples=settings.resamples, seed=settings.seed
    )
    alpha = as_interval(_alpha(sums), level=settings.level)
    section = {"krippendorff_alpha": interval_json(alpha)}
    known = annotations is not None and (annotations.annotators != "").any()
    if not known:
        why = "Annotators are not named: no more can be said of them one by one."
        return {**section, "rows": [], "annotators": None, "dawid_skene": absent(why)}
    labels, workers = _dawid_skene(annotations, len(evidence.classes))
    rows = _rows(votes, annotations, workers, settings)
    return {
        **section,
        "annotators": len(np.setdiff1d(annotations.annotators, [""])),
        "rows": rows,
        "dawid_skene": labels if isinstance(labels, dict) else _changes(evidence, labels),
    }


def krippendorff_columns(votes):
    """Per item what alpha is made of: disagreeing pairs, votes, and votes for each class.

    Items with one vote have no pair and count for nothing.

    Parameters
    ----------
    votes : int array of shape (N, C)

    Returns
    -------
    float array of shape (N, 2 + C)
    """
    count = votes.sum(axis=1).astype(np.float64)
    paired = count >= 2
    pairs = (count**2 - np.square(votes).sum(axis=1)) / np.where(paired, count - 1, 1.0)
    return np.column_stack([pairs, count, votes]) * paired[:, None]


def _alpha(sums):
    """1 - observed over expected disagreement, for each row of sums of the columns."""
    pairs, count, by_class = sums[:, 0], sums[:, 1], sums[:, 2:]
    expected = (count**2 - np.square(by_class).sum(axis=1)) / (count - 1)
    return 1 - pairs / np.where(expected > 0, expected, np.nan)


def _rows(votes, annotations, workers, settings):
    """Each annotator's agreement with the others; those with most votes first."""
    items, labels = annotations.items, annotations.labels
    rest = votes[items]
    rest[np.arange(len(items)), labels] -= 1
    most = rest.max(axis=1)
    agreed = (rest[np.arange(len(items)), labels] == most) / np.count_nonzero(
        rest == most[:, None], axis=1
    )
    named = (annotations.annotators != "") & (most > 0)
    names, index = np.unique(annotations.annotators[named], return_inverse=True)
    count = np.bincount(index, minlength=len(names))
    agreed = agreed[named]
    rows = []
    for worker in np.argsort(-count, kind="stable")[:MOST_ROWS]:
        own = agreed[index == worker][:, None]
        sums = resampled_sums(own, resamples=settings.resamples, seed=settings.seed)
        interval = as_interval(sums[:, 0] / len(own), level=settings.level)
        name = str(names[worker])
        rows.append(
            {
                "annotator": name,
                "votes": int(count[worker]),
                "agreement_with_rest": interval_json(interval),
                "dawid_skene_accuracy": workers.get(name),
            }
        )
    return rows


def _dawid_skene(annotations, classes):
    """Each item's most probable class by crowd-kit, and each annotator's accuracy under it."""
    try:
        import pandas as pd
        from crowdkit.aggregation import DawidSkene
    except ImportError:
        return absent("Dawid and Skene's labels need the package crowd-kit."), {}
    # People without a name share none: each of their votes is somebody's own.
    unnamed = annotations.annotators == ""
    workers = np.where(unnamed, np.arange(len(annotations)).astype(str), annotations.annotators)
    frame = pd.DataFrame(
        {"task": annotations.items, "worker": workers, "label": annotations.labels}
    )
    model = DawidSkene(n_iter=ITERATIONS).fit(frame)
    probabilities = model.probas_.reindex(columns=range(classes), fill_value=0.0).sort_index()
    labels = np.full(annotations.items.max() + 1, -1)
    labels[probabilities.index.to_numpy()] = probabilities.to_numpy().argmax(axis=1)
    right = labels[annotations.items] == annotations.labels
    names, index = np.unique(annotations.annotators, return_inverse=True)
    accuracy = np.bincount(index, weights=right) / np.bincount(index)
    return labels, {str(name): float(accuracy[i]) for i, name in enumerate(names) if name}


def _changes(evidence, labels):
    """Items whose label by Dawid and Skene has fewer votes than another class."""
    rows = np.arange(len(evidence))
    labels = np.concatenate([labels, np.full(len(evidence) - len(labels), -1)])
    known = labels >= 0
    fewer = evidence.votes[rows, labels] < evidence.votes.max(axis=1)
    changed = np.flatnonzero(known & fewer)
    return {
        "changed_labels": len(changed),
        "share": len(changed) / len(evidence),
        "changed_ids": evidence.ids[changed[:SHOWN]].tolist(),
    }
