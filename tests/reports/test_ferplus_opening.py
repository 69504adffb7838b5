"""The first screen of the FER+ page: its words follow the numbers."""

import re

import numpy as np
import pytest

from ferplus_opening import opening, verdicts
from hetero_unc.predictive import Predictive
from hetero_unc.reports.voted_run import VotedRun

FOLLOWS = "“Aleatoric doubt follows disagreement.”"
DOES_NOT = "“Epistemic doubt does not.”"
BRIER = "“Doubt shows where confidence is wrong.”"


def uncnet(seed=0, intervals=None, **numbers):
    """A row of UncNet with passes, as in results.json."""
    row = {
        "method": "uncnet",
        "recipe": "corrected",
        "split": "publictest",
        "passes": 100,
        "seed": seed,
        "noise_ceiling": 0.856,
        "noise_ceiling_moments": 0.868,
        "pearson_aleatoric": 0.2,
        "pearson_aleatoric_null": 0.5,
        "pearson_epistemic": -0.09,
        "partial_epistemic_given_aleatoric": -0.02,
        "brier_total": 0.8,
        "brier_null_total": 0.85,
        "brier_excess_total": 0.1,
        "reject_gain_25": 0.05,
        "js_distance": 0.5,
        "js_floor": 0.3,
        **numbers,
    }
    return {**row, "intervals": intervals or {}}


def said(*rows):
    return dict(verdicts(rows, "publictest"))


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        (
            {},
            "rises with doubt, r 0.80; but so it does for a perfectly calibrated forecast, r 0.85.",
        ),
        (
            {"brier_total": -0.4, "brier_null_total": 0.11},
            "falls with doubt, r -0.40; for a perfectly calibrated forecast it rises with doubt, r",
        ),
        (
            {"brier_total": 0.02, "brier_null_total": 0.05},
            "does not go with doubt, r 0.02; nor does it for a perfectly calibrated forecast, r",
        ),
        ({"brier_null_total": None}, "rises with doubt, r 0.80."),
    ],
)
def test_brier_rises_with_doubt_only_where_it_does(numbers, words):
    text = said(uncnet(**numbers))[BRIER]
    assert text.startswith(f"Brier {words}")
    excess = "The excess over that has r 0.10."
    assert text.endswith(excess if "calibrated" in text else "r 0.80.")


@pytest.mark.parametrize(
    ("mean", "intervals", "words"),
    [
        (-0.09, [(-0.12, -0.06)] * 3, "Nearly: {r}, weak, and negative in every network;"),
        (
            -0.09,
            [(-0.12, -0.06)],
            "Nearly: {r} [-0.12, -0.06], weak, and negative in this network;",
        ),
        (-0.01, [(-0.03, 0.03)] * 3, "Holds: {r}, 0 is in the interval of every network;"),
        (-0.04, [(-0.07, -0.01), (-0.06, 0.02)], "Nearly: {r}, 0 is in the interval of 1 of 2"),
        (0.04, [(0.01, 0.07), (-0.07, -0.01)], "Nearly: {r}, positive in some networks and neg"),
        (0.3, [(0.25, 0.35)] * 2, "Does not hold here: {r}, positive in every network;"),
        (0.2, [(-0.1, 0.5)] * 2, "Unclear: {r}, 0 is in the interval of every network;"),
        (-0.09, [], "Holds: {r};"),
        (0.3, [], "Does not hold here: {r};"),
    ],
)
def test_epistemic_doubt_is_judged_by_its_intervals(mean, intervals, words):
    text = said(*with_intervals("pearson_epistemic", mean, intervals))[DOES_NOT]
    assert without_paper(text).startswith(words.format(r=correlation_in_words(mean, intervals)))
    assert text.endswith("; given aleatoric doubt -0.02.")


