"""What the FER+ page makes of identical images, and of a network that has died."""

import dataclasses
import json
import re

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from ferplus_evaluation import evaluate_run
from ferplus_paired import paired_tests
from ferplus_report import write_ferplus_report
from ferplus_results import main_rows, shown_rows
from ferplus_shown import predictions_of, voted_run
from hetero_unc.predictive import Predictive

pytestmark = pytest.mark.end_to_end

CLASSES = 9


@pytest.fixture
def twins(small_ferplus):
    """The same data, with each image of PublicTest under two row numbers."""
    images = small_ferplus.images.copy()
    tested = small_ferplus.rows_of("PublicTest")
    images[tested[1::2]] = images[tested[::2]]
    return dataclasses.replace(small_ferplus, images=images)


@pytest.fixture
def rows(ferplus_runs):
    return main_rows(json.loads((ferplus_runs / "results.json").read_text(encoding="utf-8")))


def test_a_shown_run_knows_which_images_are_identical(ferplus_runs, twins, rows):
    run = voted_run(ferplus_runs, shown_rows(rows, "publictest")[0], twins)
    same = (run.images[:, None] == run.images[None]).all(axis=(2, 3, 4))
    np.testing.assert_array_equal(run.groups[:, None] == run.groups[None], same)
    assert len(np.unique(run.groups)) < len(run)


def test_identical_images_are_one_pair_of_the_paired_tests(ferplus_runs, twins, rows):
    found = dict(paired_tests(ferplus_runs, twins, rows))
    words = "Baseline (corrected), dropout off − UncNet (corrected), passes"
    forecasts = [
        predictions_of(ferplus_runs, row, twins) for row in shown_rows(rows, "publictest")[:0:-1]
    ]
    kept = forecasts[0][1]
    shares = kept.votes / kept.votes.sum(axis=1, keepdims=True)
    distances = [
        jensenshannon(shares, predictive.probabilities.mean(axis=0), axis=1)
        for predictive, _ in forecasts
    ]
    pictures = [twins.images[row].tobytes() for row in kept.rows]
    means = [
        [np.mean([d for d, of in zip(one, pictures, strict=True) if of == picture])
         for picture in dict.fromkeys(pictures)]
        for one in distances
    ]  # fmt: skip
    expected = stats.ttest_rel(*means)
    assert found[words].degrees_of_freedom == len(means[0]) - 1 < len(pictures) - 1
    assert found[words].t == pytest.approx(expected.statistic, rel=1e-4)
    assert found[words].p_value == pytest.approx(expected.pvalue, rel=1e-3)


def test_the_page_of_a_dead_network_is_written(tmp_path, small_ferplus):
    path = tmp_path / "uncnet"
    path.mkdir()
    config = {"method": "uncnet", "recipe": "corrected", "seed": 0, "epochs": 1}
    (path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    rows = small_ferplus.rows_of("PublicTest")
    same = np.random.default_rng(0).dirichlet(np.ones(CLASSES), size=(3, 1))
    passes = np.broadcast_to(same, (3, len(rows), CLASSES))
    Predictive(passes, ids=rows).save(path / "predictive-publictest.npz")
    found = evaluate_run(path, small_ferplus, resamples=10)
    (tmp_path / "results.json").write_text(json.dumps(found), encoding="utf-8")
    source = write_ferplus_report(tmp_path, small_ferplus).read_text(encoding="utf-8")
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", source))
    assert "no Brier score by percentile is drawn" in text
    assert "its doubt, or how much people differ, is the same for nearly all images" in text
    assert text.count("Cannot be said: doubt or disagreement is the same for nearly all") == 4
