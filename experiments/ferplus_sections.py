"""The smaller sections of the FER+ page: one question each, asked of rows or of one run."""

import numpy as np
from scipy import stats

from ferplus_measures import vote_log_loss
from ferplus_published import COLUMNS, NUMBERS, number_of
from ferplus_results import (
    METHODS,
    RECIPES,
    SPLIT_NAMES,
    cell,
    in_order,
    method_name,
    protocols,
)
from hetero_unc import metrics
from hetero_unc.data.image_proxies import image_proxies
from hetero_unc.reports import figures, html

__all__ = [
    "heads_section",
    "proxies_section",
    "twins_section",
]

RESAMPLES = 500
HEAD_COLUMNS = {
    "mean scale": ("mean_scale", 3, 1),
    "r predicted d": ("pearson_predicted_disagreement", 3, 1),
    "r aleatoric": ("pearson_aleatoric", 3, 1),
    "r scale": ("pearson_scale", 3, 1),
    "JS distance": ("js_distance", 3, 1),
}


def twins_section(rows):
    """The headline numbers with all images, and without those that have an identical one."""
    numbers = {
        "accuracy_9": ("accuracy, 9 classes, %", 100, 2),
        "accuracy_8": ("accuracy, 8 classes, %", 100, 2),
        "js_distance": ("JS distance", 1, 4),
        "pearson_aleatoric": ("r aleatoric", 1, 4),
        "pearson_predicted_disagreement": ("r predicted d", 1, 4),
    }
    tested = [
        row
        for row in in_order(rows)
        if row["split"] != "validation" and row.get("n_without_twins") is not None
    ]
    title = "Identical images"
    if not tested:
        return html.left_out("twins", title, "no row tells images with a twin apart")
    groups = {}
    for row in tested:
        key = (method_name(row), row["split"], row["passes"])
        groups.setdefault(key, []).append(row)
    table = html.Table(
        "All images, then those without an identical one anywhere in the data; means over seeds.",
        (
            "network",
            "part",
            "passes",
            "images",
            "without twins",
            *(text for heading, *_ in numbers.values() for text in (heading, "without")),
        ),
        tuple(
            (
                name,
                SPLIT_NAMES[split],
                str(passes or "none"),
                f"{same[0]['n']:,}",
                f"{same[0]['n_without_twins']:,}",
                *(
                    cell(same, f"{key}{end}", decimals, factor)
                    for key, (_, factor, decimals) in numbers.items()
                    for end in ("", "_without_twins")
                ),
            )
            for (name, split, passes), same in groups.items()
        ),
        text_columns=(0, 1),
    )
    columns = {
        heading: column
        for heading, column in COLUMNS.items()
        if any((row["recipe"], row["method"]) == column for row in tested)
    }
    every = html.Table(
        "The paper's numbers and ours beside them: all images, then those without an identical "
        "one.",
        ("number", *(text for heading in columns for text in (heading, "without twins"))),
        tuple(
            (
                number.words,
                *(
                    number_of(tested, number, column, ending)
                    for column in columns.values()
                    for ending in ("", "_without_twins")
                ),
            )
            for number in NUMBERS
            if any(f"{number.key}_without_twins" in row for row in tested)
        ),
    )
    text = (
        "Images that are equal pixel by pixel occur under several row numbers, in Training and in "
        "what is tested. Our training leaves out every image that is also scored; the published "
        "recipe does not. The last columns of each pair leave the repeated images out of the test."
    )
    more = html.Details("Every number of the paper, with and without", (every,))
    return html.Section("twins", title, (html.Text(text), table, more))


def heads_section(heads, groups=None):
    """The likelihood of the votes under each head on the same features, and their differences.

    Parameters
    ----------
    heads : dict of str to sequence of (row, Predictive, ProtocolRows)
        Recipe -> its heads on one set of features, dropout off, on the same items.
    groups : int array, optional
        Of all rows of the data, from `identical_groups`: intervals draw identical images together.
    """
    title = "Which loss learns the votes?"
    if not heads:
        return html.left_out("heads", title, "no two Gaussian heads here share their features")
    text = (
        "The score is −log of the probability of all votes of an image together, in nats, without "
        "the multinomial coefficient: the annotators share the image's logits. Dropout is off. "
        "Only a head whose scale means something can gain here. The aleatoric head has the loss of "
        "the blog and of the paper's code."
    )
    tables = tuple(_heads_table(recipe, found, groups) for recipe, found in heads.items())
    return html.Section("heads", title, (html.Text(text), *tables))


