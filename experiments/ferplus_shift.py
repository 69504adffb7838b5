"""Does doubt rise when faces are altered, and on pictures of other things?

    shift = evaluate_shift(predict, images, votes, name="ours")
    write_json(run_folder / "shift.json", shift)

`predict` is a user's own; everything else here is NumPy.
"""

import numpy as np

from hetero_unc import metrics
from hetero_unc.data.shift_probes import LEVELS, alter

__all__ = ["PROBES", "altered_examples", "evaluate_shift"]

PARTS = ("total", "aleatoric", "epistemic")
# Name on the page -> what `alter` calls it, and the sign of its levels.
PROBES = {
    "brighter": ("brightness", 1),
    "darker": ("brightness", -1),
    "less contrast": ("contrast", 1),
    "blurred": ("blur", 1),
    "covered": ("occlusion", 1),
    "turned": ("rotation", 1),
}


def evaluate_shift(predict, images, votes, *, name, rows=None, other=None, seed=0):
    """Doubt and accuracy by the strength of each change, and on other pictures.

    Parameters
    ----------
    predict : callable
        `predict(images)` takes uint8 images of shape (n, H, W, 1) and returns a `Predictive` of
        them in the same order; with dropout passes, or the epistemic part is 0.
    images : uint8 array of shape (N, H, W, 1)
    votes : int array of shape (N, C)
        Of the unchanged images, on the classes of the predictions.
    name : str
        Of the network, in words.
    rows : int array of shape (N,), optional
        Row numbers; the first is kept as the example to show.
    other : dict of str to uint8 array of shape (n, H, W, 1), optional
        Pictures that show none of the classes.
    seed : int, default=0
        Places the covers.

    Returns
    -------
    dict
        As `hetero_unc.reports.shift_probes.shift_section` takes it; JSON-serialisable.
    """
    unchanged = predict(images).summarise()
    labels = np.asarray(votes).argmax(axis=1)
    probes = {}
    for word, (probe, sign) in PROBES.items():
        found = [_measures(unchanged, unchanged, labels)]
        for level in LEVELS[probe][1:]:
            altered = predict(alter(images, probe, sign * level, seed=seed)).summarise()
            found.append(_measures(altered, unchanged, labels))
        levels = [sign * level for level in LEVELS[probe]]
        probes[word] = {"levels": levels, **{key: [one[key] for one in found] for key in found[0]}}
    others = {
        word: {"n": len(pictures), **_measures(predict(pictures).summarise(), unchanged, None)}
        for word, pictures in (other or {}).items()
    }
    return {
        "name": name,
        "n": len(images),
        "example": None if rows is None else int(rows[0]),
        "probes": probes,
        "other": others,
    }


def altered_examples(evidence, images):
    """The example of `evidence` at each level of each probe: (name, level, image)."""
    row = evidence["example"]
    if row is None:
        return []
    return [
        (word, level, alter(images[[row]], PROBES[word][0], level, seed=0)[0])
        for word, found in evidence["probes"].items()
        for level in found["levels"]
    ]


def _measures(summary, unchanged, labels):
    """Means of each doubt, the chance that it exceeds the unchanged images', and accuracy."""
    right = None if labels is None else summary.probabilities.argmax(axis=1) == labels
    found = {"accuracy": None if right is None else float(right.mean())}
    for part in PARTS:
        doubt, before = getattr(summary, part), getattr(unchanged, part)
        found[part] = float(doubt.mean())
        found[f"auroc_{part}"] = metrics.out_of_distribution_auroc(before, doubt)
    return found
