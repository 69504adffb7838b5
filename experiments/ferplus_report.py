"""The page of the FER+ runs: what people see, what networks forecast, and what the paper says.

`write_ferplus_report(folder, data)` reads `folder/results.json`, the run folders that it names, and
where they are there `leak_test.json` and, in the folder of the run that is shown, `shift.json` and
`neighbours.json`. It never calls a model. A section whose files are not there says so in one
sentence.
"""

import json
import pathlib

from ferplus_evaluation import prepared, read_predictive, voted_items
from ferplus_measures import calibration_of
from ferplus_neighbours import TITLE as NEIGHBOURS_TITLE
from ferplus_neighbours import neighbours_section
from ferplus_opening import opening
from ferplus_paired import paired_tests
from ferplus_policies import policies_section
from ferplus_published import published_section
from ferplus_results import (
    SPLIT_NAMES,
    longest,
    main_rows,
    results_section,
    rows_of_paper,
    shown_rows,
)
from ferplus_sections import (
    heads_section,
    proxies_section,
    twins_section,
)
from ferplus_shift import altered_examples
from ferplus_shown import SPLIT, find_run, predictions_of, voted_run
from ferplus_sweeps import sweeps_section
from ferplus_truth import leak_section, truth_section
from hetero_unc import metrics
from hetero_unc.data import SyntheticFaces
from hetero_unc.reports import html
from hetero_unc.reports.disagreement import disagreement_section
from hetero_unc.reports.face_galleries import edge_section, extremes_section
from hetero_unc.reports.label_statistics import label_statistics_section
from hetero_unc.reports.people import people_section
from hetero_unc.reports.percentiles import percentiles_section
from hetero_unc.reports.refusal import refusal_section
from hetero_unc.reports.shift_probes import TITLE as SHIFT_TITLE
from hetero_unc.reports.shift_probes import shift_section

GAUSSIAN_HEADS = ("aleatoric", "gaussian_marginal", "gaussian_votes")


def write_ferplus_report(folder, data):
    """Write `folder/report.html`, whole or not at all, and return its path.

    Parameters
    ----------
    folder : str or Path
        Holds `results.json` (the rows of `evaluate_run` of all runs) and the run folders.
    data : FerPlus or SyntheticFaces
        What the runs were evaluated on.

    Raises
    ------
    FileNotFoundError
        If `results.json`, or a prediction of a run that is shown, is missing.
    ValueError
        If there is no row of PublicTest, or a prediction is damaged or of other rows.
    """
    folder = pathlib.Path(folder)
    everything = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    rows = main_rows(everything)
    shown = shown_rows(longest(rows), SPLIT)
    if not shown:
        raise ValueError(
            f"`folder` must hold results on {SPLIT_NAMES[SPLIT]}. "
            f"Received: {folder}, whose results.json has {len(everything)} rows and none of it"
        )
    runs = [voted_run(folder, row, data) for row in shown]
    first = find_run(folder, shown[0])
    kept = prepared(data)[0]
    splits = {
        usage: kept.among(data.rows_of(usage)).votes
        for usage in ("PublicTest", "PrivateTest", "Training")
    }
    page = html.Page(
        title=_title(data),
        subtitle=_subtitle(data, runs[0]),
        opening=opening(runs, longest(rows)),
        sections=(
            published_section(longest(rows), SPLIT, paired_tests(folder, data, longest(rows))),
            results_section(rows),
            policies_section(folder, data, shown),
            *([truth_section(runs, data)] if isinstance(data, SyntheticFaces) else []),
            extremes_section(runs),
            percentiles_section(runs),
            *_figures_by_their_recipe(folder, data, longest(rows), shown),
            disagreement_section(runs, SPLIT_NAMES[SPLIT]),
            refusal_section(runs),
            people_section(runs, _calibrators(folder, data, runs[0])),
            heads_section(_heads(folder, data, longest(rows), first.name), prepared(data)[2]),
            label_statistics_section(splits, kept.classes),
            _from_file(
                first / "shift.json",
                "shift",
                SHIFT_TITLE,
                lambda evidence: shift_section(evidence, altered_examples(evidence, data.images)),
            ),
            _from_file(folder / "leak_test.json", "leak", "Does the split leak?", leak_section),
            proxies_section(runs),
            twins_section(longest(rows)),
            sweeps_section(everything, SPLIT),
            edge_section(runs[0]),
            _from_file(
                first / "neighbours.json",
                "neighbours",
                NEIGHBOURS_TITLE,
                lambda evidence: neighbours_section(evidence, data.images),
            ),
            _making_section(data, runs[0], first),
        ),
        footer=(
            "Written by experiments/ferplus_report.py of hetero_unc from the files beside it. "
            "Entropies in nats. No script, and nothing is loaded from elsewhere."
        ),
    )
    html.write_page(folder / "report.html", page)
    return folder / "report.html"


