"""Over which views of a face should a network's features be averaged? Chosen on validation images.

    python experiments/ferplus_views.py runs/ferplus/RUN --data-dir FOLDER

RUN is the folder of a compact network from `make ferplus`. A view is the face moved, enlarged or
turned a little, or in the mirror; what the network's `features` layer says of several views is
averaged, as `hetero_unc.models.averaged_over_views` does, and dropout is off. Only the tenth of
Training that is kept apart is looked at, never a scored part. A few minutes on two cores.

Prints accuracy on nine classes, the Jensen-Shannon distance to the votes and Pearson's r of the
predicted disagreement with that of the votes, for each set of views, with the difference from the
image alone and its standard error over images. Writes views.json into RUN. To expect, for the full
preset's first network: .2546 for the image alone, .2507 with its mirror image and both turned by 6
degrees either way (a change of -.0039 +- .0006, and of +1.2 +- 0.4 points of accuracy); more views
do no better.
"""

import argparse
import logging
import pathlib
import sys

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import ndimage

from hetero_unc.start_up import errors_in_one_line, import_quietly

keras = import_quietly("keras")

from ferplus_doubts import predicted_disagreement
from ferplus_end_to_end import parts_of, resized
from ferplus_evaluation import read_config
from hetero_unc import metrics
from hetero_unc.data import load_ferplus, load_synthetic_faces
from hetero_unc.inference import predict
from hetero_unc.training import load_model
from hetero_unc.writing import write_json

# Shift right and down in pixels, enlargement, degrees counter-clockwise.
STILL = (0, 0, 1.0, 0.0)
MOVED = [(-2, 0, 1.0, 0.0), (2, 0, 1.0, 0.0), (0, -2, 1.0, 0.0), (0, 2, 1.0, 0.0)]
ENLARGED = [(0, 0, 0.92, 0.0), (0, 0, 1.08, 0.0)]
TURNED = [(0, 0, 1.0, -6.0), (0, 0, 1.0, 6.0)]
TURNED_FURTHER = [(0, 0, 1.0, -12.0), (0, 0, 1.0, 12.0)]
# Name of a set of views -> the views, and whether the mirror image of each is one too.
SETS = {
    "the image alone": ([STILL], False),
    "mirror": ([STILL], True),
    "turned 6 degrees": ([STILL, *TURNED], False),
    "mirror, moved 2 pixels": ([STILL, *MOVED], True),
    "mirror, enlarged 8 %": ([STILL, *ENLARGED], True),
    "mirror, turned 6 degrees": ([STILL, *TURNED], True),
    "mirror, turned 6 and 12": ([STILL, *TURNED, *TURNED_FURTHER], True),
    "mirror, turned 6, enlarged": ([STILL, *TURNED, *ENLARGED], True),
    "all of these": ([STILL, *MOVED, *ENLARGED, *TURNED, *TURNED_FURTHER], True),
}

log = logging.getLogger("hetero_unc.experiments.ferplus")


def seen_as(images, view):
    """`(N, S, S, 1)` images in one view; what comes in from outside repeats the edge."""
    right, down, enlargement, degrees = view
    angle = np.deg2rad(degrees)
    back = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) / enlargement
    middle = np.array(images.shape[1:3]) / 2 - 0.5
    offset = middle - back @ (middle + np.array([down, right]))
    settings = {"offset": offset, "order": 1, "mode": "nearest"}
    seen = [ndimage.affine_transform(image[..., 0], back, **settings) for image in images]
    return np.stack(seen)[..., None]


