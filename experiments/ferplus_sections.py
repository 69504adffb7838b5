"""The smaller sections of the FER+ page: one question each, asked of rows or of one run."""

import numpy as np
from scipy import stats

from ferplus_measures import vote_log_loss
from ferplus_results import METHODS, SPLIT_NAMES
from hetero_unc import metrics
from hetero_unc.data.image_proxies import image_proxies
from hetero_unc.reports import figures, html
from hetero_unc.reports.formats import format_percent, format_spread

__all__ = [
    "heads_section",
    "layers_section",
    "leak_section",
    "proxies_section",
    "truth_section",
    "twins_section",
]

RESAMPLES = 1000
ENDPOINTS = ("Mixed_5a", "Mixed_6a", "Mixed_6b", "Mixed_7a", "Mixed_8a", "Mixed_8b")


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
                    _mean(same, f"{key}{end}", factor, decimals)
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
        losses[METHODS[row["method"]][0]] = (row, vote_log_loss(predictive, kept.votes), kept.votes)
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
        The fields of `hetero_unc.metrics.LeakTest`, as lists.
    """
    test = metrics.LeakTest(**{name: np.asarray(value) for name, value in evidence.items()})
    drawings, said = [], []
    for cause, levels, label in (
        ("noise", test.noise_rates, "share of the training labels replaced"),
        ("size", test.sizes, "training images"),
    ):
        series = []
        for part, colour, line in (("aleatoric", "amber", "-"), ("epistemic", "teal", "--")):
            values = getattr(test, f"{part}_by_{cause}")
            series.append(
                figures.Series(
                    part,
                    levels,
                    values.mean(axis=1),
                    colour,
                    line,
                    low=values.min(axis=1),
                    high=values.max(axis=1),
                )
            )
            change = test.change(part, cause)
            said.append(f"{part} doubt by {change.estimate:+.3f} nats under {cause}")
        drawings.append(
            html.Figure(
                figures.draw_series(
                    f"leak-{cause}", series, x_label=label, y_label="mean doubt, nats"
                ),
                f"Mean aleatoric and epistemic doubt by {label}; bands from the least to the most "
                "of the seeds.",
                f"By {label}",
            )
        )
    text = (
        "The same network, trained on noisier labels and on fewer images. Noise should move "
        "aleatoric doubt alone, lack of data epistemic doubt alone. From the first level to the "
        f"last: {'; '.join(said)}. The wrong part makes {_share(test.leak('noise'))} of the "
        f"movement under noise and {_share(test.leak('size'))} of that under size; at 50 % the "
        "split says nothing of the cause."
    )
    return html.Section(
        "leak", "Does the split leak?", (html.Text(text), html.Figures(tuple(drawings)))
    )


def _share(value):
    return format_percent(value, 0) if np.isfinite(value) else "none"


def layers_section(rows, split):
    """Which endpoint of the trunk tells most about the votes."""
    title = "Which layer to read"
    swept = [row for row in rows if row["split"] == split and row["endpoint"] in ENDPOINTS]
    found = {}
    for row in swept:
        key = (METHODS[row["method"]][0], row["recipe"], row["passes"])
        found.setdefault(key, {}).setdefault(row["endpoint"], []).append(row)
    found = {key: by_endpoint for key, by_endpoint in found.items() if len(by_endpoint) > 1}
    if not found:
        return html.left_out("layers", title, "no network here was trained at several endpoints")
    tables = tuple(
        html.Table(
            f"{method}, recipe {recipe}, {f'{passes} passes' if passes else 'dropout off'}; "
            f"{SPLIT_NAMES[split]}, means over seeds. The paper names Mixed_7a the best and "
            "prints no numbers.",
            ("endpoint", "accuracy, 9 classes, %", "JS distance", "cross-entropy", "r aleatoric"),
            tuple(
                (
                    endpoint,
                    _mean(by_endpoint[endpoint], "accuracy_9", 100, 2),
                    _mean(by_endpoint[endpoint], "js_distance", 1, 4),
                    _mean(by_endpoint[endpoint], "cross_entropy", 1, 4),
                    _mean(by_endpoint[endpoint], "pearson_aleatoric", 1, 3),
                )
                for endpoint in ENDPOINTS
                if endpoint in by_endpoint
            ),
        )
        for (method, recipe, passes), by_endpoint in found.items()
    )
    return html.Section("layers", title, tables)


def _mean(rows, key, factor, decimals):
    return format_spread(
        [None if row.get(key) is None else factor * row[key] for row in rows], decimals
    )