def _heads_table(recipe, found, groups):
    losses = [vote_log_loss(predictive, kept.votes) for _, predictive, kept in found]
    best = min(range(len(losses)), key=lambda place: losses[place].mean())
    rows = []
    for place, (row, _, kept) in enumerate(found):
        behind = "–"
        if place != best:
            behind = _with_interval(
                _mean,
                losses[place] - losses[best],
                groups=None if groups is None else groups[kept.rows],
                seed=row["seed"],
            )
        rows.append(
            (
                METHODS[row["method"]][0],
                f"{losses[place].mean():.3f}",
                behind,
                *(cell([row], *how) for how in HEAD_COLUMNS.values()),
            )
        )
    first = found[best][0]
    name = METHODS[first["method"]][0]
    together = "" if groups is None else ", identical ones together"
    return html.Table(
        f"{RECIPES.get(recipe, recipe).capitalize()}, seed {first['seed']}. "
        f"{protocols(first, SPLIT_NAMES[first['split']])} Lower is better. Behind: difference to "
        f"{name}, image by image [95 % interval by images{together}].",
        ("head", "nats an image", "behind the best", *HEAD_COLUMNS),
        tuple(rows),
    )


def proxies_section(runs):
    """Do brightness, contrast and asymmetry of the picture go with doubt, over all images?"""
    images = runs[0].images
    proxies = image_proxies(images)
    dark = np.abs(proxies["brightness"] - np.median(proxies["brightness"]))
    proxies = {
        "brightness": proxies["brightness"],
        "distance from usual brightness": dark,
        "contrast": proxies["contrast"],
        "left-right asymmetry": proxies["left_right_asymmetry"],
        "overexposed share": proxies["overexposed_share"],
    }
    drawings = [
        html.Figure(
            figures.draw_series(
                f"proxies-{place}",
                [_by_tenths(run, proxies[proxy]) for run in runs if run.row["passes"]],
                x_label=proxy,
                y_label="epistemic doubt, nats",
            ),
            f"Mean epistemic doubt in ten parts of equally many images by {proxy}.",
            f"By {proxy}",
        )
        for place, proxy in enumerate(("brightness", "contrast", "left-right asymmetry"))
        if any(run.row["passes"] for run in runs)
    ]
    rows = [
        (
            run.name,
            name,
            _with_interval(metrics.spearman, run.summary.epistemic, proxy, groups=run.groups),
            _with_interval(metrics.spearman, run.summary.aleatoric, proxy, groups=run.groups),
            f"{_partial_ranks(run.summary.epistemic, proxy, run.summary.aleatoric):.3f}",
        )
        for run in runs
        if run.row["passes"]
        for name, proxy in proxies.items()
        if np.ptp(proxy) > 0
    ]
    title = "Light and pose of the picture"
    if not rows:
        return html.left_out("proxies", title, "no network that is shown has dropout passes")
    text = (
        f"The paper shows five images with the most epistemic doubt and speaks of darker skin, "
        f"turned faces and strong light. Nothing in the data says who is shown. These are measures "
        f"of all {len(images):,} pictures: a dark picture may be a dark room, and an asymmetric "
        "one a face lit from the side. They can say whether light and asymmetry of a picture go "
        "with doubt; they say nothing of people."
    )
    table = html.Table(
        "Spearman correlation over all images [95 % interval by images, identical ones together], "
        "and that of epistemic doubt given aleatoric.",
        ("network", "proxy", "epistemic", "aleatoric", "epistemic, given aleatoric"),
        tuple(rows),
        text_columns=(0, 1),
    )
    return html.Section("proxies", title, (html.Text(text), html.Figures(tuple(drawings)), table))


def _by_tenths(run, proxy):
    bins = np.array_split(np.argsort(proxy, kind="stable"), 10)
    bins = [items for items in bins if len(items)]
    return figures.Series(
        run.name,
        [proxy[items].mean() for items in bins],
        [run.summary.epistemic[items].mean() for items in bins],
        run.colour,
        run.line,
        run.marker,
    )


def _mean(values):
    return values.mean()


def _with_interval(statistic, *arrays, groups=None, seed=0):
    found = metrics.bootstrap_interval(
        statistic, *arrays, groups=groups, resamples=RESAMPLES, seed=seed
    )
    return f"{found.estimate:.3f} [{found.low:.3f}, {found.high:.3f}]"


def _partial_ranks(x, y, given):
    return metrics.partial_correlation(*map(stats.rankdata, (x, y, given)))
