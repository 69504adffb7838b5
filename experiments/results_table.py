"""The results tables of the pages, from the committed rows: a mean and a spread over seeds each.

python experiments/results_table.py            prints them
python experiments/results_table.py --take runs/ferplus/results.json
                                               makes the committed rows of FER+ anew from a run's
python experiments/results_table.py --write    puts them into README.md and docs/results.md
"""

import argparse
import collections.abc
import dataclasses
import json
import pathlib
import statistics

ROOT = pathlib.Path(__file__).parents[1]
PAGES = (ROOT / "README.md", ROOT / "docs" / "results.md")


@dataclasses.dataclass(frozen=True)
class ResultsTable:
    """What one table shows of its rows.

    `group` names what the rows of one line share, shown first but for `hidden`; `columns` are
    heading -> (key, factor, decimals), and the part of the data where it is not `split`; `chosen`
    says of a row whether it is shown; `order` gives, for keys of `group`, which values come first.
    """

    name: str
    group: dict
    columns: dict
    hidden: tuple = ()
    split: str | None = None
    chosen: collections.abc.Callable = lambda row: True
    order: dict = dataclasses.field(default_factory=dict)
    file: str | None = None

    @property
    def marks(self):
        command = "python experiments/results_table.py --write"
        return f"<!-- {self.name} results: {command} -->", f"<!-- end of {self.name} results -->"

    @property
    def path(self):
        return ROOT / "experiments" / "results" / f"{self.file or self.name}.json"

    def markdown(self):
        """A Markdown table, one line a group of rows that differ in their seeds alone."""
        groups = {}
        rows = json.loads(self.path.read_text(encoding="utf-8"))
        for row in sorted(filter(self.chosen, rows), key=self._place):
            key = tuple(row.get(name) for name in (*self.group.values(), *self.hidden))
            groups.setdefault(key, {}).setdefault(row.get("split"), []).append(row)
        headings = [*self.group, "seeds", *self.columns]
        lines = [f"| {' | '.join(headings)} |", f"| {' | '.join(['---'] * len(headings))} |"]
        for key, parts in groups.items():
            if self.split not in parts:
                continue
            cells = [_shown(name, value) for name, value in zip(self.group, key, strict=False)]
            cells.append(_seeds(parts[self.split]))
            for name, factor, decimals, *split in self.columns.values():
                group = parts.get(split[0] if split else self.split, [])
                cells.append(spread(group, name, factor, decimals))
            lines.append(f"| {' | '.join(cells)} |")
        return "\n".join(lines)

    def _place(self, row):
        return [values.index(row[name]) for name, values in self.order.items()]

    def put_into(self, text):
        """`text` with what stands between the marks replaced, where it has them."""
        if self.marks[0] not in text:
            return text
        before, rest = text.split(self.marks[0], 1)
        _, after = rest.split(self.marks[1], 1)
        return f"{before}{self.marks[0]}\n{self.markdown()}\n{self.marks[1]}{after}"


