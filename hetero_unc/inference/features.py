"""Features of many images, computed once and kept on disk.

A cache is a folder whose name is a digest of all that decides its numbers: the weights of the
model, its layers with their settings, the images, and the type of the stored numbers. So features
of other weights are never taken for these. Work that is stopped goes on from the last whole part.
"""

import dataclasses
import hashlib
import json
import pathlib
import shutil

import keras
import numpy as np
from keras import ops
from rich.progress import Progress

from hetero_unc.archives import read_arrays, write_arrays
from hetero_unc.checks import as_array, check_array, check_choice, check_count
from hetero_unc.inference.compiling import compiled_call
from hetero_unc.writing import write_json

__all__ = ["CachedFeatures", "cached_features"]

# Images to a file: some minutes of work at most are lost.
PART = 1024
STORED = ("float32", "float16")
INDEX = "features.json"
# The model gets float32, to which others would be rounded; of objects a digest sees addresses only.
PIXELS = ("uint8", "float32")


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
    shapes : tuple of tuple
        Of one image's features, an output each; None for a size that depends on the image. Empty
        where nobody has said: then all parts must be alike.
    stored : str
        The type of the numbers on disk; empty for any that a cache may have.
    """

    folder: pathlib.Path
    names: tuple
    items: int
    digest: str
    shapes: tuple = ()
    stored: str = ""

    def read(self, name):
        """The features of one output, float32 `(N, ...)`, in the order of the images.

        Raises
        ------
        OSError
            If a file is missing or may not be read.
        ValueError
            If `name` is none of `names`; naming the file, if one is not whole, or holds other than
            finite features of the shape and the type of this cache.
        """
        check_choice(name, self.names, name="name")
        shape = self.shapes[self.names.index(name)] if self.shapes else (...,)
        stored = (self.stored,) if self.stored else STORED
        parts = []
        for first in range(0, self.items, PART):
            items = min(PART, self.items - first)
            part = _read(_part(self.folder, name, first), (items, *shape), stored)
            parts.append(part)
            shape, stored = part.shape[1:], (part.dtype,)  # what was open is alike in all parts
        return np.concatenate(parts).astype(np.float32, copy=False)


def cached_features(model, images, folder, *, batch_size=64, stored="float32", progress=False):
    """What a model makes of images, from disk where it has been computed before.

    Args:
        model: A built `keras.Model` of one input whose output is a dict of tensors. Its layers
            should bear names of their own: those that Keras numbers differ between processes, and
            with them the digest.
        images: Array `(N, ...)` of the input shape of the model, whose open sizes (None) take any;
            uint8, or float32 without NaN or infinity.
        folder: Path; each cache gets a folder of its own in it.
        batch_size: Integer; changes no number but by rounding.
        stored: `"float32"`, or `"float16"` at half the space and eleven bits of precision.
        progress: Whether to show a progress bar.

    Returns:
        `CachedFeatures`, complete.

    Raises:
        ValueError: If the images are of another type, not finite, empty or do not fit the model, if
            its output is no dict or has a name that no folder can have, if features are not finite
            in the type they are stored in, or if a cache of this digest is not one that this
            function wrote. A cache without any features leaves nothing on disk.
        OSError: If the folder cannot be written.
    """
    check_choice(stored, STORED, name="stored")
    check_count(batch_size, name="batch_size")
    shapes = _output_shapes(model)
    images = _checked_images(images, model)
    key = _key(model, images, stored)
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    cache = CachedFeatures(
        folder=pathlib.Path(folder) / digest[:16],
        names=tuple(shapes),
        items=len(images),
        digest=digest,
        shapes=tuple(shapes.values()),
        stored=stored,
    )
    is_new = _open(cache, key)
    try:
        _fill(cache, model, images, batch_size, progress)
    except BaseException:
        if is_new and not any(cache.folder.rglob("*.npz")):
            shutil.rmtree(cache.folder, ignore_errors=True)
        raise
    return cache


def _output_shapes(model):
    """Of each output of the model the shape of one image's features, by its name."""
    # A Sequential model has no such attribute, and no dict either.
    output = getattr(model, "output", None)
    tensors = list(output.values()) if isinstance(output, dict) else []
    if not tensors or not all(isinstance(tensor, keras.KerasTensor) for tensor in tensors):
        raise ValueError(f"`model` must return a dict of tensors. Received: output={output!r}")
    if len(model.inputs) != 1:
        raise ValueError(f"`model` must have one input. Received: {len(model.inputs)} inputs")
    for name in output:
        if not isinstance(name, str) or name in ("", ".", "..", INDEX) or set(name) & set("/\\\0"):
            raise ValueError(
                "Every output of `model` must have a name that a folder can have, without slashes "
                f"and other than {INDEX}. Received: {name!r}"
            )
    return {name: tuple(tensor.shape)[1:] for name, tensor in output.items()}


