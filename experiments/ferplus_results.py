"""The results of all FER+ runs as tables, and which of them a page shows."""

from hetero_unc.data import CLASSES_8
from hetero_unc.formats import format_spread
from hetero_unc.reports import html

__all__ = [
    "METHODS",
    "SPLIT_NAMES",
    "USUAL",
    "cell",
    "epochs_of",
    "in_order",
    "is_usual",
    "longest",
    "main_rows",
    "method_name",
    "protocols",
    "results_section",
    "rows_of_paper",
    "shown_rows",
]

METHODS = {  # name in results.json -> name on the page, colour, line, marker
    "compact_votes": ("Ours, on votes", "teal", "-.", "D"),
    "compact_votes_average": ("Ours, average of equals", "teal", "-", "D"),
    "compact_hard_labels": ("Ours, on single labels", "rose", ":", "v"),
    "compact_balanced": ("Ours, classes balanced", "ink", ":", "P"),
    "uncnet": ("UncNet", "blue", "-", "o"),
    "uncnet_average": ("UncNet, average of equals", "blue", ":", "o"),
    "baseline": ("Baseline", "amber", "--", "s"),
    "aleatoric": ("Aleatoric head", "rose", ":", "v"),
    "both": ("Aleatoric head with passes", "ink", ":", "P"),
    "uncnet_input_dropout": ("UncNet, input dropout", "teal", ":", "X"),
    "gaussian_marginal": ("Gaussian head, marginal likelihood", "quiet", "--", "<"),
    "gaussian_votes": ("Gaussian head, vote likelihood", "quiet", "-", ">"),
}
RECIPES = {
    "published": "published",
    "corrected": "corrected",
    "end_to_end": "from pixels",
    "compact_features": "on our features",
}
# What each recipe reads from the images, and where; rows of other settings are sweeps.
USUAL_ENDPOINT = "Mixed_7a"
USUAL_INPUT = {"corrected": "standardised", "published": "published_nearest"}
USUAL = {
    "endpoint": dict.fromkeys(USUAL_INPUT, USUAL_ENDPOINT),
    "preprocessing": USUAL_INPUT,
    # The published recipe has a rate for each method, and no sweep.
    "learning_rate": {"corrected": 1e-4},
}
SPLIT_NAMES = {
    "publictest": "PublicTest",
    "privatetest": "PrivateTest",
    "validation": "a tenth of Training",
}
COLUMNS = {  # heading -> key, decimals, factor
    "accuracy, 8 classes, %": ("accuracy_8", 1, 100),
    "accuracy, 9 classes, %": ("accuracy_9", 1, 100),
    "JS distance": ("js_distance", 3, 1),
    "JS floor": ("js_floor", 3, 1),
    "r aleatoric": ("pearson_aleatoric", 3, 1),
    "r predicted d": ("pearson_predicted_disagreement", 3, 1),
    "r epistemic": ("pearson_epistemic", 3, 1),
    "ceiling": ("noise_ceiling", 3, 1),
    "gain at 25 %, points": ("reject_gain_25", 1, 100),
    "ECE, votes": ("ece_votes", 3, 1),
    "ECE, null": ("ece_votes_null", 3, 1),
    "cross-entropy": ("cross_entropy", 3, 1),
    "seconds": ("seconds", 0, 1),
}
OTHER_ACCURACIES = {
    "9 classes, first maximum, %": ("accuracy_9", 1, 100),
    "fractional, %": ("accuracy_9_fractional", 1, 100),
    "any of the most, %": ("accuracy_9_any_maximum", 1, 100),
    "strict majority, %": ("accuracy_9_strict_majority", 1, 100),
    "balanced, 9, %": ("balanced_accuracy_9", 1, 100),
    "8 classes, %": ("accuracy_8", 1, 100),
    "balanced, 8, %": ("balanced_accuracy_8", 1, 100),
}
RECALLS = {f"{name}, %": (("recall_8", name), 1, 100) for name in CLASSES_8}


def method_name(row):
    """A row's method and recipe in words."""
    return f"{METHODS[row['method']][0]} ({RECIPES.get(row['recipe'], row['recipe'])})"


def main_rows(rows):
    """All rows but those of sweeps over endpoints, inputs and learning rates.

    Of the paper's networks, those on trained trunk weights where there are any.
    """
    usual = [row for row in rows if all(is_usual(row, setting) for setting in USUAL)]
    of_paper = [row["trunk"] for row in usual if row["recipe"] in USUAL_INPUT]
    trunk = next((name for name in of_paper if name not in (None, "random")), "random")
    return [
        row for row in usual if row["recipe"] not in USUAL_INPUT or row["trunk"] in (None, trunk)
    ]


def is_usual(row, setting):
    """Whether a row has the value of its recipe in a setting that is swept over."""
    if row["recipe"] not in USUAL_INPUT:
        return True
    return row.get(setting) in (None, USUAL[setting].get(row["recipe"], row.get(setting)))


def longest(rows):
    """Of each method and recipe, the rows of the longest training."""
    most = {}
    for row in rows:
        key = (row["method"], row["recipe"])
        most[key] = max(most.get(key, 0), row["epochs"] or 0)
    return [row for row in rows if (row["epochs"] or 0) == most[row["method"], row["recipe"]]]


