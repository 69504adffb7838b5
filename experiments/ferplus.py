"""FER+: what ten people saw in 35,887 faces, and what networks say about it.

    make ferplus DATA_DIR=FOLDER     from fer2013.csv and fer2013new.csv to the page; hours
    make ferplus                     the same on drawn faces whose doubt is known; minutes
    make ferplus PRESET=large DATA_DIR=FOLDER    a wider and deeper network, for a GPU
    make ferplus PRESET=smoke        a minute, for tests

Reproduces *Characterizing Sources of Uncertainty to Proxy Calibration and Disambiguate Annotator
and Data Bias* (2019): its networks by its own recipe and by a corrected one (`ferplus_paper.py`),
and beside them a compact network from the pixels, on the votes (`ferplus_end_to_end.py`). Writes
`runs/ferplus/report.html` and `results.json`. Every run stands in a folder of its own and resumes
where it was stopped. The page shows all that is finished in the folder, whichever command trained
it; `python experiments/ferplus.py --page` writes it while training goes on.
"""

import argparse
import dataclasses
import json
import logging
import os
import pathlib
import sys

import numpy as np
from rich.console import Console
from rich.table import Table

from hetero_unc.start_up import errors_in_one_line, import_quietly

keras = import_quietly("keras")

import ferplus_end_to_end as end_to_end
import ferplus_heads as heads
import leak_test
from ferplus_average import average_of_equals
from ferplus_features import Trunk, features_of, network_of
from ferplus_neighbours import feature_neighbours
from ferplus_paper import carry_out
from ferplus_paper_runs import WITHOUT_PASSES, trunk_name, trunk_of
from ferplus_report import write_ferplus_report
from ferplus_results import in_order, main_rows
from ferplus_rows import Results
from ferplus_runs import PRESETS, compact_runs, paper_runs
from ferplus_shift import evaluate_shift
from hetero_unc.data import (
    identical_groups,
    load_fashion_mnist_test,
    load_ferplus,
    load_synthetic_faces,
)
from hetero_unc.data.sources import VARIABLE
from hetero_unc.inference import MonteCarloDropout
from hetero_unc.training import load_model
from hetero_unc.writing import write_json

SMOKE_FACES = 300
# Faces of the test part that the altered images are made from.
SHIFTED = 500
LEAK_TESTS = {
    "full": leak_test.Settings(),
    "large": leak_test.Settings(),
    "quick": dataclasses.replace(leak_test.Settings(), items=2000, seeds=(0,)),
    "smoke": leak_test.SMOKE,
}
# Heading -> key of a row, factor, decimals; narrow enough for a terminal of 80 columns.
COLUMNS = {
    "right\n9, %": ("accuracy_9", 100, 1),
    "right\n8, %": ("accuracy_8", 100, 1),
    "JS\ndist.": ("js_distance", 1, 3),
    "r,\naleat.": ("pearson_aleatoric", 1, 3),
    "r,\npred.": ("pearson_predicted_disagreement", 1, 3),
    "r,\nepist.": ("pearson_epistemic", 1, 3),
    "ECE,\nvotes": ("ece_votes", 1, 3),
}

log = logging.getLogger("hetero_unc.experiments.ferplus")