def _checked_images(images, model):
    images = as_array(images, name="images")
    if images.dtype not in PIXELS:
        raise ValueError(
            f"`images` must be an array of {' or '.join(PIXELS)}. "
            f"Received: dtype={images.dtype}, shape={images.shape}"
        )
    shape = tuple(model.inputs[0].shape)[1:]
    if images.ndim == 0 or len(images) == 0 or not _fits(images.shape[1:], shape):
        raise ValueError(
            f"`images` must have shape {_written(('N', *shape))}, N >= 1. "
            f"Received: shape={images.shape}"
        )
    if images.dtype != np.uint8:
        check_array(images, name="images", ndim=images.ndim)  # for finite values
    return images


def _fits(shape, wanted):
    """Whether a shape is the wanted one, of which sizes may be open, or all from an ellipsis on."""
    if ... in wanted:
        wanted = wanted[: wanted.index(...)]
        shape = shape[: len(wanted)]
    return len(shape) == len(wanted) and all(
        size in (None, found) for size, found in zip(wanted, shape, strict=True)
    )


def _written(shape):
    """A shape of which sizes may be open, for a message."""
    words = {None: "any", ...: "..."}
    return f"({', '.join(words.get(size, str(size)) for size in shape)})"


def _fill(cache, model, images, batch_size, progress):
    """Compute and write the parts that are missing."""
    unfinished = [
        first
        for first in range(0, len(images), PART)
        if not all(_part(cache.folder, name, first).exists() for name in cache.names)
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
            arrays = {}
            for name in cache.names:
                features = np.concatenate([batch[name] for batch in batches])
                path = _part(cache.folder, name, first)
                arrays[path] = _storable(features, cache.stored, path)
            for path, features in arrays.items():
                write_arrays(path, {"features": features}, compress=False)


def _features(call, batch, size):
    """Outputs of one batch, which is filled up so that nothing is compiled for its size."""
    filling = np.repeat(batch[:1], size - len(batch), axis=0)
    filled = ops.convert_to_tensor(np.concatenate([batch, filling]), "float32")
    return {
        name: ops.convert_to_numpy(values)[: len(batch)] for name, values in call(filled).items()
    }


def _storable(features, stored, path):
    with np.errstate(over="ignore"):  # looked at in the next line
        features = features.astype(stored)
    if not np.isfinite(features).all():
        raise ValueError(
            f"Features must be finite numbers of {stored}; a smaller input or float32 may help. "
            f"Received: NaN or infinite values for {path}"
        )
    return features


def _open(cache, key):
    """Describe a cache, or check that what is there is this one; whether it is new."""
    path = cache.folder / INDEX
    described = {
        "digest": cache.digest,
        "key": key,
        "names": list(cache.names),
        "items": cache.items,
        "part": PART,
    }
    is_new = not path.exists()
    if is_new:
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
    return is_new


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


def _read(path, shape, stored):
    remedy = "Delete it, and the features are computed again"
    features = read_arrays(path, kind="part of a feature cache", remedy=remedy).get("features")
    if features is None:
        raise ValueError(f"{path} is not a whole part of a feature cache: no `features`. {remedy}")
    if features.dtype not in stored or not _fits(features.shape, shape):
        raise ValueError(
            f"{path} is not a whole part of a feature cache: it must hold "
            f"{' or '.join(map(str, stored))} of shape {_written(shape)}. "
            f"Received: dtype={features.dtype}, shape={features.shape}. {remedy}"
        )
    if not np.isfinite(features).all():
        raise ValueError(
            f"{path} is not a whole part of a feature cache: it must be finite. Received: NaN or "
            f"infinite values. {remedy}"
        )
    return features
