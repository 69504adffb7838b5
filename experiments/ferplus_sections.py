"""The smaller sections of the FER+ page: one question each, asked of rows or of one run."""

import numpy as np
from scipy import stats

from ferplus_measures import vote_log_loss
from ferplus_results import METHODS, SPLIT_NAMES, USUAL_ENDPOINT, USUAL_INPUT, cell, method_name
from hetero_unc import metrics
from hetero_unc.data.image_proxies import image_proxies
from hetero_unc.reports import figures, html
from hetero_unc.reports.formats import format_percent

__all__ = [
    "heads_section",
    "leak_section",
    "proxies_section",
    "sweeps_section",
    "truth_section",
    "twins_section",
]

RESAMPLES = 1000
SWEEPS = {  # a setting -> what to know of it
    "endpoint": "The paper names Mixed_7a the best and prints no numbers.",
    "preprocessing": "The paper's code feeds 0 to 255 to weights trained on -1 to 1.",
}
SWEPT = {
    "accuracy, 9 classes, %": ("accuracy_9", 2, 100),
    "JS distance": ("js_distance", 4, 1),
    "cross-entropy": ("cross_entropy", 4, 1),
    "r aleatoric": ("pearson_aleatoric", 3, 1),
    "r epistemic": ("pearson_epistemic", 3, 1),
}
HEADS = {"softmax": "Softmax head", "gaussian_votes": "Gaussian head on votes"}


def truth_section(runs, data):
    """On drawn faces the truth is known: does each doubt follow what it should?"""
    rows = []
    for run in runs:
        ids = run.summary.ids
        ambiguity = metrics.entropy(data.true_shares[ids])
        spread = 1 - np.square(data.true_shares[ids]).sum(axis=1)
        rare = data.rare[ids]
        rows.append(
            (
                run.name,
                f"{metrics.spearman(run.summary.aleatoric[~rare], ambiguity[~rare]):.3f}",
                f"{metrics.spearman(run.predicted_disagreement[~rare], spread[~rare]):.3f}",
                f"{metrics.pearson(run.predicted_disagreement, spread):.3f}",
                *_rare_against_others(run.summary.epistemic, rare),
                *_rare_against_others(run.summary.aleatoric, rare),
            )
        )
    text = (
        "These faces are drawn: the chance of each vote is known, so the true ambiguity is its "
        "entropy, and a rare group is drawn lying on its side, as voted for as any other. "
        "Aleatoric doubt should follow the ambiguity, epistemic doubt should be higher on the "
        "rare group."
    )
    table = html.Table(
        "Spearman correlations on faces that are not rare; Pearson on all. Means in nats; AUROC is "
        "the chance that a rare face is more doubted than another.",
        (
            "network",
            "aleatoric, true entropy",
            "predicted d, true d",
            "Pearson, all",
            "epistemic, rare",
            "others",
            "AUROC",
            "aleatoric, rare",
            "others",
            "AUROC",
        ),
        tuple(rows),
    )
    return html.Section("truth", "Where the truth is known", (html.Text(text), table))


