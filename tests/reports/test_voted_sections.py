"""Sections of a page about votes, from made-up networks: words and intervals follow the numbers."""

import numpy as np
import pytest

import hetero_unc.reports.people
import hetero_unc.reports.percentiles
import hetero_unc.reports.refusal
from ferplus_doubts import sorts as sorts_of_the_rows
from ferplus_sections import heads_section, proxies_section
from hetero_unc import metrics
from hetero_unc.data import identical_groups
from hetero_unc.data.ferplus_protocols import ProtocolRows
from hetero_unc.metrics import bootstrap_interval
from hetero_unc.predictive import Predictive
from hetero_unc.reports import html
from hetero_unc.reports.disagreement import disagreement_section
from hetero_unc.reports.people import people_section, reliability_figure
from hetero_unc.reports.percentiles import percentiles_section
from hetero_unc.reports.refusal import refusal_section
from hetero_unc.reports.voted_run import VotedRun, sorts

CLASSES = ("a", "b", "c")
PARTS = ("aleatoric", "epistemic", "total")


def network(name="a network", *, copies=1, alike=False, row=None, seed=0):
    """A network that knows something of the votes of 40 images, each there several times.

    Or one that gives every image the same forecast.
    """
    rng = np.random.default_rng(seed)
    shares = np.repeat(rng.dirichlet(np.ones(3), size=40), copies, axis=0)
    noise = np.repeat(rng.gamma(20, size=(4, 40, 3)), copies, axis=1)
    passes = shares * noise + 0.02
    if alike:
        passes = np.broadcast_to(passes[:, :1], passes.shape)
    predictive = Predictive(passes / passes.sum(axis=2, keepdims=True))
    images = np.repeat(rng.integers(0, 256, (40, 6, 6, 1), np.uint8), copies, axis=0)
    votes = np.repeat(rng.multinomial(10, shares[::copies]), copies, axis=0)
    return VotedRun(
        name=name,
        summary=predictive.summarise(),
        predicted_disagreement=1 - np.square(predictive.probabilities).sum(axis=2).mean(axis=0),
        votes=votes,
        images=images,
        class_names=CLASSES,
        row={"passes": 4, "brier_bins": 2, **(row or {})},
        groups=identical_groups(images),
    )


def correlations(aleatoric, epistemic, total):
    """Columns of a row for the correlations of Brier with the percentile of each doubt."""
    return {
        "brier_aleatoric": aleatoric,
        "brier_epistemic": epistemic,
        "brier_total": total,
        **dict.fromkeys([f"brier_null_{part}" for part in PARTS], 0.11),
        **dict.fromkeys([f"brier_excess_{part}" for part in PARTS], 0.0),
    }


def text_of(section):
    return " ".join(block.text for block in section.blocks if isinstance(block, html.Text))


def written(section, path):
    html.write_page(path, html.Page("title", "subtitle", (), (section,), "footer"))
    return path.read_text(encoding="utf-8")


def test_doubt_sorts_by_the_rule_of_the_rows():
    for doubt in (np.zeros(50), np.arange(50.0), np.eye(50)[0], np.repeat([0.0, 1.0], 25)):
        assert sorts(doubt) == sorts_of_the_rows(doubt)


def test_brier_is_said_to_rise_with_doubt_only_where_it_does():
    runs = [
        network("knowing", row=correlations(0.9, 0.5, 0.95)),
        network("guessing", row=correlations(0.021, -0.211, 0.015)),
        network("dead", alike=True, row=dict.fromkeys(correlations(0, 0, 0))),
    ]
    text = text_of(percentiles_section(runs))
    assert (
        "knowing: it rises with aleatoric, epistemic and total doubt; guessing: it falls with "
        "epistemic doubt and does not go with aleatoric and total doubt; dead: nearly all images "
        "have the same doubt."
    ) in text


def test_a_network_whose_doubt_is_the_same_for_all_images_has_nothing_to_sort_by(tmp_path):
    dead = network(alike=True, row=dict.fromkeys(correlations(0, 0, 0)))
    section = percentiles_section([dead])
    assert "no Brier score by percentile is drawn" in text_of(section)
    figures = next(block for block in section.blocks if isinstance(block, html.Figures))
    assert [figure.title for figure in figures.figures] == ["Reliability"]
    source = written(section, tmp_path / "page.html")
    assert "<table" not in source
    assert "dotted" not in source


def test_doubts_that_sort_are_drawn_where_others_do_not(tmp_path):
    run = network()
    run.summary.total[:] = 1.0
    section = percentiles_section([run, network("other")])
    figures = next(block for block in section.blocks if isinstance(block, html.Figures))
    assert "aleatoric" in figures.figures[1].alt
    assert "total" not in figures.figures[1].alt
    tenths = [b for b in section.blocks if isinstance(b, html.Details)]
    assert [table.caption[:6] for table in tenths[0].blocks] == ["other:"]
    assert written(section, tmp_path / "page.html")