def main(arguments=None):
    options = parse(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    dataset, data = find_faces(options)
    refuse_to_replace(options.out, dataset)
    preset = options.preset or ("full" if dataset == "ferplus" else "quick")
    if options.weights is not None and not (options.page or options.without_trunk):
        # Read here, not after the hours of the compact networks.
        network_of(data, Trunk(str(options.weights), side=side_of(preset)), options.out)
    pictures = None if options.page else other_pictures(options.data_dir)
    results = Results(options.out, data)
    if not options.page:
        carry_out_compact(preset, dataset, data, pictures, results)
        if not options.without_trunk:
            carry_out_paper(preset, dataset, data, options, results)
    # Sweeps of ferplus_paper.py, and whatever earlier calls finished.
    results.take_all()
    if not results.rows:
        raise ValueError(
            f"`--page` needs a finished run on these data ({data.source}; `--data-dir` names "
            f"others). Received: {options.out} without one"
        )
    results.write()
    write_ferplus_report(options.out, data)
    show(results.rows, options.out / "report.html")


def refuse_to_replace(folder, dataset):
    """Drawn faces take minutes and FER+ hours: its page is not to be lost to a forgotten option."""
    path = folder / "results.json"
    there = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    if dataset == "synthetic" and any(row["dataset"] == "ferplus" for row in there):
        raise ValueError(
            "`--out` must not hold results on FER+ when faces are drawn; `--data-dir` names FER+, "
            f"or choose another folder. Received: {folder}"
        )


def side_of(preset):
    """Of the faces that the trunk reads."""
    return 75 if preset == "smoke" else 160


def carry_out_compact(preset, dataset, data, pictures, results):
    """The compact networks, what is asked of the first, and the average of those that are equal."""
    folder = results.folder
    compact = compact_runs(preset, dataset, data.digest)
    for run in compact:
        run_folder = end_to_end.carry_out(run, data, folder)
        results.add(run_folder)
        if run is compact[0]:
            results.add(end_to_end.balance(run, data, run_folder, folder))
            look_closer(run, data, folder, results, preset, pictures)
        keras.backend.clear_session()
    equals = [
        run for run in compact if dataclasses.replace(run, seed=compact[0].seed) == compact[0]
    ]
    if len(equals) > 1:
        results.add(average_of_equals([folder / run.name for run in equals], folder))


def find_faces(options):
    """`(name, data)`: FER+ where a folder of it is named or HETERO_UNC_DATA is set, else drawn."""
    if options.preset == "smoke":
        return "synthetic", load_synthetic_faces(SMOKE_FACES)
    if not options.synthetic and (options.data_dir or os.environ.get(VARIABLE)):
        return "ferplus", load_ferplus(options.data_dir)
    log.info("no FER+ here: faces are drawn, and their votes simulated. DATA_DIR names its folder")
    return "synthetic", load_synthetic_faces()


def look_closer(run, data, folder, results, preset, pictures):
    """What asks the trained network itself: altered faces, neighbours, other heads, the leak.

    What is found of the network stands in its run folder, as the answers of another are none of it.
    """
    run_folder = folder / run.name
    model = load_model(run_folder / "model.keras")
    parts = end_to_end.parts_of(data)
    rows = data.rows_of("PublicTest")[: 40 if preset == "smoke" else SHIFTED]
    rows = rows[data.votes[rows, :9].sum(axis=1) > 0]
    if not (run_folder / "shift.json").exists():
        passes = MonteCarloDropout(model, passes=min(run.passes, 20), seed=0)
        found = evaluate_shift(
            lambda images: passes.predict(end_to_end.resized(images, end_to_end.SIDE)),
            data.images[rows],
            data.votes[rows, :9],
            name="the compact network, trained on votes",
            rows=rows,
            other=pictures,
        )
        write_json(run_folder / "shift.json", found)
    features = heads.FeatureReader(model, data)
    if not (run_folder / "neighbours.json").exists():
        groups = identical_groups(data.images)[rows]
        found = feature_neighbours(features(rows)[:, 0, 0], rows, groups=groups)
        write_json(run_folder / "neighbours.json", found)
    for method in heads.LOSSES:
        head = heads.HeadRun(method, run.seed, run.dataset, run.digest, run.name)
        if preset == "smoke":
            head = dataclasses.replace(head, epochs=2, every=1)
        results.add(heads.carry_out(head, features, data, parts, folder))
    leak_test.run_once(LEAK_TESTS[preset], folder)


def other_pictures(data_dir):
    """Clothes where Fashion-MNIST is at hand, each in the middle of a black frame of 48 pixels."""
    data_dir = data_dir or os.environ.get(VARIABLE)
    if data_dir is None or not (pathlib.Path(data_dir) / "fashion_mnist").is_dir():
        return None
    clothes = load_fashion_mnist_test(data_dir)
    pixels = np.round(255 * clothes[:SHIFTED]).astype(np.uint8)
    return {"clothes": np.pad(pixels, ((0, 0), (10, 10), (10, 10), (0, 0)))}


def carry_out_paper(preset, dataset, data, options, results):
    base = {"dataset": dataset, "digest": data.digest}
    if options.weights is not None:
        base["trunk"] = trunk_name(options.weights)
    weights = None if options.weights is None else str(options.weights)
    runs = paper_runs(preset, {**base, "features": ""})
    alike = [run for run in runs if (run.method, run.recipe) == ("uncnet", "corrected")]
    alike = [run for run in alike if dataclasses.replace(run, seed=alike[0].seed) == alike[0]]
    found, equals = {}, []
    for run in runs:
        if run.preprocessing not in found:
            trunk = trunk_of(run.preprocessing, weights, side_of(preset))
            cache = options.out / "features"
            log.info("features of %s: %s", run.preprocessing, ", ".join(trunk.endpoints))
            found[run.preprocessing] = features_of(data, trunk, cache, progress=sys.stdout.isatty())
        features = found[run.preprocessing]
        described = dataclasses.replace(run, features=features.digest)
        folder = carry_out(described, data, features, options.out)
        results.add(folder)
        if run in alike:
            equals.append(folder)
        if run.recipe == "corrected":
            for method, same in WITHOUT_PASSES.items():
                if same == run.method:
                    results.add(options.out / dataclasses.replace(run, method=method).name)
        keras.backend.clear_session()
    if len(equals) > 1:
        results.add(average_of_equals(equals, options.out))


def parse(arguments):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--preset",
        choices=PRESETS,
        help="full for FER+ and quick for drawn faces, if not given",
    )
    parser.add_argument(
        "--data-dir",
        type=pathlib.Path,
        help="folder of fer2013.csv and fer2013new.csv; else HETERO_UNC_DATA, else drawn faces",
    )
    parser.add_argument(
        "--synthetic", action="store_true", help="draw faces, whatever else is there"
    )
    parser.add_argument(
        "--weights", type=pathlib.Path, help="weights of Inception-ResNet-v1; random without"
    )
    parser.add_argument(
        "--without-trunk",
        action="store_true",
        help="leave out the paper's networks, whose features take longest",
    )
    parser.add_argument(
        "--page", action="store_true", help="write the page of what is finished, and train nothing"
    )
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/ferplus"))
    parser.add_argument(
        "--traceback", action="store_true", help="show where an error was raised, not it alone"
    )
    return parser.parse_args(arguments)


def show(rows, report):
    """A table on the terminal for each recipe: PublicTest, a row a run, with passes too."""
    shown = [row for row in in_order(main_rows(rows)) if row["split"] == "publictest"]
    console = Console()
    for recipe in dict.fromkeys(row["recipe"] for row in shown):
        table = Table(
            box=None, padding=(0, 1, 0, 0), pad_edge=False, title=recipe, title_justify="left"
        )
        for heading in ("method", "ep-\nochs", "seed", "pas-\nses", *COLUMNS):
            table.add_column(
                heading, no_wrap=True, justify="left" if heading == "method" else "right"
            )
        for row in shown:
            if row["recipe"] != recipe:
                continue
            values = [
                "–" if row.get(key) is None else f"{factor * row[key]:.{decimals}f}"
                for key, factor, decimals in COLUMNS.values()
            ]
            settings = [str(row[key]) for key in ("epochs", "seed", "passes")]
            table.add_row(row["method"], *settings, *values)
        console.print(table)
    console.print(
        "PublicTest, the paper's nine columns; r is Pearson's with people's disagreement."
    )
    console.print(f"Report: {report}", soft_wrap=True)


if __name__ == "__main__":
    with errors_in_one_line():
        main()