def shown_rows(rows, split):
    """The rows that a page draws: ours from pixels, and UncNet and Baseline of one recipe.

    The corrected recipe is taken before the published one; each with dropout passes where there
    are, but Baseline without; of several seeds the first. Without any of these, the first method.
    """
    here = [row for row in rows if row["split"] == split]
    ours = _one(here, "end_to_end", "compact_votes", True)
    chosen = [] if ours is None else [ours]
    chosen += rows_of_paper(here, split, "corrected") or rows_of_paper(here, split, "published")
    return chosen or in_order(here)[:1]


def rows_of_paper(rows, split, recipe):
    """UncNet with dropout passes and Baseline without, by one recipe; none where UncNet is not."""
    here = [row for row in rows if row["split"] == split]
    uncnet = _one(here, recipe, "uncnet", True)
    baseline = _one(here, recipe, "baseline", False)
    return [] if uncnet is None else [row for row in (uncnet, baseline) if row is not None]


def _one(rows, recipe, method, passes):
    """The row of the first seed, with most passes or with none; None if the method is not there."""
    found = [row for row in rows if (row["recipe"], row["method"]) == (recipe, method)]
    found.sort(key=lambda row: (row["seed"], -row["passes"] if passes else row["passes"]))
    return found[0] if found else None


def in_order(rows):
    """Rows by recipe and method as the page has them, then by epochs, passes and seed."""
    return sorted(rows, key=_order)


def _order(row):
    return (
        list(RECIPES).index(row["recipe"]) if row["recipe"] in RECIPES else len(RECIPES),
        list(METHODS).index(row["method"]),
        -(row["epochs"] or 0),
        row["passes"],
        row["seed"],
    )


def results_section(rows):
    """One table for each split: every method and recipe, means over seeds."""
    blocks = [
        html.Text(
            "Disagreement, distances, calibration and rejection: the paper's nine columns. "
            "Accuracy on eight classes: FERPlus' majority protocol, which drops images without a "
            "majority, so its images are fewer. A number of one network stands with its 95 % "
            "interval, by images, identical ones together; that of several seeds with their "
            "standard deviation. JS floor: the distance of votes redrawn from the "
            "network's own forecast. r: Pearson with disagreement; its ceiling is the votes' own "
            "noise. Gain: accuracy gained by refusing the quarter with most total doubt, same "
            "network. ECE, null: that of votes redrawn from the forecast."
        )
    ]
    for split, words in SPLIT_NAMES.items():
        here = [row for row in rows if row["split"] == split]
        if here:
            table = _table(here, words, COLUMNS)
            if split == "validation":
                blocks.append(html.Details(words, (table,)))
                continue
            others = _table(here, words, OTHER_ACCURACIES, _agreement(here))
            recalls = _table(here, words, RECALLS, "Recall of each class under the same protocol.")
            blocks.append(table)
            blocks.append(html.Details(f"Accuracy otherwise counted, {words}", (others, recalls)))
    return html.Section("results", "All networks", tuple(blocks))


def _agreement(rows):
    return (
        "Fractional: a tie of m classes earns 1/m; strict: only images where one class has more "
        "than half of the votes. One annotator against the majority of the others: "
        f"{100 * rows[0]['annotator_agreement']:.1f} %."
    )


def _table(rows, words, columns, remark=""):
    groups = {}
    for row in in_order(rows):
        key = (row["epochs"], row["passes"], row.get("members", 1))
        groups.setdefault((method_name(row), row.get("trunk"), *key), []).append(row)
    trunks = {}
    for name, trunk, *_ in groups:
        trunks.setdefault(name, set()).add(trunk)
    return html.Table(
        f"{protocols(rows[0], words)} Means over seeds ± standard deviation; of one seed with "
        f"[95 % interval]. {remark}",
        ("network", "epochs", "passes", "networks", *columns),
        tuple(
            (
                f"{name}, {trunk}" if len(trunks[name]) > 1 else name,
                epochs_of(same),
                str(passes or "none"),
                f"average of {members}" if members > 1 else str(len({row["seed"] for row in same})),
                *(cell(same, *how) for how in columns.values()),
            )
            for (name, trunk, _, passes, members), same in groups.items()
        ),
    )


def epochs_of(rows):
    """Trained, or where the validation part chose, the chosen ones and how many were allowed."""
    allowed = str(rows[0]["epochs"] or "–")
    chosen = sorted({row.get("chosen_epoch") or row["epochs"] for row in rows} - {None})
    if not chosen or chosen == [rows[0]["epochs"]]:
        return allowed
    ends = f"{chosen[0]} to {chosen[-1]}" if len(chosen) > 1 else f"{chosen[0]}"
    return f"{ends} of {allowed}"


def protocols(row, words):
    """The part of the data, how many images of it, and by which protocols, as a sentence."""
    eight = f", {row['n_8']:,} on eight (ferplus_majority)" if row.get("n_8") else ""
    return f"{words}: {row['n']:,} images on nine classes ({row['protocol']}){eight}."


def cell(rows, key, decimals, factor):
    """An entry of one row with its interval, or its mean ± standard deviation over rows, as text.

    Of `recall_8` one class, where `key` is a pair.
    """
    values = [
        row.get("recall_8", {}).get(key[1]) if isinstance(key, tuple) else row.get(key)
        for row in rows
    ]
    text = format_spread([None if one is None else factor * one for one in values], decimals)
    ends = rows[0].get("intervals", {}).get(key) if len(rows) == 1 else None
    if ends is None:
        return text
    low, high = (f"{factor * end:.{decimals}f}" for end in ends)
    return f"{text} [{low}, {high}]"
