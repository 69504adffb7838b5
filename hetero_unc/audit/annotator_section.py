"""How far annotators agree, all together and one by one.

References
----------
Krippendorff (2011), Computing Krippendorff's alpha-reliability,
https://repository.upenn.edu/asc_papers/43; Dawid and Skene (1979), Maximum likelihood estimation of
observer error-rates using the EM algorithm, https://doi.org/10.2307/2346806
"""

import importlib.util
import warnings

import numpy as np

from hetero_unc.audit.json_values import absent, interval_json
from hetero_unc.audit.resampling import as_interval, resampled_sums

__all__ = ["annotator_section", "krippendorff_columns"]

MOST_ROWS = 200
SHOWN = 24
ITERATIONS = 30
# Dawid and Skene's labels are worked out for a random part of the items where there are more.
MOST_ANNOTATIONS = 200_000


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
    if importlib.util.find_spec("crowdkit") is None:
        accuracies, of_labels = {}, absent("Dawid and Skene's labels need the package crowd-kit.")
    else:
        labels = _dawid_skene(annotations, len(evidence), len(evidence.classes), settings.seed)
        accuracies, of_labels = _accuracies(annotations, labels), _changes(evidence, labels)
    return {
        **section,
        "annotators": len(np.setdiff1d(annotations.annotators, [""])),
        "rows": _rows(votes, annotations, accuracies, settings),
        "dawid_skene": of_labels,
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


def _rows(votes, annotations, accuracies, settings):
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
                "dawid_skene_accuracy": accuracies.get(name),
            }
        )
    return rows


def _dawid_skene(annotations, items, classes, seed):
    """Each item's most probable class by crowd-kit, -1 where not looked at, int (N,)."""
    import pandas as pd
    from crowdkit.aggregation import DawidSkene

    kept = np.ones(len(annotations), dtype=bool)
    if len(annotations) > MOST_ANNOTATIONS:
        share = MOST_ANNOTATIONS / len(annotations)
        kept = (np.random.default_rng(seed).random(items) < share)[annotations.items]
    # People without a name share none: each of their votes is somebody's own. No name has a line
    # break in it.
    alone = np.char.add("\n", np.arange(len(annotations)).astype(str))
    workers = np.where(annotations.annotators == "", alone, annotations.annotators)
    frame = pd.DataFrame(
        {"task": annotations.items, "worker": workers, "label": annotations.labels}
    )
    with warnings.catch_warnings():
        # crowd-kit 1.4 evaluates in place, which pandas 3 deprecates.
        warnings.simplefilter("ignore", DeprecationWarning)
        model = DawidSkene(n_iter=ITERATIONS).fit(frame[kept])
    probabilities = model.probas_.reindex(columns=range(classes), fill_value=0.0)
    labels = np.full(items, -1)
    labels[probabilities.index.to_numpy()] = probabilities.to_numpy().argmax(axis=1)
    return labels


def _accuracies(annotations, labels):
    """Share of each named annotator's votes that are the label, of items that have one."""
    looked_at = (labels[annotations.items] >= 0) & (annotations.annotators != "")
    right = (labels[annotations.items] == annotations.labels)[looked_at]
    names, index = np.unique(annotations.annotators[looked_at], return_inverse=True)
    accuracy = np.bincount(index, weights=right) / np.bincount(index)
    return dict(zip(names.tolist(), accuracy.tolist(), strict=True))


def _changes(evidence, labels):
    """Items whose label by Dawid and Skene has fewer votes than another class."""
    fewer = evidence.votes[np.arange(len(evidence)), labels] < evidence.votes.max(axis=1)
    changed = np.flatnonzero((labels >= 0) & fewer)
    looked_at = int(np.count_nonzero(labels >= 0))
    return {
        "items": looked_at,
        "changed_labels": len(changed),
        "share": len(changed) / looked_at,
        "changed_ids": evidence.ids[changed[:SHOWN]].tolist(),
    }
