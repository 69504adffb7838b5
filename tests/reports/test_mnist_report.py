"""The whole page from a folder of runs: what it says, and what it does without a file."""

import dataclasses
import json
import re

import numpy as np
import pytest
from scipy.stats import binomtest

from hetero_unc.formats import format_nats, format_percent, format_spread
from hetero_unc.predictive import Predictive
from hetero_unc.reports.contradictions import collapse_section
from hetero_unc.reports.doubt import opening, set_aside
from hetero_unc.reports.html import Steps
from hetero_unc.reports.normals import choose_digits
from hetero_unc.reports.shown_run import ShownRun
from hetero_unc.reports.trust import interval_of_share
from mnist_report import METHODS, write_mnist_report


@pytest.fixture
def source(report):
    return report.read_text(encoding="utf-8")


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_the_page_says_what_the_predictions_say(source, runs_folder, small_dataset):
    shown = Predictive.load(runs_folder / "marginal_likelihood-0-0.0" / "predictive.npz")
    predicted = shown.probabilities.mean(axis=0).argmax(axis=1)
    right = int((predicted == small_dataset.test_labels).sum())
    assert f"The network reads {right} of 120 test digits correctly" in text_of(source)
    assert f"{120 - right} are wrong" in text_of(source)


@pytest.mark.parametrize(("every", "says_so"), [(1, True), (1000, False)])
def test_doubt_that_hardly_finds_mistakes_asks_for_training(small_dataset, every, says_so):
    read_as = small_dataset.test_labels.copy()
    read_as[::every] = 0  # all read as 0 with the same doubt, or one item of 120
    probabilities = 0.9 * np.eye(10)[read_as] + 0.01
    run = ShownRun("a method", Predictive(probabilities[None]).summarise())
    (columns,) = opening(small_dataset, run)
    steps = [term for block in columns.left if isinstance(block, Steps) for term, _ in block.items]
    assert ("Train longer first." in steps) == says_so


def test_the_title_names_the_stand_in_for_mnist(source):
    assert "small digits, not MNIST" in re.search("<title>(.*)</title>", source)[1]


def test_results_are_means_over_seeds_beside_published_values(source):
    rows = re.findall(r"<tr.*?</tr>", source, flags=re.DOTALL)
    blog = next(text_of(row) for row in rows if "blog, 2018: expected" in row)
    assert "99.33" in blog
    assert "published" in blog
    # Accuracies of the two seeds are 80 and 90 %: mean 85, standard deviation 10 / sqrt(2).
    assert sum("85.00 ± 7.07" in row for row in rows) == 6


def test_every_section_is_there(source):
    assert re.findall(r'<section id="([a-z]+)"', source) == [
        "results",
        "training",
        "trust",
        "doubt",
        "digits",
        "normals",
        "collapse",
        "flipped",
        "making",
    ]
    assert "Left out" not in source
    assert "images of &lt;nothing&gt;" in source


def test_the_same_files_give_the_same_page(source, runs_folder, small_dataset):
    again = write_mnist_report(runs_folder, small_dataset)
    assert again.read_text(encoding="utf-8") == source


def test_what_is_not_there_is_said(runs_folder, small_dataset):
    (runs_folder / "collapse.json").unlink()
    for path in runs_folder.glob("*-0.2/metrics.json"):
        path.unlink()
    text = text_of(write_mnist_report(runs_folder, small_dataset).read_text(encoding="utf-8"))
    assert "Left out: collapse.json is not in this folder." in text
    assert "Left out: no runs of make mnist PRESET=flipped are in this folder." in text


def test_a_folder_with_softmax_alone_has_a_page(runs_folder, small_dataset):
    rows = json.loads((runs_folder / "results.json").read_text(encoding="utf-8"))
    rows = [row for row in rows if row["method"] == "softmax" and not row["passes"]]
    (runs_folder / "results.json").write_text(json.dumps(rows), encoding="utf-8")
    text = text_of(write_mnist_report(runs_folder, small_dataset).read_text(encoding="utf-8"))
    assert "Left out: no run here has Gaussian logits." in text
    assert "without dropout passes" in text