@pytest.mark.parametrize(
    ("mean", "intervals", "words"),
    [
        (0.2, [(0.17, 0.23)] * 2, "Holds: {r}, positive in every network;"),
        (0.05, [(0.01, 0.09)] * 2, "Weakly: {r}, positive in every network;"),
        (0.2, [(-0.1, 0.5)] * 2, "Unclear: {r}, 0 is in the interval of every network;"),
        (0.01, [(-0.02, 0.04)] * 2, "Does not hold here: {r}, 0 is in the interval of every"),
        (-0.3, [(-0.4, -0.2)] * 2, "Does not hold here: {r}, negative in every network;"),
        (0.2, [], "Holds: {r};"),
    ],
)
def test_aleatoric_doubt_is_judged_by_its_intervals(mean, intervals, words):
    text = said(*with_intervals("pearson_aleatoric", mean, intervals))[FOLLOWS]
    assert without_paper(text).startswith(words.format(r=correlation_in_words(mean, intervals)))


def with_intervals(key, mean, intervals):
    """A row of the same correlation for each interval; one row without any where there is none."""
    return [
        uncnet(seed, {key: list(ends)} if ends else None, **{key: mean})
        for seed, ends in enumerate(intervals or [None])
    ]


def correlation_in_words(mean, intervals):
    return f"r {mean:.2f}" + (" ± 0.00" if len(intervals) > 1 else "")


def without_paper(text):
    return re.sub(r" \(paper [^)]*\)", "", text)


def test_doubt_that_is_the_same_for_all_images_is_not_judged():
    parts = ("total", "null_total", "excess_total")
    numbers = ["partial_epistemic_given_aleatoric", *(f"brier_{part}" for part in parts)]
    numbers += [f"pearson_{part}" for part in ("aleatoric", "aleatoric_null", "epistemic")]
    text = said(uncnet(**dict.fromkeys(numbers)))
    assert text[FOLLOWS].startswith(
        "Cannot be said: doubt or disagreement is the same for nearly all images."
    )
    assert (
        text[BRIER]
        == text[DOES_NOT]
        == "Cannot be said: doubt or disagreement is the same for nearly all images."
    )
    assert "nan" not in " ".join(text.values())


def test_the_ceiling_is_given_by_split_halves_and_by_moments():
    text = said(uncnet())[FOLLOWS]
    assert "the ceiling is 0.86 by split halves, 0.87 by moments" in text
    text = said(uncnet(noise_ceiling_moments=None))[FOLLOWS]
    assert "the ceiling is about 0.86 by split halves" in text
    assert "ceiling" not in said(uncnet(noise_ceiling=None, noise_ceiling_moments=None))[FOLLOWS]


def first_screen(**numbers):
    """Text and facts of the first screen of a network with these numbers."""
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(3), size=20)
    run = VotedRun(
        name="a network",
        summary=Predictive(shares[None]).summarise(),
        predicted_disagreement=1 - np.square(shares).sum(axis=1),
        votes=rng.multinomial(10, shares),
        images=np.zeros((20, 4, 4, 1), np.uint8),
        class_names=("a", "b", "c"),
        row=uncnet(pearson_predicted_disagreement=None, **numbers),
    )
    lead, facts, _ = opening([run], [run.row])[0].left
    return lead.text, {fact.label: (fact.value, fact.note) for fact in facts.facts}


def test_the_first_sentence_gives_both_ceilings():
    text, facts = first_screen(pearson_aleatoric=0.7)
    assert "its aleatoric doubt follows how much people differ with a correlation of 0.70" in text
    assert "about 0.86 by split halves" not in text
    assert "where the ceiling of the votes' own noise is 0.86 by split halves, 0.87 by mom" in text
    assert facts["r of aleatoric doubt"] == ("0.70", "ceiling 0.86 to 0.87")
    _, facts = first_screen(noise_ceiling_moments=None)
    assert facts["r of aleatoric doubt"][1] == "ceiling about 0.86"


def test_the_first_sentence_says_that_doubt_follows_people_only_where_it_does():
    text, _ = first_screen(pearson_aleatoric=0.01)
    assert "its aleatoric doubt does not follow how much people differ: the correlation is" in text
    text, facts = first_screen(
        pearson_aleatoric=None, reject_gain_25=None, noise_ceiling=None, noise_ceiling_moments=None
    )
    assert "its doubt, or how much people differ, is the same for nearly all images." in text
    assert facts["r of aleatoric doubt"] == ("–", "")
    assert "points of accuracy" not in facts
