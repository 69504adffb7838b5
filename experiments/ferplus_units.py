"""How many units of the paper's networks ever fire, and how large is what they read?

    python experiments/ferplus_units.py runs/ferplus

Looks at every trained network of `ferplus_paper.py` in the folder, on the faces of PublicTest, with
dropout off. A unit of the first hidden layer that is zero for all of them has no gradient any more.
Seconds a network. Prints a table, and writes units.json into the folder.

To expect, on a random trunk at Mixed_7a: grey values of 0 to 255 (the published recipe) make
features of mean 463, on which 0 to 4 of 128 units fire; standardised faces make features of mean
1.0, and 36 to 56 units that do.
"""

import argparse
import json
import pathlib

import numpy as np
from rich.console import Console
from rich.table import Table

from hetero_unc.start_up import errors_in_one_line, import_quietly

keras = import_quietly("keras")

from ferplus_evaluation import read_config
from ferplus_paper_runs import PaperRun
from ferplus_paper_training import compiled_model
from hetero_unc.inference import CachedFeatures
from hetero_unc.models import load_weights
from hetero_unc.predictive import Predictive
from hetero_unc.writing import write_json


def trained_runs(folder):
    """Folders of the finished networks; a method without passes has the weights of the other's."""
    folders = sorted(path.parent for path in folder.glob("*/best-*.npz"))
    return [path for path in folders if (path / "parts.json").exists()]


def units_of(run_folder, cache):
    """What a network reads and what its first hidden layer makes of it, as a row."""
    run = PaperRun(**read_config(run_folder))
    described = json.loads((cache / run.features[:16] / "features.json").read_text("utf-8"))
    features = CachedFeatures(
        cache / run.features[:16], described["names"], described["items"], described["digest"]
    ).read(run.endpoint)
    rows = Predictive.load(run_folder / "predictive-publictest-deterministic.npz").ids
    seen = features[rows]
    model = compiled_model(run, seen.shape[1])
    load_weights(model, next(run_folder.glob("best-*.npz")))
    hidden = keras.Model(model.inputs, model.get_layer("hidden_1").output)
    activations = np.asarray(hidden.predict(seen[:, None, None, :], verbose=0))
    activations = activations.reshape(len(rows), -1)
    return {
        "run": run_folder.name,
        "method": run.method,
        "recipe": run.recipe,
        "preprocessing": run.preprocessing,
        "endpoint": run.endpoint,
        "seed": run.seed,
        "n": len(rows),
        "features_mean": float(seen.mean()),
        "features_largest": float(seen.max()),
        "units": activations.shape[1],
        "units_that_fire": int((activations > 0).any(axis=0).sum()),
    }


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=pathlib.Path, help="folder of runs, with `features` in it")
    parser.add_argument("--cache", type=pathlib.Path, help="folder of features, if elsewhere")
    parser.add_argument(
        "--traceback", action="store_true", help="show where an error was raised, not it alone"
    )
    options = parser.parse_args(arguments)
    runs = trained_runs(options.folder)
    if not runs:
        raise ValueError(
            f"`folder` must hold finished runs of ferplus_paper.py. Received: {options.folder}"
        )
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for heading in ("run", "features, mean", "largest", "units that fire"):
        table.add_column(heading, no_wrap=True, justify="left" if heading == "run" else "right")
    rows = []
    for run_folder in runs:
        row = units_of(run_folder, options.cache or options.folder / "features")
        rows.append(row)
        numbers = f"{row['features_mean']:.1f}", f"{row['features_largest']:.0f}"
        table.add_row(row["run"], *numbers, f"{row['units_that_fire']} of {row['units']}")
        keras.backend.clear_session()
    write_json(options.folder / "units.json", rows)
    Console(width=110).print(table)


if __name__ == "__main__":
    with errors_in_one_line():
        main()