@pytest.mark.parametrize(
    ("loss", "scales", "borne_out"),
    [
        ("marginal_likelihood", [0.1, 0.2], True),
        ("marginal_likelihood", [0.2, 0.1], False),
        ("expected_cross_entropy", [0.1, 0.9], False),
    ],
)
def test_the_collapse_is_claimed_only_where_it_shows(finished_runs, loss, scales, borne_out):
    found = json.loads((finished_runs / "collapse.json").read_text(encoding="utf-8"))
    found[loss]["scale_mean"] = scales
    section = collapse_section(found, METHODS)
    assert ("too short to show it" in section.blocks[1].caption) != borne_out


def test_results_of_other_data_are_refused(runs_folder, small_dataset):
    other = dataclasses.replace(small_dataset, name="mnist")
    with pytest.raises(ValueError, match="`folder` must hold results of the data 'mnist'"):
        write_mnist_report(runs_folder, other)


def test_runs_on_altered_data_are_not_taken_for_these(runs_folder, small_dataset):
    other = dataclasses.replace(small_dataset, test_labels=small_dataset.test_labels[::-1])
    with pytest.raises(FileNotFoundError, match=r"without dataset='digits', method='marg"):
        write_mnist_report(runs_folder, other)
    assert not (runs_folder / "report.html").exists()


def test_predictions_of_other_items_are_refused(runs_folder, small_dataset):
    path = runs_folder / "marginal_likelihood-0-0.0" / "predictive.npz"
    Predictive(np.full((4, 3, 10), 0.1)).save(path)
    with pytest.raises(ValueError, match=r"must predict the 120 test items .* predictions of 3"):
        write_mnist_report(runs_folder, small_dataset)


def test_a_damaged_prediction_is_refused_by_name(runs_folder, small_dataset):
    path = runs_folder / "marginal_likelihood-0-0.0" / "predictive.npz"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"predictive\.npz is not a whole predictive file"):
        write_mnist_report(runs_folder, small_dataset)
    assert not (runs_folder / "report.html").exists()


def test_the_smallest_share_with_half_of_the_mistakes_is_set_aside():
    total = np.arange(100.0)
    wrong = np.isin(np.arange(100), [99, 96, 95, 10])
    share, items = set_aside(total, wrong)  # 2 % would hold one of four, 5 % hold three
    assert share == 0.05
    assert items.tolist() == [99, 98, 97, 96, 95]


def test_the_largest_share_is_set_aside_where_none_holds_half():
    share, items = set_aside(np.arange(10.0), np.arange(10) < 2)
    assert (share, items.tolist()) == (0.2, [9, 8])


@pytest.mark.parametrize(("right", "count"), [(0, 3), (3, 3), (7, 11), (9900, 9951)])
def test_intervals_are_wilsons(right, count):
    expected = binomtest(right, count).proportion_ci(0.95, "wilson")
    found = interval_of_share(np.array([right / count]), np.array([count]))
    np.testing.assert_allclose(np.ravel(found), [expected.low, expected.high], atol=1e-6)


def test_the_digits_of_the_blog_are_chosen():
    labels = np.array([8, 8, 3, 3, 9, 9, 6, 6])
    probabilities = np.zeros((8, 10))
    rows = range(8)
    probabilities[rows, [8, 8, 3, 3, 8, 4, 6, 6]] = 0.6
    probabilities[rows, [3, 3, 5, 8, 9, 9, 0, 0]] = 0.4
    total = np.array([0.2, 0.1, 0.9, 0.5, 0.3, 0.9, 0.1, 0.2])
    chosen = choose_digits(labels, probabilities, total)
    assert chosen == [
        (1, "The 8 with the least doubt"),
        (3, "The most doubted 3 that competes with 8"),
        (4, "The most doubted 9 that is read as 8"),
        (7, "The most doubted 6 (none is mistaken)"),
    ]


def test_a_digit_without_an_item_is_not_chosen():
    assert choose_digits(np.array([1]), np.eye(10)[[1]], np.zeros(1)) == []


def test_numbers_are_written_one_way():
    assert format_percent(0.9933) == "99.33\N{NO-BREAK SPACE}%"
    assert [format_nats(v) for v in (-1e-9, 4e-7, 0.0004, 0.5)] == [
        "0.000",
        "<0.001",
        "<0.001",
        "0.500",
    ]
    assert format_nats(4e-7, tiny=None) == "4e-07"
    assert format_spread([1.0, 2.0, None], 1) == "1.5 ± 0.7"
    assert format_spread([1.0], 2) == "1.00"
    assert format_spread([None], 2) == "–"
