"""Routes: each kind of planted item goes where it should, and what cannot be known is not said."""

import json

import numpy as np
import pytest
from scipy import stats

from hetero_unc.audit import AuditSettings, audit
from hetero_unc.audit.conditions import NAMES, parse_condition
from hetero_unc.audit.roles import assign_roles
from hetero_unc.audit.routing import ROUTES
from hetero_unc.audit.unfamiliar import find_unfamiliar
from hetero_unc.data import Predictions, VoteTable

SETTINGS = AuditSettings(resamples=50, target_risk=0.1)


@pytest.fixture(scope="module")
def planted():
    """600 plain items, and ten of each kind at the end, all of them in the test split."""
    rng = np.random.default_rng(0)
    items, classes, passes = 630, 4, 8
    truth = rng.integers(classes, size=items)
    logits = 3.5 * np.eye(classes)[truth] + rng.normal(0, 0.3, (passes, items, classes))
    votes = rng.multinomial(15, 0.88 * np.eye(classes)[truth] + 0.03)
    contested, mislabelled, unfamiliar = (slice(600 + 10 * k, 610 + 10 * k) for k in range(3))
    logits[:, contested] = 3.0 * (np.arange(classes) < 2) + rng.normal(
        0, 0.1, (passes, 10, classes)
    )
    votes[contested] = [8, 7, 0, 0]
    votes[mislabelled] = 15 * np.eye(classes, dtype=int)[(truth[mislabelled] + 1) % classes]
    sure = rng.integers(classes, size=(passes, 10))
    logits[:, unfamiliar] = 6.0 * np.eye(classes)[sure]
    powers = np.exp(logits)
    ids = np.array([f"item {index}" for index in range(items)])
    split = np.where(np.arange(items) < 350, "val", "test")
    names = ("ant", "bee", "cat", "<b>dog</b>")
    predictions = Predictions(powers / powers.sum(axis=2, keepdims=True), ids, classes=names)
    return predictions, VoteTable(ids, names, votes, split=split)


@pytest.fixture(scope="module")
def result(planted):
    return audit(*planted, settings=SETTINGS)


@pytest.mark.parametrize(
    ("route", "where"),
    [
        ("contested", slice(600, 610)),
        ("suspected_label_error", slice(610, 620)),
        ("unfamiliar", slice(620, 630)),
    ],
)
def test_planted_items_are_found_and_few_others(result, route, where):
    found = result.items["route"] == route
    assert found[where].sum() >= 9
    assert found.sum() <= 14
    shown = result.as_json()["routing"]["galleries"][route]
    assert set(result.items["id"][where]) & set(shown)


def test_most_plain_items_are_accepted(result):
    assert (result.items["route"][:600] == "accept").mean() > 0.8
    guarantee = result.as_json()["guarantee"]
    assert guarantee["validation_risk"] <= guarantee["target_risk"]
    doubt = 1 - result.items["confidence"]
    assert (doubt[result.items["route"] == "accept"] <= guarantee["threshold"]).all()


def test_every_item_has_one_route_and_counts_add_up(result):
    rows = result.as_json()["routing"]["routes"]
    assert [row["route"] for row in rows] == list(ROUTES)
    assert sum(row["count"] for row in rows) == len(result.items["id"]) == 630
    for row in rows:
        assert row["count"] == np.sum(result.items["route"] == row["route"])


def test_stated_false_alarms_are_the_mean_of_the_posterior(result):
    rows = {row["route"]: row for row in result.as_json()["routing"]["routes"]}
    listed = result.items["route"] == "suspected_label_error"
    expected = 1 - result.items["label_error"][listed].mean()
    rate = rows["suspected_label_error"]["false_alarms"]["rate"]
    assert rate == pytest.approx(expected)
    assert result.items["label_error"][listed].min() >= SETTINGS.label_error
    assert (result.items["votes_total"] > 1).all()


def test_all_numbers_are_json_and_the_first_screen_names_them(result):
    sections = json.loads(json.dumps(result.as_json(), allow_nan=False))
    assert sections["format"] == "hetero_unc.audit.1"
    words = " ".join(sections["first_screen"]["sentences"])
    assert f"{sections['headline_numbers']['suspected_label_error']} items carry a label" in words
    assert len(sections["first_screen"]["sentences"]) <= 6


