"""Features of many images, computed once and kept on disk.

A cache is a folder whose name is a digest of all that decides its numbers: the weights of the
model, its layers with their settings, the images, and the type of the stored numbers. So features
of other weights are never taken for these. Work that is stopped goes on from the last whole part.
"""

import dataclasses
import hashlib
import json
import pathlib

import numpy as np
from keras import ops
from rich.progress import Progress

from hetero_unc.archives import read_arrays, write_arrays
from hetero_unc.checks import check_choice, check_count
from hetero_unc.inference.compiling import compiled_call
from hetero_unc.writing import write_json

__all__ = ["CachedFeatures", "cached_features"]

# Images to a file: some minutes of work at most are lost.
PART = 1024
STORED = ("float32", "float16")


@dataclasses.dataclass(frozen=True)
class CachedFeatures:
    """Features on disk.

    Attributes
    ----------
    folder : pathlib.Path
    names : tuple of str
        Of the outputs of the model.
    items : int
        N.
    digest : str
        Of all that decides the numbers, 64 hexadecimal digits.
    """

    folder: pathlib.Path
    names: tuple
    items: int
    digest: str

    def read(self, name):
        """The features of one output, float32 `(N, ...)`, in the order of the images.

        Raises
        ------
        OSError
            If a file is missing or may not be read.
        ValueError
            If `name` is none of `names`; naming the file, if one is not whole.
        """
        check_choice(name, self.names, name="name")
        parts = []
        for first in range(0, self.items, PART):
            path = _part(self.folder, name, first)
            part = _read(path).get("features", np.empty(0))
            if len(part) != min(PART, self.items - first):
                raise ValueError(f"{path} is not a whole part of a feature cache. Delete it")
            parts.append(part)
        return np.concatenate(parts).astype(np.float32, copy=False)


def cached_features(model, images, folder, *, batch_size=64, stored="float32", progress=False):
    """What a model makes of images, from disk where it has been computed before.

    Args:
        model: A built `keras.Model` of one input whose output is a dict of tensors. Its layers
            should bear names of their own: those that Keras numbers differ between processes, and
            with them the digest.
        images: Array `(N, ...)` of the input shape of the model, as uint8 or float32.
        folder: Path; each cache gets a folder of its own in it.
        batch_size: Integer; changes no number but by rounding.
        stored: `"float32"`, or `"float16"` at half the space and eleven bits of precision.
        progress: Whether to show a progress bar.

    Returns:
        `CachedFeatures`, complete.

    Raises:
        ValueError: If the images are empty or do not fit the model, if its output is no dict, if
            features are not finite in the type they are stored in, or if a cache of this digest
            is not one that this function wrote.
        OSError: If the folder cannot be written.
    """
    check_choice(stored, STORED, name="stored")
    check_count(batch_size, name="batch_size")
    images = np.asarray(images)
    shape = tuple(model.inputs[0].shape)[1:]
    if len(images) == 0 or images.shape[1:] != shape:
        raise ValueError(
            f"`images` must have shape (N, {', '.join(map(str, shape))}), N >= 1. "
            f"Received: shape={images.shape}"
        )
    # A Sequential model has no such attribute, and no dict either.
    output = getattr(model, "output", None)
    if not isinstance(output, dict):
        raise ValueError(f"`model` must return a dict. Received: output={output!r}")
    names = tuple(output)
    cache = _opened(pathlib.Path(folder), names, _key(model, images, stored), len(images))
    unfinished = [
        first
        for first in range(0, len(images), PART)
        if not all(_part(cache.folder, name, first).exists() for name in names)
    ]
    call = compiled_call(model)
    with Progress(transient=True, disable=not progress) as bar:
        task = bar.add_task("features", total=len(unfinished) * PART)
        for first in unfinished:
            part = images[first : first + PART]
            batches = []
            for start in range(0, len(part), batch_size):
                batches.append(_features(call, part[start : start + batch_size], batch_size))
                bar.advance(task, batch_size)
            for name in names:
                features = np.concatenate([batch[name] for batch in batches])
                _write(_part(cache.folder, name, first), features, stored)
    return cache


def _features(call, batch, size):
    """Outputs of one batch, which is filled up so that nothing is compiled for its size."""
    filling = np.repeat(batch[:1], size - len(batch), axis=0)
    filled = ops.convert_to_tensor(np.concatenate([batch, filling]), "float32")
    return {
        name: ops.convert_to_numpy(values)[: len(batch)] for name, values in call(filled).items()
    }


def _write(path, features, stored):
    with np.errstate(over="ignore"):  # looked at in the next line
        features = features.astype(stored)
    if not np.isfinite(features).all():
        raise ValueError(
            f"Features must be finite numbers of {stored}; a smaller input or float32 may help. "
            f"Received: NaN or infinite values for {path}"
        )
    write_arrays(path, {"features": features}, compress=False)


def _opened(folder, names, key, items):
    """The cache of this key in `folder`, new or as it was left."""
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    cache = CachedFeatures(folder / digest[:16], names, items, digest)
    path = cache.folder / "features.json"
    described = {"digest": digest, "key": key, "names": list(names), "items": items, "part": PART}
    if not path.exists():
        write_json(path, described)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if found != described:
        raise ValueError(
            f"{path} must describe the cache of these weights, images and layers. Received: "
            "another description. Delete the folder"
        )
    return cache


def _key(model, images, stored):
    weights = hashlib.sha256()
    for weight in model.weights:
        weights.update(weight.path.encode())
        weights.update(np.ascontiguousarray(ops.convert_to_numpy(weight)))
    pixels = hashlib.sha256(f"{images.dtype} {images.shape}".encode())
    pixels.update(np.ascontiguousarray(images))
    return {
        "weights": weights.hexdigest(),
        "layers": hashlib.sha256(model.to_json().encode()).hexdigest(),
        "images": pixels.hexdigest(),
        "stored": stored,
    }


def _part(folder, name, first):
    return folder / name / f"from-{first:07d}.npz"


def _read(path):
    remedy = "Delete it, and the features are computed again"
    return read_arrays(path, kind="part of a feature cache", remedy=remedy)
