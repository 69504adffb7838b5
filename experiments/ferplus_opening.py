"""The first screen of the FER+ page: what the network knows of people, and what holds."""

import numpy as np

from ferplus_results import cell
from hetero_unc.formats import format_percent
from hetero_unc.metrics import unbiased_disagreement
from hetero_unc.reports import html
from hetero_unc.reports.vote_bars import BARS_EXPLAINED, vote_tile

__all__ = ["opening", "verdicts"]

TILES = 6
SMALL = 0.1  # a correlation below it is called none


def opening(runs, rows):
    """Blocks of the first screen.

    Parameters
    ----------
    runs : sequence of VotedRun
        The first is spoken of; one of method `uncnet`, if any, is judged.
    rows : sequence of dict
        All results.
    """
    run = runs[0]
    row = run.row
    best = max(("aleatoric", "predicted_disagreement"), key=lambda key: row[f"pearson_{key}"] or -1)
    word = {"aleatoric": "aleatoric doubt", "predicted_disagreement": "predicted disagreement"}[
        best
    ]
    correlation, ceiling = row[f"pearson_{best}"] or 0.0, row["noise_ceiling"] or float("nan")
    # Two different people, so not the plain d, which draws an annotator twice.
    differ = np.nanmean(unbiased_disagreement(run.votes))
    lead = (
        f"Ten people were asked what each face expresses. On {len(run):,} test faces, two of them "
        f"differ {format_percent(differ, 0)} of the time. The network forecasts "
        f"the votes, and its {word} follows how much people differ with a correlation of "
        f"{correlation:.2f}, where the votes' own noise allows {ceiling:.2f}."
    )
    facts = [
        html.Fact(f"{correlation:.2f}", f"r of {word}", f"at most {ceiling:.2f}"),
        html.Fact(
            f"{row['js_distance']:.3f}",
            "JS distance to votes",
            f"its own votes: {row['js_floor']:.3f}",
        ),
        html.Fact(
            f"{100 * row['reject_gain_25']:+.1f}", "points of accuracy", "by refusing a quarter"
        ),
    ]
    if row.get("accuracy_8") is not None:
        facts.insert(
            0,
            html.Fact(
                format_percent(row["accuracy_8"], 1),
                "of majority faces",
                f"{row['n_8']:,}, 8 classes",
            ),
        )
    left = (
        html.Text(lead),
        html.Facts(tuple(facts)),
        html.Steps(tuple(verdicts(rows, row["split"]))),
    )
    shown = _from_clear_to_doubtful(run)
    tiles = tuple(
        vote_tile(run, item, f"predicted d {run.predicted_disagreement[item]:.2f}")
        for item in shown
    )
    gallery = html.Gallery("From clear to contested, as the network sees it", tiles, BARS_EXPLAINED)
    return (html.Columns(left, (gallery,)),)


def verdicts(rows, split):
    """Each claim of the paper in a few words, and what the numbers here say of it."""
    uncnet = _of(rows, split, "uncnet", passes=True)
    if not uncnet:
        return
    recipe = uncnet[0]["recipe"]
    seeds = f"{len(uncnet)} seed{'s' if len(uncnet) > 1 else ''}"
    aleatoric, epistemic = (_mean(uncnet, f"pearson_{part}") for part in ("aleatoric", "epistemic"))
    follows = (
        f"{'Holds' if aleatoric > SMALL else 'Does not hold here'}: r "
        f"{cell(uncnet, 'pearson_aleatoric', 2, 1)} (paper .30), "
        f"with a ceiling of {_mean(uncnet, 'noise_ceiling'):.2f}; were its forecast right, "
        f"{_mean(uncnet, 'pearson_aleatoric_null'):.2f}. UncNet, {recipe} recipe, {seeds}."
    )
    yield "“Aleatoric doubt follows disagreement.”", follows
    given = _mean(uncnet, "partial_epistemic_given_aleatoric")
    alone = (
        f"{'Holds' if abs(epistemic) < SMALL else 'Does not hold here'}: r "
        f"{cell(uncnet, 'pearson_epistemic', 2, 1)} (paper −.03); given aleatoric doubt "
        f"{given:.2f}."
    )
    yield "“Epistemic doubt does not.”", alone
    off = _of(rows, split, "uncnet", passes=False, recipe=recipe)
    if off:
        change = _mean(off, "js_distance") - _mean(uncnet, "js_distance")
        passes = (
            f"Same weights, passes on instead of off: the JS distance "
            f"{'falls' if change > 0 else 'rises'} by {abs(change):.4f} (the paper's fell by .012, "
            "between two networks trained differently)."
        )
        yield "“Dropout passes come closer to people.”", passes
    brier = (
        f"Brier rises with doubt, r {_mean(uncnet, 'brier_total'):.2f}; but so it does for a "
        f"perfectly calibrated forecast, r {_mean(uncnet, 'brier_null_total'):.2f}. The excess "
        f"over that has r {_mean(uncnet, 'brier_excess_total'):.2f}."
    )
    yield "“Doubt shows where confidence is wrong.”", brier
    refusal = (
        f"Like for like {cell(uncnet, 'reject_gain_25', 1, 100)} points; the paper's own "
        "numbers, like for like, 5.5."
    )
    yield "“Refusing 25 % gains as much as 8 %.”", refusal


def _of(rows, split, method, *, passes, recipe=None):
    """Rows of a method in one recipe: the one given, else the corrected before the published."""
    found = [
        row
        for row in rows
        if (row["split"], row["method"]) == (split, method) and (row["passes"] > 0) == passes
    ]
    for name in (recipe,) if recipe else ("corrected", "published"):
        of_recipe = [row for row in found if row["recipe"] == name]
        if of_recipe:
            return of_recipe
    return []


def _mean(rows, key):
    values = [row[key] for row in rows if row.get(key) is not None]
    return float(np.mean(values)) if values else float("nan")


def _from_clear_to_doubtful(run):
    """Items at even steps of the predicted disagreement, from the least to the most."""
    order = np.argsort(run.predicted_disagreement, kind="stable")
    places = np.linspace(0.02, 0.98, TILES) * (len(run) - 1)
    return order[places.astype(int)]