def test_the_same_seed_gives_the_same_audit(planted, result):
    again = audit(*planted, settings=SETTINGS)
    assert again.as_json() == result.as_json()


def test_one_pass_and_one_vote_take_away_what_cannot_be_known(planted):
    predictions, table = planted
    single = Predictions(predictions.probabilities[0], table.ids, classes=table.classes)
    rng = np.random.default_rng(0)
    one = np.array([rng.multinomial(1, row / row.sum()) for row in table.votes])
    votes = VoteTable(table.ids, table.classes, one, split=table.split)
    found = audit(single, votes, settings=SETTINGS)
    sections = found.as_json()
    assert sections["headline_numbers"]["unfamiliar"] == 0
    assert sections["headline_numbers"]["contested"] == 0
    assert len(sections["notes"]) == 2
    assert "absent" in sections["disagreement"]
    assert "absent" in sections["annotators"]
    assert np.isnan(found.items["vote_disagreement"]).all()
    # A single label against a sure forecast is suspected all the same.
    assert np.sum(found.items["route"][610:620] == "suspected_label_error") >= 5


def test_single_labels_that_are_wrong_are_suspected_however_few_they_are():
    """One label an item, no split, passes that agree: 12 of 3,000 labels are wrong."""
    rng = np.random.default_rng(3)
    truth = rng.integers(5, size=3000)
    logits = 9.0 * np.eye(5)[truth] + rng.normal(0, 1, (3000, 5))
    passes = logits + rng.normal(0, 0.3, (6, 3000, 5))
    probabilities = np.exp(passes) / np.exp(passes).sum(axis=2, keepdims=True)
    crowd = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (rng.random((3000, 1)) > crowd.cumsum(axis=1)).sum(axis=1).clip(max=4)
    sure = rng.choice(np.flatnonzero(crowd.max(axis=1) > 0.99), 12, replace=False)
    labels[sure] = (labels[sure] + 1) % 5
    ids = np.array([f"item {index}" for index in range(3000)])
    votes = VoteTable(ids, tuple("abcde"), np.eye(5, dtype=int)[labels])
    found = audit(Predictions(probabilities, ids, classes=tuple("abcde")), votes, settings=SETTINGS)
    suspected = found.items["route"] == "suspected_label_error"
    assert suspected[sure].sum() >= 10
    # Three thousand sure forecasts hold a few labels that were drawn against the odds.
    assert suspected.sum() <= 24
    # The most probable errors are the first that are shown.
    shown = found.as_json()["routing"]["galleries"]["suspected_label_error"][:8]
    assert len(set(shown) & set(ids[sure])) >= 7


def test_a_label_that_contradicts_all_passes_is_suspected_before_it_is_unfamiliar(planted):
    predictions, table = planted
    passes = predictions.probabilities.copy()
    # All passes see the same class, with more or less of a doubt: far from validation in rank.
    wrong = slice(610, 620)
    top = passes[:, wrong].mean(axis=0).argmax(axis=1)
    doubt = np.where(np.arange(len(passes)) % 2, 0.3, 0.001)[:, None, None]
    passes[:, wrong] = (1 - doubt) * np.eye(4)[top] + doubt / 4
    again = Predictions(passes, table.ids, classes=table.classes)
    routes = audit(again, table, settings=SETTINGS).items["route"]
    assert np.sum(routes[wrong] == "suspected_label_error") >= 9
    assert np.sum(routes[620:] == "unfamiliar") >= 9


def test_predictions_and_votes_in_another_order_are_refused(planted):
    predictions, table = planted
    with pytest.raises(ValueError, match="must be in the same order; match them first"):
        audit(predictions, table.take(np.arange(629, -1, -1)))
    with pytest.raises(ValueError, match="of the same items and classes"):
        audit(predictions, table.take(np.arange(600)))


def test_the_split_says_who_judges():
    split = np.array(["Train", "validation", "test", "", "PublicTest", "dev-set"])
    roles = assign_roles(split, 6)
    expected = ["training", "validation", "evaluated", "evaluated", "validation", "validation"]
    assert roles.role.tolist() == expected
    assert roles.validation_given


def test_without_a_validation_split_half_of_the_rest_is_drawn():
    roles = assign_roles(np.array(["train"] * 10 + ["test"] * 90), 100)
    assert (roles.training.sum(), roles.validation.sum(), roles.evaluated.sum()) == (10, 45, 45)
    assert not roles.validation_given
    assert "by lot" in roles.how
    with pytest.raises(ValueError, match="at least 2 items that the model was not trained on"):
        assign_roles(np.array(["train"] * 5), 5)