# Recipes and methods of FER+ as the pages have them, and where the paper's networks stand.
FERPLUS_ORDER = {
    "recipe": ("end_to_end", "compact_features", "published", "corrected"),
    "method": (
        "compact_votes", "compact_votes_average", "compact_balanced", "compact_hard_labels",
        "baseline", "uncnet", "uncnet_average", "aleatoric", "both", "uncnet_input_dropout",
        "gaussian_marginal", "gaussian_votes",
    ),
    "epochs": range(10_000, -1, -1),
    "passes": range(10_000),
}  # fmt: skip
FERPLUS_GROUP = {"method": "method", "recipe": "recipe", "epochs": "epochs", "passes": "passes"}
FERPLUS_HIDDEN = ("precision", "endpoint", "preprocessing", "trunk")
FERPLUS_COLUMNS = {
    "r, aleatoric": ("pearson_aleatoric", 1, 3),
    "r, predicted": ("pearson_predicted_disagreement", 1, 3),
    "r, epistemic": ("pearson_epistemic", 1, 3),
    "JS distance": ("js_distance", 1, 3),
    "accuracy 9, %": ("accuracy_9", 100, 1),
    "accuracy 8, %": ("accuracy_8", 100, 1),
    "gain at 25 %, by total": ("reject_gain_25", 100, 1),
    "by confidence": ("reject_gain_25_least_confidence", 100, 1),
    "ECE, votes": ("ece_votes", 1, 3),
    "vote log loss": ("vote_log_loss", 1, 2),
}
# Methods that are about dropout passes; README shows the others without.
BY_PASSES = ("uncnet", "uncnet_average", "both", "uncnet_input_dropout")
ENDPOINTS = ("Mixed_5a", "Mixed_6a", "Mixed_6b", "Mixed_7a", "Mixed_8a", "Mixed_8b")
LEARNING_RATES = (5e-6, 1e-5, 5e-5, 1e-4, 1e-3, 1e-2, 1e-1)
SWEPT_COLUMNS = {
    "cross-entropy, validation": ("cross_entropy", 1, 4, "validation"),
    "cross-entropy": ("cross_entropy", 1, 4),
    "accuracy 9, %": ("accuracy_9", 100, 1),
    "JS distance": ("js_distance", 1, 3),
    "r, aleatoric": ("pearson_aleatoric", 1, 3),
    "r, epistemic": ("pearson_epistemic", 1, 3),
}
USUAL = {"endpoint": "Mixed_7a", "preprocessing": "standardised", "learning_rate": 1e-4}


def changed(row):
    """Which settings of a corrected row are not the recipe's: what a sweep changed."""
    if row.get("recipe") != "corrected":
        return []
    return [name for name, usual in USUAL.items() if row[name] not in (None, usual)]


def stands_in_a_sweep(row):
    """Whether a row is of the network that the sweeps change a setting of, as it predicts."""
    swept = (row["method"], row["recipe"], row["seed"]) == ("uncnet", "corrected", 0)
    return swept and row["passes"] > 0


def stands_in_the_sweep_of_inputs(row):
    return stands_in_a_sweep(row) and "learning_rate" not in changed(row)


def stands_in_the_sweep_of_rates(row):
    return stands_in_a_sweep(row) and "preprocessing" not in changed(row)


TABLES = (
    ResultsTable(
        name="mnist",
        group={
            "recipe": "recipe", "method": "method", "estimator": "estimator", "passes": "passes",
            "epochs": "epochs",
        },
        hidden=("precision",),
        columns={
            "accuracy, %": ("accuracy", 100, 2),
            "log loss": ("nll", 1, 4),
            "ECE": ("ece", 1, 4),
            "AUROC, other images": ("auroc_ood", 1, 3),
            "mean scale": ("mean_scale", 1, 4),
        },
    ),
    ResultsTable(
        name="ferplus",
        group=FERPLUS_GROUP,
        hidden=FERPLUS_HIDDEN,
        split="publictest",
        chosen=lambda row: not changed(row) and (row["passes"] > 0) == (row["method"] in BY_PASSES),
        order=FERPLUS_ORDER,
        columns=FERPLUS_COLUMNS,
    ),
    ResultsTable(
        name="ferplus_all",
        file="ferplus",
        group=FERPLUS_GROUP,
        hidden=FERPLUS_HIDDEN,
        split="publictest",
        chosen=lambda row: not changed(row),
        order=FERPLUS_ORDER,
        columns=FERPLUS_COLUMNS,
    ),
    ResultsTable(
        name="ferplus_sweeps",
        file="ferplus",
        group={"endpoint": "endpoint", "preprocessing": "preprocessing"},
        hidden=("trunk",),
        split="publictest",
        chosen=stands_in_the_sweep_of_inputs,
        order={
            "preprocessing": (
                "standardised", "standardised_bicubic", "standardised_nearest",
                "published_bicubic", "published_nearest",
            ),
            "endpoint": ENDPOINTS,
        },
        columns=SWEPT_COLUMNS,
    ),
    ResultsTable(
        name="ferplus_rates",
        file="ferplus",
        group={"endpoint": "endpoint", "rate": "learning_rate", "best epoch": "chosen_epoch"},
        hidden=("trunk",),
        split="publictest",
        chosen=stands_in_the_sweep_of_rates,
        order={"endpoint": ENDPOINTS, "learning_rate": LEARNING_RATES},
        columns=SWEPT_COLUMNS,
    ),
)  # fmt: skip