@pytest.mark.parametrize(
    ("ceilings", "words", "not_said"),
    [
        (
            {"noise_ceiling": 0.856, "noise_ceiling_moments": 0.8683},
            "0.856 by split halves, 0.868 by moments",
            "about 0.856",
        ),
        ({"noise_ceiling": 0.856, "noise_ceiling_moments": None}, "about 0.856 by spl", "moments"),
        ({"noise_ceiling": 0.856}, "about 0.856 by split halves", "moments"),
        ({"noise_ceiling": None}, "an image's votes. “Predicted”", "ceiling"),
    ],
)
def test_ceilings_are_given_by_all_that_the_row_has(ceilings, words, not_said):
    numbers = {f"pearson_{key}": 0.2 for key in (*PARTS, "predicted_disagreement")}
    section = disagreement_section([network(row={**numbers, **ceilings})], "PublicTest")
    text = text_of(section)
    alt = section.blocks[1].figures[1].alt
    assert words in text
    assert not_said not in text + alt
    assert "nobody can" not in text
    assert "nan" not in text + alt
    assert ("0.856" in alt) == (ceilings["noise_ceiling"] is not None)


@pytest.mark.parametrize(
    ("module", "section"),
    [
        (hetero_unc.reports.refusal, refusal_section),
        (hetero_unc.reports.people, reliability_figure),
        (hetero_unc.reports.percentiles, percentiles_section),
        (metrics, proxies_section),
    ],
)
def test_intervals_draw_identical_images_together(monkeypatch, module, section):
    run = network(copies=3)
    drawn = []

    def recorded(*arguments, groups=None, **settings):
        drawn.append(groups)
        return bootstrap_interval(*arguments, groups=groups, **settings)

    monkeypatch.setattr(module, "bootstrap_interval", recorded)
    section([run])
    assert drawn
    assert all(groups is run.groups for groups in drawn)


def test_copies_of_an_image_make_no_interval_narrower():
    def ends(run):
        own = refusal_section([run]).blocks[2].rows[0][4]
        low, high = own.split("[")[1].rstrip("]").split(",")
        return float(low), float(high)

    once, often = ends(network()), ends(network(copies=8))
    assert np.ptp(often) == pytest.approx(np.ptp(once), rel=0.35)
    assert people_section([network(copies=8)])


def test_no_gain_is_given_for_a_doubt_that_is_the_same_for_all_images(tmp_path):
    section = refusal_section([network("knowing"), network("dead", alike=True)])
    rows = {row[:2]: row[3:] for row in section.blocks[2].rows}
    dashes = ("–",) * 4
    assert rows["knowing", "that of dead"] == dashes
    assert rows["dead", "own total"] == rows["dead", "own aleatoric"] == dashes
    assert "[" in rows["dead", "that of knowing"][1]
    assert rows["dead", "that of knowing"][3] == "–"
    assert "[" in rows["knowing", "own total"][1]
    alone = refusal_section([network("dead", alike=True)])
    assert "no doubt tells the images apart" in alone.blocks[1].figures[0].alt
    assert written(alone, tmp_path / "page.html")


def test_heads_are_compared_by_groups_of_identical_images():
    rng = np.random.default_rng(0)
    votes = np.repeat(rng.multinomial(3, [0.5, 0.3, 0.2], size=12), 2, axis=0)
    kept = ProtocolRows("a rule", "a rule.", CLASSES, np.arange(10, 34), votes, None, {})
    groups = np.arange(40) // 2 * 2
    numbers = {"seed": 0, "split": "publictest", "n": 24, "protocol": "paper_nine_columns"}
    heads = []
    for method, forecast in (
        ("gaussian_votes", np.repeat(rng.dirichlet(np.ones(3), 12), 2, axis=0)),
        ("aleatoric", np.repeat(rng.dirichlet(np.ones(3), 12), 2, axis=0)),
    ):
        heads.append(({"method": method, **numbers}, Predictive(forecast[None]), kept))
    losses = [-(votes * np.log(head.probabilities[0])).sum(axis=1) for _, head, _ in heads]
    worst = int(np.argmax([loss.mean() for loss in losses]))
    expected = bootstrap_interval(
        np.mean, losses[worst] - losses[1 - worst], groups=groups[10:34], resamples=500
    )
    table = heads_section({"corrected": heads}, groups).blocks[1]
    assert table.caption.endswith("identical ones together].")
    assert (
        table.rows[worst][2] == f"{expected.estimate:.3f} [{expected.low:.3f}, {expected.high:.3f}]"
    )
