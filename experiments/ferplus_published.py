"""The second seed's numbers beside ours: one row a number, one column a recipe.

Published: arXiv 1909.09285, and, marked "notebook", what the authors' analysis notebook printed
(asmadotgh/unc-net, commit ef22af8). All on PublicTest, nine classes, 3,579 images.
"""

import dataclasses
import functools

from ferplus_doubts import PARTS
from ferplus_results import SPLIT_NAMES, cell, protocols
from hetero_unc.reports import html

__all__ = ["COLUMNS", "NUMBERS", "Number", "number_of", "published_section"]

# Heading -> recipe, and which method stands in for UncNet. Ours have no baseline of their own.
COLUMNS = {
    "their recipe here": ("published", "uncnet"),
    "corrected": ("corrected", "uncnet"),
    "corrected, average of equals": ("corrected", "uncnet_average"),
    "ours, from pixels": ("end_to_end", "compact_votes"),
    "ours, average of equals": ("end_to_end", "compact_votes_average"),
}
NOT_PRINTED = ("–", "–", "–")
MAIN_COLUMNS = ("their recipe here", "corrected", "ours, from pixels")


@dataclasses.dataclass(frozen=True)
class Number:
    """A published number: where it stands, what it is, its value, and where ours is.

    `method` and `key` name the row of results and its entry; `factor` and `decimals` say how it is
    written. `passes` is whether dropout is on; `split` the part of the data.
    """

    place: str
    words: str
    published: str
    method: str
    key: str
    passes: bool = True
    decimals: int = 3
    factor: float = 1.0
    split: str = "publictest"


PERCENT = {"decimals": 1, "factor": 100.0}
_dropout_off = functools.partial(Number, passes=False)


def _of_parts(place, words, published, key, **how):
    """A number of UncNet for each part of its doubt, whose name goes into `words` and `key`."""
    return (
        Number(place, words.format(part), value, "uncnet", key.format(part), **how)
        for part, value in zip(PARTS, published, strict=True)
    )


KEPT = "of UncNet's 75 % by {}"
NUMBERS = (
    *_of_parts("4.1, notebook", "r({}, disagreement)", (".301", "−.027", ".299"), "pearson_{}"),
    *_of_parts("ours", "r({}, d), calibrated null", NOT_PRINTED, "pearson_{}_null"),
    Number("ours", "r(predicted d, d)", "–", "uncnet", "pearson_predicted_disagreement"),
    *_of_parts(
        "notebook", "r({}, label entropy)", (".298", "−.026", ".296"), "pearson_entropy_{}"
    ),
    _dropout_off("4.4", "JS distance, Baseline", ".473", "baseline", "js_distance"),
    _dropout_off("4.4", "its standard deviation", ".131", "baseline", "js_distance_sd"),
    Number("4.4", "JS distance, UncNet", ".461", "uncnet", "js_distance"),
    Number("4.4", "its standard deviation", ".140", "uncnet", "js_distance_sd"),
    Number("ours", "JS distance of votes redrawn from UncNet", "–", "uncnet", "js_floor"),
    _dropout_off("from 4.4", "JS divergence, Baseline", ".241", "baseline", "js_divergence"),
    Number("from 4.4", "JS divergence, UncNet", ".232", "uncnet", "js_divergence"),
    *_of_parts("4.4", "r({}, JS distance)", (".583", ".100", ".591"), "pearson_js_{}"),
    *_of_parts("ours", "r({}, JS distance), calibrated null", NOT_PRINTED, "pearson_js_{}_null"),
    *_of_parts("ours", "r({}, JS divergence)", NOT_PRINTED, "pearson_js_divergence_{}"),
    *_of_parts("4.3", "r(percentile of {}, Brier)", (".880", ".710", ".884"), "brier_{}"),
    *_of_parts("ours", "r(percentile of {}, Brier), null", NOT_PRINTED, "brier_null_{}"),
    *_of_parts("ours", "r(percentile of {}, excess)", NOT_PRINTED, "brier_excess_{}"),
    _dropout_off("notebook", "accuracy, Baseline, %", "54.8", "baseline", "accuracy_9", **PERCENT),
    Number("notebook", "accuracy, UncNet, %", "56.9", "uncnet", "accuracy_9", **PERCENT),
    _dropout_off("ours", "the same, dropout off, %", "–", "uncnet", "accuracy_9", **PERCENT),
    _dropout_off("ours", "JS distance, UncNet, dropout off", "–", "uncnet", "js_distance"),
    *(
        Number(
            "notebook",
            f"accuracy on PrivateTest, {words}, %",
            value,
            method,
            "accuracy_9",
            passes=method == "uncnet",
            split="privatetest",
            **PERCENT,
        )
        for method, words, value in (("baseline", "Baseline", "54.9"), ("uncnet", "UncNet", "56.3"))
    ),
    *_of_parts(
        "notebook", f"accuracy {KEPT}, %", ("62.5", "57.5", "62.3"), "accuracy_kept_{}", **PERCENT
    ),
    *_of_parts("notebook", f"JS distance {KEPT}", (".437", ".456", ".436"), "js_distance_kept_{}"),
    Number(
        "4.4", "gain by rejecting 25 %, same model, points", "5.5", "uncnet", "reject_gain_25",
        **PERCENT,
    ),
    _dropout_off("notebook", "cross-entropy, Baseline, nats", "1.493", "baseline", "cross_entropy"),
    Number("notebook", "cross-entropy, UncNet, nats", "1.514*", "uncnet", "cross_entropy"),
)  # fmt: skip


