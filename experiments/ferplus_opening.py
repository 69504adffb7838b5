"""The first screen of the FER+ page: what the network knows of people, and what holds."""

import numpy as np

from ferplus_results import cell
from hetero_unc.formats import format_percent
from hetero_unc.metrics import unbiased_disagreement
from hetero_unc.reports import html
from hetero_unc.reports.disagreement import ceilings_in_words
from hetero_unc.reports.percentiles import SMALL, direction
from hetero_unc.reports.vote_bars import BARS_EXPLAINED, vote_tile

__all__ = ["opening", "verdicts"]

TILES = 6
NOT_SAID = "Cannot be said: doubt or disagreement is the same for nearly all images."


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
    correlation = row[f"pearson_{best}"]
    # Two different people, so not the plain d, which draws an annotator twice.
    differ = np.nanmean(unbiased_disagreement(run.votes))
    lead = (
        f"Ten people were asked what each face expresses. On {len(run):,} test faces, two of them "
        f"differ {format_percent(differ, 0)} of the time. The network forecasts "
        f"the votes, and {_how_it_follows(word, correlation, row)}."
    )
    facts = [
        html.Fact(
            "–" if correlation is None else f"{correlation:.2f}",
            f"r of {word}",
            _short_ceiling(row),
        ),
        html.Fact(
            f"{row['js_distance']:.3f}",
            "JS distance to votes",
            f"its own votes: {row['js_floor']:.3f}",
        ),
    ]
    if row["reject_gain_25"] is not None:
        gain = f"{100 * row['reject_gain_25']:+.1f}"
        facts.append(html.Fact(gain, "points of accuracy", "by refusing a quarter"))
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
    yield (
        "“Aleatoric doubt follows disagreement.”",
        (f"{_aleatoric_verdict(uncnet)} UncNet, {recipe} recipe, {seeds}."),
    )
    yield "“Epistemic doubt does not.”", _epistemic_verdict(uncnet)
    off = _of(rows, split, "uncnet", passes=False, recipe=recipe)
    if off:
        change = _mean(off, "js_distance") - _mean(uncnet, "js_distance")
        passes = (
            f"Same weights, passes on instead of off: the JS distance "
            f"{'falls' if change > 0 else 'rises'} by {abs(change):.4f} (the paper's fell by .012, "
            "between two networks trained differently)."
        )
        yield "“Dropout passes come closer to people.”", passes
    yield "“Doubt shows where confidence is wrong.”", _brier_verdict(uncnet)
    refusal = (
        f"Like for like {cell(uncnet, 'reject_gain_25', 1, 100)} points; the paper's own "
        "numbers, like for like, 5.5."
    )
    sorted_by_doubt = not np.isnan(_mean(uncnet, "reject_gain_25"))
    yield "“Refusing 25 % gains as much as 8 %.”", refusal if sorted_by_doubt else NOT_SAID


def _how_it_follows(word, correlation, row):
    """Whether a doubt follows disagreement, and how far from the ceiling it stays, as a clause."""
    if correlation is None:
        return "its doubt, or how much people differ, is the same for nearly all images"
    ceiling = ceilings_in_words(row, 2)
    where = f", where the ceiling of the votes' own noise is {ceiling}" if ceiling else ""
    if correlation > SMALL:
        follows = f"follows how much people differ with a correlation of {correlation:.2f}"
    else:
        follows = f"does not follow how much people differ: the correlation is {correlation:.2f}"
    return f"its {word} {follows}{where}"


def _short_ceiling(row):
    found = [row.get(key) for key in ("noise_ceiling", "noise_ceiling_moments")]
    found = [f"{value:.2f}" for value in found if value is not None]
    if not found:
        return ""
    return f"ceiling {'about ' if len(found) == 1 else ''}{' to '.join(found)}"


def _aleatoric_verdict(rows):
    mean = _mean(rows, "pearson_aleatoric")
    if np.isnan(mean):
        return NOT_SAID
    signs = _signs(rows, "pearson_aleatoric")
    if signs is None:
        word = "Holds" if mean > SMALL else "Does not hold here"
    elif set(signs) == {1}:
        word = "Holds" if mean > SMALL else "Weakly"
    else:
        word = "Unclear" if mean > SMALL else "Does not hold here"
    text = f"{word}: r {cell(rows, 'pearson_aleatoric', 2, 1)} (paper .30)"
    if signs:
        text += f", {_in_words(signs)}"
    ceiling, null = ceilings_in_words(rows[0], 2), _mean(rows, "pearson_aleatoric_null")
    if ceiling:
        text += f"; the ceiling is {ceiling}"
    if not np.isnan(null):
        text += f"; were its forecast right, r would be {null:.2f}"
    return f"{text}."


def _epistemic_verdict(rows):
    mean, given = (
        _mean(rows, key) for key in ("pearson_epistemic", "partial_epistemic_given_aleatoric")
    )
    if np.isnan(mean):
        return NOT_SAID
    signs = _signs(rows, "pearson_epistemic")
    small, clear = abs(mean) <= SMALL, set(signs or ()) in ({1}, {-1})
    if signs is None:
        word = "Holds" if small else "Does not hold here"
    elif small:
        word = "Holds" if set(signs) == {0} else "Nearly"
    else:
        word = "Does not hold here" if clear else "Unclear"
    text = f"{word}: r {cell(rows, 'pearson_epistemic', 2, 1)} (paper −.03)"
    if signs:
        text += f", {'weak, and ' if small and clear else ''}{_in_words(signs)}"
    return f"{text}." if np.isnan(given) else f"{text}; given aleatoric doubt {given:.2f}."


def _brier_verdict(rows):
    brier, null, excess = (_mean(rows, f"brier_{what}total") for what in ("", "null_", "excess_"))
    if np.isnan(brier):
        return NOT_SAID
    goes = direction(brier)
    text = f"Brier {goes} doubt, r {brier:.2f}"
    if np.isnan(null):
        return f"{text}."
    so = "nor does it" if goes.startswith("does not") else "but so it does"
    if direction(null) == goes:
        text += f"; {so} for a perfectly calibrated forecast, r {null:.2f}"
    else:
        text += f"; for a perfectly calibrated forecast it {direction(null)} doubt, r {null:.2f}"
    return f"{text}." + ("" if np.isnan(excess) else f" The excess over that has r {excess:.2f}.")


def _signs(rows, key):
    """1 or -1 for each network whose 95 % interval lies on that side of 0, else 0.

    None where a network has no interval.
    """
    intervals = [row.get("intervals", {}).get(key) for row in rows]
    if None in intervals:
        return None
    return [int(low > 0) - int(high < 0) for low, high in intervals]


def _in_words(signs):
    networks = "every network" if len(signs) > 1 else "this network"
    if set(signs) in ({1}, {-1}):
        return f"{'positive' if signs[0] > 0 else 'negative'} in {networks}"
    unclear = signs.count(0)
    if not unclear:
        return "positive in some networks and negative in others"
    of = networks if unclear == len(signs) else f"{unclear} of {len(signs)} networks"
    return f"0 is in the interval of {of}"


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
