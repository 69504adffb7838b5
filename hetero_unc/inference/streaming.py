"""Predictions of any number of images into one file, part by part, with resuming."""

import hashlib
import json
import pathlib
import shutil
import zipfile

import numpy as np

from hetero_unc.checks import check_count
from hetero_unc.locking import locked
from hetero_unc.predictive import Predictive, PredictiveSummary
from hetero_unc.writing import write_atomically, write_json

__all__ = ["predict_to_file"]

ARRAYS = ("probabilities", "loc", "scale")


def predict_to_file(
    monte_carlo, images, ids, path, *, classes, settings, trained_on=None, part=1024, report=None
):
    """Predict images that may not fit into memory; returns their `PredictiveSummary`.

    Each part is written to `PATH.parts/` when it is done, and is not predicted again by a second
    call with the same images and settings. The folder goes when the file is whole.

    Args:
        monte_carlo: `MonteCarloDropout`.
        images: Array `(N, H, W, K)`, or an `ImageFolder`, which is read part by part.
        ids: Sequence of N different strings.
        path: Of the npz file: probabilities, loc and scale `(P, N, C)` float32, ids, classes; what
            `hetero_unc.data.read_predictions` and `hetero-unc audit` read.
        classes: Sequence of C names.
        settings: JSON-serialisable dict of all that decides the predictions, model included.
        trained_on: None, or N booleans: images that the model was trained on. Written to the file.
        part: Integer, images at a time.
        report: None, or called with the number of images done after each part.

    Raises:
        ValueError: If `ids` and `images` differ in length; if the parts that are there are of other
            images or settings.
        RuntimeError: If another process is at work on the same file.
        OSError: If a file cannot be written.
    """
    check_count(part, name="part")
    ids = np.asarray(ids, dtype=str)
    if len(ids) != len(images):
        raise ValueError(
            f"`ids` must have one entry an image. Received: {len(ids)} ids, {len(images)} images"
        )
    path = pathlib.Path(path)
    folder = path.with_name(f"{path.name}.parts")
    named = {"ids": ids, "classes": np.asarray(classes, dtype=str)}
    if trained_on is not None:
        named["trained_on"] = np.asarray(trained_on, dtype=bool)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        _check_settings(folder, ids, {**settings, "part": part})
        summaries, files = [], []
        for start in range(0, len(ids), part):
            rows = slice(start, start + part)
            file = folder / f"part-{start // part:06d}.npz"
            if not file.exists():
                monte_carlo.predict(images[rows], ids=ids[rows]).save(file)
            summaries.append(Predictive.load(file).summarise())
            files.append(file)
            if report is not None:
                report(min(start + part, len(ids)))
        _join(files, path, len(ids), named)
        shutil.rmtree(folder)
    return PredictiveSummary.concatenate(summaries)


def _check_settings(folder, ids, settings):
    """See that the parts in the folder, if any, are of this call."""
    digest = hashlib.sha256("\n".join(ids).encode()).hexdigest()
    wanted = json.loads(json.dumps({**settings, "images": len(ids), "ids": digest}))
    file = folder / "settings.json"
    if file.exists():
        found = json.loads(file.read_text(encoding="utf-8"))
        different = sorted(
            name for name in wanted.keys() | found if wanted.get(name) != found.get(name)
        )
        if different:
            raise ValueError(
                f"{folder} must hold parts of the same predictions. Received: others, which differ "
                f"in {', '.join(different)}. Delete it, or name another file"
            )
    write_json(file, wanted)


def _join(files, path, items, named):
    """One npz of all parts and of the arrays of `named`; a part of it is in memory at a time."""
    first = Predictive.load(files[0])
    names = [name for name in ARRAYS if getattr(first, name) is not None]
    shape = (first.passes, items, first.probabilities.shape[2])
    with write_atomically(path) as temporary:
        stores = {
            name: np.lib.format.open_memmap(
                files[0].with_name(f"{name}.npy"), mode="w+", dtype=np.float32, shape=shape
            )
            for name in names
        }
        start = 0
        for file in files:
            part = Predictive.load(file)
            for name, store in stores.items():
                store[:, start : start + len(part)] = getattr(part, name)
            start += len(part)
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name, store in stores.items():
                store.flush()
                archive.write(files[0].with_name(f"{name}.npy"), f"{name}.npy")
            for name, values in named.items():
                with archive.open(f"{name}.npy", "w") as entry:
                    np.lib.format.write_array(entry, values, allow_pickle=False)