def published_section(rows, split, tests=()):
    """The table of `NUMBERS`, with the means over seeds of each recipe, and the paired tests.

    Parameters
    ----------
    rows : sequence of dict
        Rows of results.
    split : str
        The one that most numbers are of; at least one row is.
    tests : sequence of (str, PairedTest)
        JS distances of two forecasts of the same images, and which.
    """
    there = {(row["recipe"], row["method"]) for row in rows if row["split"] == split}
    columns = {heading: column for heading, column in COLUMNS.items() if column in there}
    missing = [heading for heading in MAIN_COLUMNS if heading not in columns]
    first = next(row for row in rows if row["split"] == split)
    table = html.Table(
        f"{protocols(first, SPLIT_NAMES[split])} Means over seeds ± standard deviation; of one "
        "seed with [95 % interval], where it is not of percentiles or a null. The paper prints no "
        "intervals. Its accuracies are from the "
        "authors' notebook. * The mean of single passes, not of their average forecast.",
        ("number", "published", *columns, "where it stands"),
        tuple(
            (
                number.words,
                number.published,
                *(number_of(rows, number, column) for column in columns.values()),
                number.place,
            )
            for number in NUMBERS
        ),
        text_columns=(0, 2 + len(columns)),
    )
    theirs = [row for row in rows if row["recipe"] in ("published", "corrected")]
    trunks = sorted({row.get("trunk") for row in theirs} - {None})
    trunk = f" The trunk of the paper's networks here: {', '.join(trunks)}." if trunks else ""
    blocks = [html.Text(ABOUT_RECIPES + trunk), html.Text(ABOUT_BRIER)]
    if missing:
        blocks.append(html.Text(f"Not in this folder: {', '.join(missing)}.", quiet=True))
    blocks.append(table)
    if tests:
        blocks.append(_tests_table(tests))
    return html.Section("paper", "The paper's numbers beside ours", tuple(blocks))


ABOUT_RECIPES = (
    "“Their recipe here” is trained as the paper says, on a trunk whose weights are not the "
    "paper's: the pre-trained face recognition weights are not part of this reproduction, so "
    "absolute values may differ for that reason alone. “Corrected” trains both networks alike, "
    "lets validation choose, and compares the same weights with dropout off and on."
)
ABOUT_BRIER = (
    "Read the correlations with Brier beside their null: with labels drawn from the forecast "
    "itself, which is perfect calibration, the Brier score rises with the percentile just the "
    "same. Only the excess over that null is about calibration."
)


def number_of(rows, number, column, ending=""):
    """A `Number` in one column, as text; "–" if it is not there.

    `ending` is that of a variant of the number, as `_without_twins`.
    """
    recipe, uncnet = column
    method = uncnet if number.method == "uncnet" else number.method
    if recipe == "corrected" and number.method == "baseline" and uncnet != "uncnet":
        # With dropout off the average of UncNets is that of Baselines.
        method = uncnet
    found = [
        row
        for row in rows
        if (row["recipe"], row["method"], row["split"]) == (recipe, method, number.split)
        and (row["passes"] > 0) == number.passes
    ]
    if not found:
        return "–"
    return cell(found, f"{number.key}{ending}", number.decimals, number.factor)


# Difference, mean, t, degrees of freedom, p, effect size: t over the root of the number of images.
PUBLISHED_TESTS = (
    ("paper: Baseline − UncNet, all images", "0.012", "9.335", "3,578", "≪ .001", ".156"),
    ("notebook: of the 75 % by aleatoric", "0.015", "11.047", "2,683", "≪ .001", ".213"),
    ("notebook: of the 75 % by epistemic", "0.010", "8.139", "2,683", "≪ .001", ".157"),
    ("notebook: of the 75 % by total", "0.016", "11.412", "2,683", "≪ .001", ".220"),
)


def _tests_table(tests):
    rows = [
        *PUBLISHED_TESTS,
        *(
            (
                words,
                f"{test.mean_difference:.4f}",
                f"{test.t:.3f}",
                f"{test.degrees_of_freedom:,}",
                f"{test.p_value:.2g}",
                f"{test.effect_size:.3f}",
            )
            for words, test in tests
        ),
    ]
    return html.Table(
        "Paired t-tests of the Jensen-Shannon distances, image by image, identical ones averaged "
        "first, of the first seed; the divergence where it is named. With thousands of images "
        "any difference is significant; the effect size d_z says how large it is.",
        ("difference", "mean", "t", "degrees of freedom", "p", "d_z"),
        tuple(rows),
        marked=tuple(range(len(PUBLISHED_TESTS))),
    )