def test_false_alarms_of_unfamiliar_items_keep_their_rate():
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(200):
        epistemic = rng.lognormal(-4, 1, 800)
        epistemic[-20:] = rng.lognormal(0, 0.3, 20)
        validation = np.arange(800) < 400
        rule = find_unfamiliar(
            epistemic, validation, ~validation, classes=4, validation_given=True, false_alarms=0.2
        )
        flagged = rule.unfamiliar.sum()
        shares.append(rule.unfamiliar[:-20].sum() / max(flagged, 1))
    # Benjamini and Hochberg promise the mean; its standard error over 200 sets is below 0.01.
    assert np.mean(shares) < 0.2 + 0.04


@pytest.mark.parametrize("false_alarms", [0.1, 0.2, 0.5])
def test_unfamiliar_items_are_those_of_scipys_benjamini_and_hochberg(false_alarms):
    rng = np.random.default_rng(2)
    epistemic = rng.lognormal(-4, 1, 700)
    epistemic[-30:] = rng.lognormal(-1, 1, 30)
    validation = np.arange(700) < 300
    rule = find_unfamiliar(
        epistemic,
        validation,
        ~validation,
        classes=4,
        validation_given=True,
        false_alarms=false_alarms,
    )
    p_value = [
        (1 + sum(reference >= value for reference in epistemic[validation])) / 301
        for value in epistemic[~validation]
    ]
    expected = stats.false_discovery_control(p_value) <= false_alarms
    np.testing.assert_array_equal(rule.unfamiliar[~validation], expected)
    assert not rule.unfamiliar[validation].any()
    assert 20 <= expected.sum() <= 100


def test_without_a_validation_split_outliers_are_beyond_the_fence():
    epistemic = np.concatenate([np.random.default_rng(0).lognormal(-5, 0.5, 400), np.full(20, 0.9)])
    validation = np.arange(420) % 2 == 0
    rule = find_unfamiliar(
        epistemic, validation, ~validation, classes=10, validation_given=False, false_alarms=0.1
    )
    assert rule.unfamiliar[400:].all()
    assert rule.unfamiliar[:400].mean() < 0.02
    assert rule.false_alarm_rate is None


def test_passes_that_hardly_differ_are_not_unfamiliar_where_most_do_not_differ_at_all():
    epistemic = np.random.default_rng(0).lognormal(-12, 1, 400)
    epistemic[:10], epistemic[10:20] = 0.02, 0.5
    validation = np.arange(400) % 2 == 0
    rule = find_unfamiliar(
        epistemic, validation, ~validation, classes=10, validation_given=False, false_alarms=0.1
    )
    np.testing.assert_array_equal(np.flatnonzero(rule.unfamiliar), np.arange(10, 20))
    assert rule.threshold == pytest.approx(np.log(10) / 20)


@pytest.mark.parametrize(
    ("text", "value", "holds"),
    [
        ("coverage>0.05", 0.06, True),
        ("coverage > 0.05", 0.05, False),
        ("coverage>=1e-1", 0.1, True),
        ("coverage<=2", 3, False),
    ],
)
def test_conditions_hold_as_written(text, value, holds):
    assert parse_condition(text).holds({"coverage": value}) is holds


def test_conditions_that_cannot_be_judged_are_named():
    for text in ("coverage", "coverage>", "coverage=>1", "coverage>y", ""):
        with pytest.raises(ValueError, match="must have the form NAME>NUMBER"):
            parse_condition(text)
    with pytest.raises(ValueError, match="must name one of accuracy, "):
        parse_condition("acuracy>1")
    with pytest.raises(ValueError, match="could not be told"):
        parse_condition("coverage>1").holds({"coverage": None})


def test_conditions_know_every_headline_number(result):
    assert set(NAMES) == set(result.headline_numbers)


@pytest.mark.parametrize(
    ("name", "value"),
    [("target_risk", 0), ("label_error", 0), ("level", 1.0), ("bins", 0), ("resamples", 1)],
)
def test_settings_outside_their_range_are_refused(name, value):
    with pytest.raises(ValueError, match=f"`{name}` must"):
        AuditSettings(**{name: value})