def _figures_by_their_recipe(folder, data, rows, shown):
    """The paper's two figures by its own recipe, where those above are by the corrected one."""
    theirs = rows_of_paper(rows, SPLIT, "published")
    if not theirs or theirs[0] in shown:
        return ()
    runs = [voted_run(folder, row, data) for row in theirs]
    galleries, percentiles = extremes_section(runs), percentiles_section(runs, "theirs")
    text = (
        "The same drawings of the networks that were trained as the paper trained its own, on the "
        "inputs that its code feeds."
    )
    return (
        html.Section(
            "theirs",
            "The paper's figures by its own recipe",
            (
                html.Text(text),
                html.Details(galleries.title, galleries.blocks),
                html.Details(percentiles.title, percentiles.blocks),
            ),
        ),
    )


def _heads(folder, data, rows, ours):
    """Recipe -> deterministic predictions of the first seed of each Gaussian head on its features.

    Only recipes that have several, so that the losses alone differ; on features of a compact
    network, those of the run `ours` that the page shows.
    """
    heads = {}
    for row in sorted(rows, key=lambda row: row["seed"]):
        other = row["recipe"] == "compact_features" and row["trunk"] != ours
        wanted = row["split"] == SPLIT and row["passes"] == 0 and not other
        if wanted and row["method"] in GAUSSIAN_HEADS:
            heads.setdefault(row["recipe"], {}).setdefault(row["method"], row)
    return {
        recipe: [(row, *predictions_of(folder, row, data)) for row in by_method.values()]
        for recipe, by_method in heads.items()
        if len(by_method) > 1
    }


def _calibrators(folder, data, run):
    """Numbers on the test part before and after each calibrator, fitted on the validation part."""
    path, deterministic = find_run(folder, run.row), run.row["passes"] == 0
    predictive = read_predictive(path, "validation", data, deterministic=deterministic)
    if predictive is None:
        return ()
    predictive, kept = voted_items(predictive, data, "validation", prepared(data)[0])
    fitting = predictive.summarise().probabilities
    forecast = run.summary.probabilities
    found = [("as it is", _numbers(run, forecast))]
    for name, calibrator in (
        ("temperature", metrics.TemperatureCalibrator()),
        ("vector", metrics.VectorCalibrator()),
        ("Dirichlet", metrics.DirichletCalibrator()),
    ):
        calibrator.fit(fitting, kept.votes)
        found.append((name, _numbers(run, calibrator.transform(forecast))))
    return tuple(found)


def _numbers(run, forecast):
    return {
        **calibration_of(run.votes, forecast),
        "cross_entropy": metrics.log_loss(run.shares, forecast),
    }


def _from_file(path, name, title, section):
    if not path.exists():
        return html.left_out(name, title, f"{path.name} is not in this folder")
    evidence = json.loads(path.read_text(encoding="utf-8"))
    if not evidence:
        return html.left_out(name, title, f"{path.name} is empty")
    return section(evidence)


def _title(data):
    title = "What do people see in a face, and does the network know when they differ?"
    return f"{title} (drawn faces, not FER+)" if isinstance(data, SyntheticFaces) else title


def _subtitle(data, run):
    passes = run.row["passes"]
    return (
        f"{len(run):,} images of {SPLIT_NAMES[SPLIT]}, {len(data):,} in all. {data.source}. "
        f"Unless said otherwise: {run.name}, seed {run.row['seed']}, "
        f"{f'{passes} dropout passes' if passes else 'without dropout passes'}; nine classes, "
        "“unknown” among them."
    )


def _making_section(data, run, path):
    nine, majority, _ = prepared(data)
    rows = (
        ("data", data.source),
        ("sha256 of the data", data.digest),
        ("protocol of votes and nine classes", nine.statement),
        ("protocol of eight classes", majority.statement),
        ("run shown", path.name),
        ("precision", str(run.row["precision"])),
        ("seconds of training", f"{run.row['seconds']:.0f}" if run.row["seconds"] else "–"),
        ("machine", str(run.row["machine"])),
        ("training images left out", str(run.row["left_out"] or "none")),
    )
    settings = (path / "config.json").read_text(encoding="utf-8")
    return html.Section(
        "making",
        "How this page was made",
        (
            html.Preformatted("make ferplus", "Command"),
            html.Table(
                "The data, the protocols and the run shown", ("what", "value"), rows, (0, 1)
            ),
            html.Details(
                "Configuration and versions of the run shown",
                (html.Preformatted(settings, "config.json"),),
            ),
        ),
    )
