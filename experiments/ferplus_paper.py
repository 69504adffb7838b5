"""FER+ as the paper does it: small networks with dropout on the features of a frozen trunk.

    python experiments/ferplus_paper.py --stage features      the cache of features, once
    python experiments/ferplus_paper.py --preset published    the published recipe
    python experiments/ferplus_paper.py --preset corrected    five methods, five seeds
    python experiments/ferplus_paper.py --preset endpoints    one method, six endpoints of the trunk
    python experiments/ferplus_paper.py --preset inputs       one method, four other preprocessings
    python experiments/ferplus_paper.py --preset rates        one method, seven rates, six endpoints
    python experiments/ferplus_paper.py --preset smoke        seconds, on drawn faces, for tests

`published`: grey values 0 to 255 as the released code feeds them; Adam 1e-4, or 1e-5 for UncNet;
the epochs whose checkpoints were evaluated; all of Training. `corrected`: standardised faces; all
methods at 1e-4; a tenth of Training, no image of which is on the other side, chooses the epoch;
*Baseline* is *UncNet* with dropout off, weight for weight, and so is *aleatoric* to *both*. Every
run stands in a folder of its own and resumes where it was stopped.

Where `published` is not the released code: a pass over Training ends in a smaller batch, which that
leaves out; probabilities are averaged over dropout passes, as in the paper, and not logits; and
*aleatoric* and *both* predict with the noise that they learn, which is a softplus and not the root
of an exponential.

Reproduces Ghandeharioun et al. (2019), https://arxiv.org/abs/1909.09285, sections 3 and 4. Their
trunk was trained on faces of CASIA-WebFace by identity; `--weights` takes the file of
any trunk, and without one it is random.
"""

import argparse
import dataclasses
import logging
import pathlib
import shutil
import sys

from hetero_unc.start_up import errors_in_one_line, import_quietly

keras = import_quietly("keras")

from ferplus_features import features_of
from ferplus_paper_runs import PRESETS, WITHOUT_PASSES, runs_of, trunk_name, trunk_of
from ferplus_paper_training import predict_all, train, training_parts
from hetero_unc.checks import check_count
from hetero_unc.data import load_ferplus, load_synthetic_faces
from hetero_unc.training import open_run_folder
from hetero_unc.writing import write_atomically, write_json

log = logging.getLogger("hetero_unc.experiments.ferplus")


def carry_out(run, data, features, folder):
    """Train and predict one run, or find it done; returns its folder."""
    config = dataclasses.asdict(run)
    with open_run_folder(folder / run.name, config) as run_folder:
        if not is_finished(run_folder):
            log.info("%s", run.name)
            parts = training_parts(run, data)
            images = features.read(run.endpoint)[:, None, None, :]
            model, chosen = train(run, data, images, parts, run_folder)
            predict_all(run, model, data, images, parts, run_folder)
            counts = {name: len(rows) for name, rows in parts.items()}
            write_json(run_folder / "parts.json", {**counts, "chosen_epoch": chosen})
    if run.recipe == "corrected":
        for method, same in WITHOUT_PASSES.items():
            if same == run.method:
                leave_without_passes(method, run, run_folder, folder)
    return run_folder


def is_finished(run_folder):
    """Whether a run left all its results; the last of them is written last."""
    return (run_folder / "parts.json").exists()


def leave_without_passes(method, run, run_folder, folder):
    """The folder of the method that is this one with dropout off: its deterministic predictions."""
    other = dataclasses.replace(run, method=method)
    with open_run_folder(folder / other.name, dataclasses.asdict(other)) as other_folder:
        if is_finished(other_folder):
            return
        predictions = sorted(run_folder.glob("predictive-*-deterministic.npz"))
        for path in [*predictions, run_folder / "history.csv", run_folder / "parts.json"]:
            with write_atomically(other_folder / path.name) as temporary:
                shutil.copyfile(path, temporary)


def main(arguments=None):
    options = parse(arguments)
    check_count(options.seeds, name="--seeds")
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    smoke = options.preset == "smoke"
    if options.synthetic or smoke:
        dataset, data = "synthetic", load_synthetic_faces(300 if smoke else 6000)
    else:
        dataset, data = "ferplus", load_ferplus(options.data_dir)
    base = {"dataset": dataset, "digest": data.digest}
    if options.weights is not None:
        base["trunk"] = trunk_name(options.weights)
    weights = None if options.weights is None else str(options.weights)
    cache = options.cache or options.out / "features"
    runs = runs_of(options.preset, {**base, "features": ""}, options.seeds)
    found = {}
    for preprocessing in dict.fromkeys(run.preprocessing for run in runs):
        trunk = trunk_of(preprocessing, weights, 75 if smoke else 160)
        log.info("features of %s: %s", preprocessing, ", ".join(trunk.endpoints))
        found[preprocessing] = features_of(data, trunk, cache, progress=sys.stdout.isatty())
    if options.stage == "features":
        return
    for run in runs:
        features = found[run.preprocessing]
        run = dataclasses.replace(run, features=features.digest)
        carry_out(run, data, features, options.out)
        keras.backend.clear_session()


def parse(arguments):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", choices=PRESETS, default="corrected")
    parser.add_argument("--stage", choices=("features", "runs"), default="runs")
    parser.add_argument(
        "--data-dir",
        type=pathlib.Path,
        help="folder of fer2013.csv and fer2013new.csv; else HETERO_UNC_DATA",
    )
    parser.add_argument("--seeds", type=int, default=5, help="of the corrected recipe")
    parser.add_argument("--synthetic", action="store_true", help="use drawn faces")
    parser.add_argument(
        "--weights", type=pathlib.Path, help="file of weights of the trunk; random without one"
    )
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/ferplus"))
    parser.add_argument("--cache", type=pathlib.Path, help="folder of features; else OUT/features")
    parser.add_argument(
        "--traceback", action="store_true", help="show where an error was raised, not it alone"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    with errors_in_one_line():
        main()
