"""Sets of classes that contain a vote with a stated probability: LAC, APS and RAPS by MAPIE.

References
----------
Sadinle, Lei and Wasserman (2019), Least ambiguous set-valued classifiers with bounded error levels
(LAC), https://arxiv.org/abs/1609.00451; Romano, Sesia and Candès (2020), Classification with valid
and adaptive coverage (APS), https://arxiv.org/abs/2006.02544; Angelopoulos, Bates, Jordan and Malik
(2021), Uncertainty sets for image classifiers using conformal prediction (RAPS),
https://arxiv.org/abs/2009.14193
"""

import warnings

import numpy as np

from hetero_unc.audit.json_values import absent, interval_json, number_json
from hetero_unc.audit.resampling import as_interval, resampled_sums

__all__ = ["conformal_section"]

FEWEST_VALIDATION_ITEMS = 50
METHODS = {
    "lac": "LAC: the smallest sets on average",
    "aps": "APS: sets that grow with the doubt",
    "raps": "RAPS: the same, large sets penalised",
}


def conformal_section(judged, validation, settings):
    """Coverage and size of conformal sets, over all items, by class and by group.

    Convention: the label of a validation item is one of its votes, drawn by lot, so that the sets
    are to contain a random vote; coverage is the mean over items of the share of votes within the
    set.

    Parameters
    ----------
    judged, validation : Evidence
    settings : AuditSettings

    Returns
    -------
    dict
        JSON-ready; `{"absent": why}` without MAPIE or with too few validation items.
    """
    try:
        from mapie.classification import SplitConformalClassifier
    except ImportError:
        return absent("Conformal sets need the package mapie: pip install hetero_unc[audit].")
    if len(validation) < FEWEST_VALIDATION_ITEMS:
        return absent(
            f"Conformal sets need {FEWEST_VALIDATION_ITEMS} validation items. Here are "
            f"{len(validation)}."
        )
    labels = _one_vote_each(validation.votes, settings.seed)
    methods, left_out = [], []
    for name, title in METHODS.items():
        classifier = SplitConformalClassifier(
            _Forecast(len(judged.classes)),
            confidence_level=settings.conformal_level,
            conformity_score=name,
            random_state=settings.seed,
        )
        try:
            with warnings.catch_warnings():
                # MAPIE warns of classes that no validation vote names; their coverage is shown.
                warnings.simplefilter("ignore", UserWarning)
                classifier.conformalize(validation.y_prob, labels)
        except ValueError as error:
            # RAPS sets a part of the validation items aside by class, which takes two of each.
            left_out.append(f"{name.upper()} was left out: {error}")
            continue
        # MAPIE takes the probabilities as features, and `_Forecast` hands them back.
        sets = classifier.predict_set(judged.y_prob)[1][:, :, 0]
        methods.append({"name": name, "title": title, **_figures(sets, judged, settings)})
    return {
        "level": settings.conformal_level,
        "label": "a vote of the item, drawn at random",
        "methods": methods,
        "left_out": left_out,
    }


class _Forecast:
    """A classifier, as MAPIE knows them, whose features are its probabilities."""

    _estimator_type = "classifier"

    def __init__(self, num_classes):
        self.num_classes = num_classes
        self.classes_ = np.arange(num_classes)

    def fit(self, features, labels):
        """Nothing to learn: the forecast was made elsewhere."""
        return self

    def predict(self, features):
        """The most probable class."""
        return np.argmax(features, axis=1)

    def predict_proba(self, features):
        """The forecast itself; rows sum to one in float64."""
        return features / features.sum(axis=1, keepdims=True)

    def __sklearn_is_fitted__(self):
        return True


def _one_vote_each(votes, seed):
    """A class for each item, as likely as its share of the votes, int (N,)."""
    drawn = np.random.default_rng(seed).integers(votes.sum(axis=1))
    return (np.cumsum(votes, axis=1) <= drawn[:, None]).sum(axis=1)


def _figures(sets, judged, settings):
    votes = judged.votes
    covered = (votes * sets).sum(axis=1) / votes.sum(axis=1)
    sizes = sets.sum(axis=1)
    by_class = [
        {"class": name, "items": int(np.count_nonzero(chosen)), "coverage": coverage}
        for name, chosen, coverage in _coverages(
            covered, votes.argmax(axis=1), judged.classes, range(len(judged.classes)), settings
        )
    ]
    by_group = []
    for group, values in judged.groups.items():
        names = np.unique(values)
        by_group += [
            {
                "group": group,
                "value": str(name),
                "items": int(np.count_nonzero(chosen)),
                "coverage": coverage,
            }
            for name, chosen, coverage in _coverages(covered, values, names, names, settings)
        ]
    sums = resampled_sums(covered[:, None], resamples=settings.resamples, seed=settings.seed)
    return {
        "coverage": interval_json(as_interval(sums[:, 0] / len(sets), level=settings.level)),
        "mean_size": float(sizes.mean()),
        "empty": number_json(np.mean(sizes == 0)),
        "sizes": (np.bincount(sizes, minlength=sets.shape[1] + 1) / len(sets)).tolist(),
        "by_class": by_class,
        "by_group": by_group,
    }


def _coverages(covered, values, names, keys, settings):
    """Coverage and its interval for each of `keys` among `values`."""
    chosen = np.stack([values == key for key in keys], axis=1)
    sums = resampled_sums(
        np.concatenate([chosen, chosen * covered[:, None]], axis=1),
        resamples=settings.resamples,
        seed=settings.seed,
    )
    count, inside = np.split(sums, 2, axis=1)
    share = inside / np.where(count > 0, count, np.nan)
    for index, name in enumerate(names):
        interval = as_interval(share[:, index], level=settings.level)
        yield name, chosen[:, index], interval_json(interval)
