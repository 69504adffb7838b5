"""The same forecasts under other rules: which part is scored, which rows, which classes.

Test sets of very different size are all called FER+, and "unknown" is a class to some and none to
others. Here one network is scored under each rule, and so is what looks at no image at all.
"""

import numpy as np

from ferplus_doubts import predicted_disagreement, refusal
from ferplus_evaluation import prepared, read_predictive, voted_items
from ferplus_results import SPLIT_NAMES, method_name
from ferplus_shown import find_run
from hetero_unc import metrics
from hetero_unc.data import CLASSES_8
from hetero_unc.data.ferplus_protocols import PROTOCOLS
from hetero_unc.formats import format_percent
from hetero_unc.predictive import Predictive
from hetero_unc.reports import html

__all__ = ["levels_without_images", "policies_section", "scored"]

# Two modes of FERPlus differ in training alone.
SCORED_PROTOCOLS = [name for name in PROTOCOLS if name != "ferplus_probability"]
HEADINGS = (
    "images", "accuracy", "ties fractional", "JS distance", "r aleatoric", "r predicted d",
    "r epistemic", "gain at 25 %, points", "ECE, votes",
)  # fmt: skip


def policies_section(folder, data, rows):
    """Each shown network under each rule, and the levels that need no image.

    Parameters
    ----------
    folder : Path
    data : FerPlus or SyntheticFaces
    rows : sequence of dict
        Of the networks that the page shows.
    """
    tables = tuple(_policies_table(folder, data, row) for row in rows)
    training, tested = (
        prepared(data)[0].among(data.rows_of(usage)).votes for usage in ("Training", "PublicTest")
    )
    text = (
        "“FER+” means different test sets and classes to different authors. Without “unknown”: its "
        "votes are left out, and the forecast is of the eight emotions that are left. The other "
        "rules are FERPlus' own modes, and plain plurality; each is stated below. FERPlus scores "
        "PrivateTest, the paper PublicTest. Accuracy is against the label that the rule gives, and "
        "everything else against the votes as they were cast for its classes. The predicted "
        "disagreement is that of the classes' probabilities in every line: the noise of the "
        "logits, which it knows of elsewhere, is not to be had without a class."
    )
    statements = html.Table(
        "The rules.",
        ("rule", "what it keeps"),
        tuple((name, PROTOCOLS[name](data).statement) for name in SCORED_PROTOCOLS),
        text_columns=(0, 1),
    )
    return html.Section(
        "policies",
        "The same under other rules",
        (
            html.Text(text),
            tables[0],
            *(
                html.Details(method_name(row), (table,))
                for row, table in zip(rows[1:], tables[1:], strict=True)
            ),
            html.Details("The rules", (statements,)),
            _levels_table(training, tested),
        ),
    )


def _policies_table(folder, data, row):
    found = []
    for split in ("publictest", "privatetest"):
        predictive = read_predictive(
            find_run(folder, row), split, data, deterministic=row["passes"] == 0
        )
        if predictive is None:
            continue
        for name in SCORED_PROTOCOLS:
            chosen, kept = voted_items(predictive, data, split, PROTOCOLS[name](data))
            if kept.classes == CLASSES_8:
                chosen = of_eight_classes(chosen, np.arange(len(chosen)))
            found.append((name, split, *scored(chosen, kept.votes, kept.labels)))
        chosen, kept = voted_items(predictive, data, split, prepared(data)[0])
        voted = np.flatnonzero(kept.votes[:, : len(CLASSES_8)].sum(axis=1) > 0)
        votes = kept.votes[voted, : len(CLASSES_8)]
        eight = of_eight_classes(chosen, voted)
        found.append(("without “unknown”", split, *scored(eight, votes, votes.argmax(axis=1))))
    passes = f"{row['passes']} passes" if row["passes"] else "dropout off"
    return html.Table(
        f"{method_name(row)}, seed {row['seed']}, {passes}.",
        ("rule", "part", *HEADINGS),
        tuple((name, SPLIT_NAMES[split], *numbers) for name, split, *numbers in found),
        text_columns=(0, 1),
    )


def of_eight_classes(predictive, items):
    """Predictions of some items without "unknown", each pass divided by what is left."""
    left = predictive.probabilities[:, items, : len(CLASSES_8)].astype(np.float64)
    left = left + np.finfo(np.float32).tiny
    return Predictive(left / left.sum(axis=2, keepdims=True), ids=predictive.ids[items])


def scored(predictive, votes, labels):
    """The numbers of one rule, as text, in the order of `HEADINGS`."""
    summary = predictive.summarise()
    forecast = summary.probabilities
    d = metrics.disagreement(votes)
    right = forecast.argmax(axis=1) == labels
    correlations = [
        metrics.pearson(doubt, d)
        for doubt in (
            summary.aleatoric,
            predicted_disagreement(Predictive(predictive.probabilities, ids=predictive.ids)),
            summary.epistemic,
        )
    ]
    distance = metrics.jensen_shannon_distance(metrics.vote_shares(votes), forecast)
    gain = refusal(right, summary, distance)["reject_gain_25"]
    return (
        f"{len(votes):,}",
        format_percent(right.mean(), 1),
        format_percent(metrics.vote_accuracy(votes, forecast).fractional, 1),
        f"{distance.mean():.3f}",
        *(f"{value:.3f}" if np.isfinite(value) else "–" for value in correlations),
        "–" if gain is None else f"{100 * gain:+.1f}",
        f"{metrics.vote_calibration_error(votes, forecast):.3f}",
    )


def levels_without_images(training, votes):
    """What two forecasts that look at no image get: the shares of training, and the votes' own.

    Parameters
    ----------
    training, votes : int arrays of shape (M, C) and (N, C)
        Votes of the training rows, whose shares every image is forecast, and of the scored ones.

    Returns
    -------
    dict of str to dict
        Name -> `accuracy`, `js_distance`, `js_distance_sd`, `js_divergence`, `cross_entropy` and
        `brier`, per annotation.
    """
    shares = metrics.vote_shares(votes)
    prior = np.broadcast_to(training.sum(axis=0) / training.sum(), shares.shape)
    found = {}
    for name, forecast in (("votes of Training", prior), ("the image's own votes", shares)):
        distance = metrics.jensen_shannon_distance(shares, forecast)
        found[name] = {
            "accuracy": (forecast.argmax(axis=1) == votes.argmax(axis=1)).mean(),
            "js_distance": distance.mean(),
            "js_distance_sd": distance.std(ddof=1),
            "js_divergence": np.square(distance).mean(),
            "cross_entropy": metrics.log_loss(shares, forecast),
            "brier": metrics.annotation_brier_score(votes, forecast).total.mean(),
        }
    return found


def _levels_table(training, votes):
    levels = levels_without_images(training, votes)
    headings = ("accuracy", "JS distance", "its SD", "JS divergence", "cross-entropy", "Brier")
    return html.Table(
        f"Levels that need no image: PublicTest, {len(votes):,} images, paper_nine_columns. Every "
        "image forecast as the votes of Training are shared out; and as its own votes, which no "
        "network can see.",
        ("forecast", *headings),
        tuple(
            (name, *(f"{value:.3f}" for value in numbers.values()))
            for name, numbers in levels.items()
        ),
    )
