"""The sweeps on the FER+ page: one setting changes, all else is the recipe's.

Values are compared on the same seeds: an average of five networks beside single ones would say more
of the seeds than of the setting.
"""

from ferplus_results import METHODS, SPLIT_NAMES, USUAL, cell, epochs_of, is_usual, protocols
from hetero_unc.reports import html

__all__ = ["sweeps_section"]

SWEEPS = {  # a setting -> what to know of it
    "endpoint": "The paper names Mixed_7a the best and prints no numbers.",
    "preprocessing": "The paper's code feeds 0 to 255 to weights trained on -1 to 1.",
    "learning_rate": "The authors swept seven rates for Baseline and four for UncNet.",
}
# What a choice may look at stands first; all else is of the test part.
CHOSEN_BY = ("cross_entropy", 4, 1)
SWEPT = {
    "accuracy, 9 classes, %": ("accuracy_9", 2, 100),
    "JS distance": ("js_distance", 4, 1),
    "cross-entropy": ("cross_entropy", 4, 1),
    "r aleatoric": ("pearson_aleatoric", 3, 1),
    "r epistemic": ("pearson_epistemic", 3, 1),
}


def sweeps_section(rows, split):
    """Which endpoint of the trunk, preprocessing and learning rate tell most about the votes."""
    title = "Which layer, which input, which rate"
    blocks = []
    for setting, words in SWEEPS.items():
        tables = tuple(_sweep(rows, split, setting, words))
        # Rates have a table for each layer, which would fill many screens.
        if len(tables) > 2:
            tables = (html.Details(f"{setting.replace('_', ' ').capitalize()}s", tables),)
        blocks += tables
    if not blocks:
        reason = "no network here was trained at several endpoints, on several inputs or rates"
        return html.left_out("sweeps", title, reason)
    text = (
        "One setting changes, all else is the recipe's. A choice among these may look at the "
        "validation part alone, which is a tenth of Training kept apart. The paper says that it "
        "tuned on PrivateTest; its notebooks also print numbers of ten checkpoints on PublicTest, "
        "which it scores."
    )
    return html.Section("sweeps", title, (html.Text(text), *blocks))


def _sweep(rows, split, setting, words):
    """A table for each method, recipe, length and passes of which several values are there.

    Learning rates are swept at each endpoint, so that an endpoint has a table of its own there.
    """
    fixed = [name for name in USUAL if name != setting]
    if setting == "learning_rate":
        fixed.remove("endpoint")
    found = {}
    for row in rows:
        if row.get(setting) is not None and all(is_usual(row, name) for name in fixed):
            at = row["endpoint"] if setting == "learning_rate" else None
            how = (row["trunk"], row["epochs"], row["precision"])
            key = (METHODS[row["method"]][0], row["recipe"], how, row["passes"], at)
            by_split = found.setdefault(key, {}).setdefault(row[setting], {})
            by_split.setdefault(row["split"], []).append(row)
    shown = set()
    for (method, recipe, how, passes, at), by_value in found.items():
        tested = _of_the_same_seeds(
            {value: parts for value, parts in sorted(by_value.items()) if split in parts}, split
        )
        if len(tested) < 2:
            continue
        table_rows = tuple(
            (
                str(value),
                epochs_of(parts[split]),
                cell(parts.get("validation", []), *CHOSEN_BY),
                *(cell(parts[split], *how) for how in SWEPT.values()),
            )
            for value, parts in tested.items()
        )
        # Baseline is UncNet with dropout off, whose numbers need not stand there twice.
        if (recipe, how, passes, at, table_rows) in shown:
            continue
        shown.add((recipe, how, passes, at, table_rows))
        trunk = how[0]
        first = next(iter(tested.values()))[split][0]
        yield html.Table(
            f"{method}, recipe {recipe}, {f'{passes} passes' if passes else 'dropout off'}"
            f"{f', trunk {trunk}' if trunk not in (None, 'random') else ''}"
            f"{f', {at}' if at else ''}. {protocols(first, SPLIT_NAMES[split])} Means over "
            f"seeds ± standard deviation; of one seed with [95 % interval]. {words}",
            (setting.replace("_", " "), "epochs", "validation cross-entropy", *SWEPT),
            table_rows,
        )


def _of_the_same_seeds(by_value, split):
    """The rows of those seeds alone that every value has."""
    seeds = [{row["seed"] for row in parts[split]} for parts in by_value.values()]
    common = set.intersection(*seeds) if seeds else set()
    if not common:
        return {}
    return {
        value: {
            part: [row for row in rows if row["seed"] in common] for part, rows in parts.items()
        }
        for value, parts in by_value.items()
    }