# Of the 180 entries of a row of FER+, those that a page of this repository speaks of.
IDENTITY = (
    "method", "recipe", "dataset", "seed", "endpoint", "preprocessing", "trunk", "precision",
    "epochs", "learning_rate", "members", "protocol", "chosen_epoch", "training_images", "left_out",
    "seconds", "machine", "split", "passes", "n", "n_8", "recall_8",
)  # fmt: skip
MEASURED = (
    "accuracy_8", "accuracy_8_without_twins", "accuracy_9", "cross_entropy", "js_distance",
    "js_divergence", "js_floor", "pearson_aleatoric", "spearman_aleatoric", "pearson_epistemic",
    "pearson_total",
    "pearson_predicted_disagreement", "partial_epistemic_given_aleatoric", "noise_ceiling",
    "noise_ceiling_moments",
    "brier_total", "brier_null_total", "brier_excess_total", "reject_gain_25",
    "reject_gain_25_least_confidence", "ece_votes", "ece_majority", "vote_log_loss", "mean_scale",
)  # fmt: skip


def committed_rows(rows):
    """Rows of a run of FER+ as JSON, a line each: what is spoken of, to five digits.

    Of the sweeps, the network that a setting was changed of, as it predicts, without intervals.
    Without passes it is Baseline, and stands in `results.json` alone.
    """
    lines = []
    for row in rows:
        if changed(row) and not stands_in_a_sweep(row):
            continue
        kept = {name: _rounded(row.get(name)) for name in (*IDENTITY, *MEASURED)}
        intervals = {} if changed(row) else row.get("intervals", {})
        kept["intervals"] = {
            name: _rounded(intervals[name]) for name in MEASURED if name in intervals
        }
        lines.append(json.dumps(kept, allow_nan=False, separators=(",", ":")))
    return "[\n" + ",\n".join(lines) + "\n]\n"


def _rounded(value):
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list) else value


def _seeds(rows):
    """How many networks stand in a line, or how many one forecast is the average of."""
    members = rows[0].get("members") or 1
    return str(len(rows)) if members == 1 else f"average of {members}"


def _shown(name, value):
    if name == "passes":
        return str(value or "none")
    return f"{value:.3g}" if isinstance(value, (int, float)) else str(value)


def spread(group, name, factor, decimals):
    """Mean and standard deviation over seeds; the value alone where there is one seed."""
    values = [factor * row[name] for row in group if row.get(name) is not None]
    if not values:
        return "–"
    mean = f"{statistics.fmean(values):.{decimals}f}"
    return mean if len(values) == 1 else f"{mean} ± {statistics.stdev(values):.{decimals}f}"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="update the pages in place")
    parser.add_argument("--take", type=pathlib.Path, help="results.json of a run of FER+")
    options = parser.parse_args()
    if options.take:
        rows = json.loads(options.take.read_text(encoding="utf-8"))
        (ROOT / "experiments" / "results" / "ferplus.json").write_text(
            committed_rows(rows), encoding="utf-8"
        )
    if options.write:
        for page in PAGES:
            text = page.read_text(encoding="utf-8")
            for table in TABLES:
                text = table.put_into(text)
            page.write_text(text, encoding="utf-8")
    else:
        print("\n\n".join(table.markdown() for table in TABLES))


if __name__ == "__main__":
    main()
