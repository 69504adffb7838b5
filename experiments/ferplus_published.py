"""The second seed's numbers beside ours: one row a number, one column a recipe.

Published: arXiv 1909.09285, and, marked "notebook", what the authors' analysis notebook printed
(asmadotgh/unc-net, commit ef22af8). All on PublicTest, nine classes, 3,579 images.
"""

import dataclasses

import numpy as np

from ferplus_results import SPLIT_NAMES
from hetero_unc.reports import html
from hetero_unc.reports.formats import format_spread

__all__ = ["NUMBERS", "RECIPES", "Number", "published_section"]

RECIPES = {
    "published": "their recipe here",
    "corrected": "corrected",
    "end_to_end": "ours, from pixels",
}
# Which method stands in for the paper's two in the last column; it has no baseline of its own.
STANDS_FOR = {("end_to_end", "uncnet"): "compact_votes"}


@dataclasses.dataclass(frozen=True)
class Number:
    """A published number: where it stands, what it is, its value, and where ours is.

    `method` and `key` name the row of results and its entry; `factor` and `decimals` say how it is
    written. `passes` is whether dropout is on.
    """

    place: str
    words: str
    published: str
    method: str
    key: str
    passes: bool = True
    decimals: int = 3
    factor: float = 1.0


def _distance_kept(part, published):
    words = f"JS distance of 75 % by {part} doubt, UncNet"
    return Number("notebook", words, published, "uncnet", f"js_distance_kept_{part}")


def _kept(part, published):
    return Number(
        "notebook",
        f"accuracy of 75 % by {part} doubt, UncNet, %",
        published,
        "uncnet",
        f"accuracy_kept_{part}",
        decimals=1,
        factor=100.0,
    )


NUMBERS = (
    Number("4.1", "r(aleatoric, disagreement)", ".301", "uncnet", "pearson_aleatoric"),
    Number("4.1", "r(epistemic, disagreement)", "−.027", "uncnet", "pearson_epistemic"),
    Number("notebook", "r(total, disagreement)", ".299", "uncnet", "pearson_total"),
    Number("notebook", "r(aleatoric, label entropy)", ".298", "uncnet", "pearson_entropy"),
    Number("4.4", "JS distance, Baseline", ".473", "baseline", "js_distance", passes=False),
    Number("4.4", "its standard deviation", ".131", "baseline", "js_distance_sd", passes=False),
    Number("4.4", "JS distance, UncNet", ".461", "uncnet", "js_distance"),
    Number("4.4", "its standard deviation", ".140", "uncnet", "js_distance_sd"),
    Number(
        "from 4.4", "JS divergence, Baseline", ".241", "baseline", "js_divergence", passes=False
    ),
    Number("from 4.4", "JS divergence, UncNet", ".232", "uncnet", "js_divergence"),
    Number("4.4", "r(aleatoric, JS distance)", ".583", "uncnet", "pearson_js_aleatoric"),
    Number("4.4", "r(epistemic, JS distance)", ".100", "uncnet", "pearson_js_epistemic"),
    Number("4.4", "r(total, JS distance)", ".591", "uncnet", "pearson_js_total"),
    Number("4.3", "r(percentile of aleatoric, Brier)", ".880", "uncnet", "brier_aleatoric"),
    Number("4.3", "r(percentile of epistemic, Brier)", ".710", "uncnet", "brier_epistemic"),
    Number("4.3", "r(percentile of total, Brier)", ".884", "uncnet", "brier_total"),
    Number("ours", "the same, calibrated null", "–", "uncnet", "brier_null_total"),
    Number("ours", "r(percentile of total, excess)", "–", "uncnet", "brier_excess_total"),
    Number(
        "notebook",
        "accuracy, Baseline, %",
        "54.8",
        "baseline",
        "accuracy_9",
        passes=False,
        decimals=1,
        factor=100.0,
    ),
    Number(
        "notebook", "accuracy, UncNet, %", "56.9", "uncnet", "accuracy_9", decimals=1, factor=100.0
    ),
    Number(
        "ours",
        "the same network, dropout off, %",
        "–",
        "uncnet",
        "accuracy_9",
        passes=False,
        decimals=1,
        factor=100.0,
    ),
    Number("ours", "JS distance of that", "–", "uncnet", "js_distance", passes=False),
    _kept("aleatoric", "62.5"),
    _kept("epistemic", "57.5"),
    _kept("total", "62.3"),
    _distance_kept("aleatoric", ".437"),
    _distance_kept("epistemic", ".456"),
    _distance_kept("total", ".436"),
    Number(
        "4.4",
        "gain by rejecting 25 %, same model, points",
        "5.5",
        "uncnet",
        "reject_gain_25",
        decimals=1,
        factor=100.0,
    ),
    Number(
        "notebook",
        "cross-entropy to the votes, Baseline, nats",
        "1.493",
        "baseline",
        "cross_entropy",
        passes=False,
    ),
)


def published_section(rows, split, tests=()):
    """The table of `NUMBERS`, with the means over seeds of each recipe, and the paired tests.

    Parameters
    ----------
    rows : sequence of dict
        Rows of results.
    split : str
        The one that is shown.
    tests : sequence of (str, PairedTest)
        JS distances of two forecasts of the same images, and which.
    """
    columns = {
        recipe: heading
        for recipe, heading in RECIPES.items()
        if any(row["recipe"] == recipe and row["split"] == split for row in rows)
    }
    table = html.Table(
        f"{SPLIT_NAMES[split]}; ours are means over seeds ± standard deviation, 9 classes. The "
        "paper prints no intervals. Its accuracies are from the authors' notebook.",
        ("number", "published", *columns.values(), "where it stands"),
        tuple(
            (
                number.words,
                number.published,
                *(number_of(rows, number, recipe, split) for recipe in columns),
                number.place,
            )
            for number in NUMBERS
        ),
        text_columns=(0, 2 + len(columns)),
    )
    blocks = [html.Text(ABOUT_RECIPES), html.Text(ABOUT_BRIER), table]
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


def number_of(rows, number, recipe, split):
    """A `Number` in one recipe, as text: mean ± spread over seeds; "–" if it is not there."""
    method = STANDS_FOR.get((recipe, number.method), number.method)
    values = [
        row[number.key] * number.factor
        for row in rows
        if (row["recipe"], row["method"], row["split"]) == (recipe, method, split)
        and (row["passes"] > 0) == number.passes
        and row.get(number.key) is not None
        and np.isfinite(row[number.key])
    ]
    return format_spread(values, number.decimals)


def _tests_table(tests):
    rows = [
        ("paper: Baseline − UncNet", "0.012", "9.335", "3,578", "≪ .001", ".156"),
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
        "Paired t-tests of the Jensen-Shannon distances, image by image. With thousands of images "
        "any difference is significant; the effect size d_z says how large it is.",
        ("difference", "mean", "t", "degrees of freedom", "p", "d_z"),
        tuple(rows),
        marked=(0,),
    )