def compare(trunk, head, images, votes):
    """A row for each set of views, of networks that read one image and one vector of features."""
    views = dict.fromkeys(view for some, _ in SETS.values() for view in some)
    features = {}
    for number, view in enumerate(views):
        log.info("view %d of %d: %s", number + 1, len(views), view)
        seen = images if view == STILL else seen_as(images, view)
        for mirrored, faces in ((False, seen), (True, seen[:, :, ::-1])):
            found = trunk.predict(faces, batch_size=256, verbose=0)
            features[view, mirrored] = np.asarray(found, np.float32)
    rows, alone = [], None
    for name, (some, mirror) in SETS.items():
        kept = [features[view, side] for view in some for side in ((False, True)[: 1 + mirror])]
        measured = scores(head, np.mean(kept, axis=0), votes)
        alone = alone or measured
        row = {"views": name, "times": len(kept)}
        for key in ("accuracy_9", "js_distance"):
            change = measured[key] - alone[key]
            row[key] = float(measured[key].mean())
            row[f"{key}_change"] = float(change.mean())
            row[f"{key}_standard_error"] = float(change.std(ddof=1) / np.sqrt(len(change)))
        row["pearson_predicted_disagreement"] = measured["r"]
        rows.append(row)
    return rows


def scores(head, features, votes):
    """Whether right and how far from the votes, an image; and r over all images."""
    predictive = predict(head, features)
    probabilities = predictive.summarise().probabilities
    shares = metrics.vote_shares(votes)
    foreseen = predicted_disagreement(predictive)
    return {
        "accuracy_9": (probabilities.argmax(axis=1) == shares.argmax(axis=1)).astype(float),
        "js_distance": metrics.jensen_shannon_distance(shares, probabilities),
        "r": float(np.corrcoef(foreseen, metrics.disagreement(votes))[0, 1]),
    }


def halves_of(model):
    """What reads one view up to `features`, and what reads the features, of a compact network."""
    trunks = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    if len(trunks) != 1 or "features" not in {layer.name for layer in model.layers}:
        raise ValueError(
            "`run` must be the folder of a compact network, which averages over views. "
            f"Received: layers {[layer.name for layer in model.layers]}"
        )
    head = keras.Sequential(
        [keras.Input(trunks[0].output_shape[1:]), model.layers[-1]], name="head_of_views"
    )
    return trunks[0], head


def main(arguments=None):
    options = parse(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    config = read_config(options.run)
    drawn = config["dataset"] == "synthetic"
    data = load_synthetic_faces(options.faces) if drawn else load_ferplus(options.data_dir)
    if data.digest != config["digest"]:
        raise ValueError(
            f"The data must be those of the run, {config['digest'][:8]}. "
            f"Received: {data.digest[:8]}"
        )
    trunk, head = halves_of(load_model(options.run / "model.keras"))
    chosen = parts_of(data).validation
    side = config["phases"][-1][0]
    rows = compare(trunk, head, resized(data.images[chosen], side), data.votes[chosen, :9])
    write_json(options.run / "views.json", {"n": len(chosen), "rows": rows})
    show(rows, len(chosen))


def show(rows, count):
    table = Table(box=None, caption=f"{count} images of the validation part; ± standard error")
    for heading in ("views", "times", "accuracy 9, %", "change", "JS distance", "change", "r"):
        table.add_column(heading, no_wrap=True)
    for row in rows:
        table.add_row(
            row["views"],
            str(row["times"]),
            f"{100 * row['accuracy_9']:.1f}",
            f"{100 * row['accuracy_9_change']:+.2f} ± {100 * row['accuracy_9_standard_error']:.2f}",
            f"{row['js_distance']:.4f}",
            f"{row['js_distance_change']:+.4f} ± {row['js_distance_standard_error']:.4f}",
            f"{row['pearson_predicted_disagreement']:.4f}",
        )
    Console(width=110).print(table)


def parse(arguments):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=pathlib.Path, help="folder of a compact network")
    parser.add_argument(
        "--data-dir",
        type=pathlib.Path,
        help="folder of fer2013.csv and fer2013new.csv; else HETERO_UNC_DATA",
    )
    parser.add_argument(
        "--faces", type=int, default=6000, help="how many were drawn, for a run on drawn faces"
    )
    parser.add_argument(
        "--traceback", action="store_true", help="show where an error was raised, not it alone"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    with errors_in_one_line():
        main()