def _rare_against_others(doubt, rare):
    if not rare.any() or rare.all():
        return ("–", "–", "–")
    return (
        f"{doubt[rare].mean():.4f}",
        f"{doubt[~rare].mean():.4f}",
        f"{metrics.out_of_distribution_auroc(doubt[~rare], doubt[rare]):.3f}",
    )


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
        for row in rows
        if row["split"] != "validation" and row.get("n_without_twins") is not None
    ]
    title = "Identical images"
    if not tested:
        return html.left_out("twins", title, "no row tells images with a twin apart")
    groups = {}
    for row in tested:
        key = (METHODS[row["method"]][0], row["recipe"], row["split"], row["passes"])
        groups.setdefault(key, []).append(row)
    table = html.Table(
        "All images, then those without an identical one anywhere in the data; means over seeds.",
        (
            "network",
            "recipe",
            "part",
            "passes",
            "images",
            "without twins",
            *(text for heading, *_ in numbers.values() for text in (heading, "without")),
        ),
        tuple(
            (
                method,
                recipe,
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
            for (method, recipe, split, passes), same in groups.items()
        ),
        text_columns=(0, 1, 2),
    )
    text = (
        "Images that are equal pixel by pixel occur under several row numbers, in Training and in "
        "what is tested. Our training leaves out every image that is also scored; the published "
        "recipe does not. The last columns of each pair leave the repeated images out of the test."
    )
    return html.Section("twins", title, (html.Text(text), table))


def heads_section(heads):
    """The likelihood of the votes under each head on the same features, and their differences.

    Parameters
    ----------
    heads : sequence of (row, Predictive, ProtocolRows)
        Dropout off, on the same items.
    """
    title = "Which loss learns the votes?"
    losses = {}
    for row, predictive, kept in heads:
        losses[method_name(row)] = (row, vote_log_loss(predictive, kept.votes), kept.votes)
    if len(losses) < 2:
        return html.left_out("heads", title, "fewer than two Gaussian heads are in this folder")
    best = min(losses, key=lambda name: losses[name][1].mean())
    rows = []
    for name, (row, loss, _) in losses.items():
        behind = "–"
        if name != best:
            difference = loss - losses[best][1]
            interval = metrics.bootstrap_interval(np.mean, difference, resamples=RESAMPLES)
            behind = f"{interval.estimate:.3f} [{interval.low:.3f}, {interval.high:.3f}]"
        scale = row["mean_scale"]
        rows.append(
            (
                name,
                f"{loss.mean():.3f}",
                behind,
                "–" if scale is None else f"{scale:.3f}",
                f"{row['pearson_predicted_disagreement']:.3f}"
                if row["pearson_predicted_disagreement"] is not None
                else "–",
            )
        )
    count = len(next(iter(losses.values()))[2])
    text = (
        f"Heads on the same features, dropout off, {count:,} images. The score is −log of the "
        "probability of all votes of an image together, nats an image, without the multinomial "
        "coefficient: the annotators share the image's logits. Only a head whose scale means "
        "something can gain here."
    )
    table = html.Table(
        f"Lower is better. Behind: difference to {best}, image by image [95 % interval].",
        ("head", "nats an image", "behind the best", "mean scale", "r predicted d"),
        tuple(rows),
    )
    return html.Section("heads", title, (html.Text(text), table))


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
            _with_interval(metrics.spearman, run.summary.epistemic, proxy),
            _with_interval(metrics.spearman, run.summary.aleatoric, proxy),
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
        "Spearman correlation over all images [95 % interval], and that of epistemic doubt given "
        "aleatoric.",
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


def _with_interval(statistic, x, y):
    found = metrics.bootstrap_interval(statistic, x, y, resamples=RESAMPLES)
    return f"{found.estimate:.3f} [{found.low:.3f}, {found.high:.3f}]"


def _partial_ranks(x, y, given):
    return metrics.partial_correlation(*map(stats.rankdata, (x, y, given)))


def leak_section(evidence):
    """Which part of the doubt moves when labels get noisier, and when data gets less.

    Parameters
    ----------
    evidence : dict
        What experiments/leak_test.py writes.
    """
    blocks = [
        html.Text(
            f"A small network, trained again and again on noisier labels and on fewer images "
            f"({evidence['source']}). Noise should move aleatoric doubt alone, lack of data "
            "epistemic doubt alone. The wrong part's share of the movement is the leak: 0 % is "
            "none, at 50 % the split says nothing of the cause."
        )
    ]
    for head in HEADS:
        if head in evidence:
            blocks += _leaks_of(head, evidence)
    return html.Section("leak", "Does the split leak?", tuple(blocks))


def _leaks_of(head, evidence):
    found = evidence[head]
    drawings = []
    for cause, levels, label in (
        ("noise", evidence["noise_rates"], "share of the training labels replaced"),
        ("size", evidence["sizes"], "training images"),
    ):
        series = []
        for part, colour, line in (("aleatoric", "amber", "-"), ("epistemic", "teal", "--")):
            values = np.asarray(found[f"{part}_by_{cause}"])
            low, high = values.min(axis=1), values.max(axis=1)
            series.append(
                figures.Series(part, levels, values.mean(axis=1), colour, line, low=low, high=high)
            )
        if cause == "noise":
            truth = evidence["true_aleatoric"]
            series.append(figures.Series("true aleatoric", levels, truth, "quiet", ":"))
        title = f"{HEADS[head]}: by {label}"
        drawings.append(
            html.Figure(
                figures.draw_series(
                    f"leak-{head.replace('_', '-')}-{cause}",
                    series,
                    x_label=label,
                    y_label="mean doubt, nats",
                ),
                f"{title}: mean aleatoric and epistemic doubt; bands over the seeds.",
                title,
            )
        )
    said = (
        f"{HEADS[head]}: the leak is {_share(found['leak']['noise'])} under noise and "
        f"{_share(found['leak']['size'])} under lack of data; before anything is spoilt, the two "
        f"parts correlate by {np.mean(found['rank_correlation']):.2f} over the images (ranks)."
    )
    return html.Text(said), html.Figures(tuple(drawings))


def _share(value):
    return format_percent(value, 0) if np.isfinite(value) else "none"


def sweeps_section(rows, split):
    """Which endpoint of the trunk, and which preprocessing, tells most about the votes."""
    title = "Which layer, and which input"
    tables = tuple(_sweep(rows, split, setting, words) for setting, words in SWEEPS.items())
    tables = tuple(table for group in tables for table in group)
    if not tables:
        reason = "no network here was trained at several endpoints or on several inputs"
        return html.left_out("sweeps", title, reason)
    return html.Section("sweeps", title, tables)


def _sweep(rows, split, setting, words):
    """A table for each method, recipe and passes of which several values of `setting` are there."""
    other = next(name for name in SWEEPS if name != setting)
    found = {}
    for row in rows:
        usual = row[other] in (None, USUAL_ENDPOINT, USUAL_INPUT.get(row["recipe"]))
        if row["split"] == split and row[setting] is not None and usual:
            key = (METHODS[row["method"]][0], row["recipe"], row["passes"])
            found.setdefault(key, {}).setdefault(row[setting], []).append(row)
    for (method, recipe, passes), by_value in found.items():
        if len(by_value) > 1:
            yield html.Table(
                f"{method}, recipe {recipe}, {f'{passes} passes' if passes else 'dropout off'}; "
                f"{SPLIT_NAMES[split]}, means over seeds. {words}",
                (setting, *SWEPT),
                tuple(
                    (value, *(cell(same, *how) for how in SWEPT.values()))
                    for value, same in sorted(by_value.items())
                ),
            )
