"""Images of a folder as an array that is read when it is asked for."""

import concurrent.futures
import contextlib
import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hetero_unc.checks import check_choice, check_count

__all__ = ["ImageFolder", "NamedImages", "find_images"]

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")
MODES = {1: "L", 3: "RGB"}
# What a decoder may be asked to unpack: a small file can hold a picture that fills the memory.
LARGEST = 64_000_000
SHOWN = 20
READERS = 4
# Files handed to the readers at a time: each waits in memory with its own future.
PART = 4096


def find_images(folder, ids):
    """The file of each item.

    Parameters
    ----------
    folder : str or Path
    ids : sequence of str
        Paths below `folder`, with or without the suffix of the file.

    Returns
    -------
    list of Path
        In the order of `ids`; every one an existing file inside `folder`, links followed.

    Raises
    ------
    NotADirectoryError
        If `folder` is no folder.
    ValueError
        If an item has no file, more than one, or one outside `folder`; the first 20 are named.
    """
    root = Path(folder).resolve()
    if not root.is_dir():
        raise NotADirectoryError(f"`folder` must be a folder of images. Received: {folder}")
    found, problems = [], []
    for name in ids:
        path, problem = _find(root, str(name))
        found.append(path)
        if problem:
            problems.append(f"{str(name)!r}: {problem}")
    if problems:
        shown = "; ".join(problems[:SHOWN])
        raise ValueError(
            f"Every item must have its image in {folder}. Received: {len(problems)} of "
            f"{len(found)} without: {shown}{'; ...' if len(problems) > SHOWN else ''}"
        )
    return found


def _find(root, name):
    if not name or "\0" in name:
        return None, "no name of a file"
    try:
        files = [root / name]
        if not files[0].is_file():
            # An id that has lost its suffix is still one; a dot within it may be none.
            candidates = [root / f"{name}{suffix}" for suffix in SUFFIXES]
            files = [path for path in candidates if path.is_file()]
    except OSError as error:
        return None, error.strerror or "no name of a file"
    if not files:
        return None, "no such file"
    if len(files) > 1:
        return None, f"{len(files)} files, {', '.join(path.name for path in files)}"
    path = files[0].resolve()
    if not path.is_relative_to(root):
        return None, "outside the folder"
    return path, None


class NamedImages(Mapping):
    """The small pictures of a folder by the id of their item, each read when it is asked for.

    Parameters
    ----------
    folder : str or Path
    ids : sequence of str
        Paths below `folder`, with or without the suffix. Items without a file inside the folder,
        or with more than one, are left out.
    side : int, default=96
        Of a picture, the longer one at most, pixels.

    Raises
    ------
    NotADirectoryError
        If `folder` is no folder.
    """

    def __init__(self, folder, ids, *, side=96):
        root = Path(folder).resolve()
        if not root.is_dir():
            raise NotADirectoryError(f"`folder` must be a folder of images. Received: {folder}")
        self.side = check_count(side, name="side")
        found = {str(name): _find(root, str(name)) for name in ids}
        self.files = {
            name: path
            for name, (path, problem) in found.items()
            if not problem and not _problem(path)
        }

    def __getitem__(self, name):
        """float32 `(H, W, 3)` in [0, 1]; ValueError where the file is damaged."""
        with _opened(self.files[name]) as image:
            image = image.convert("RGB")
            image.thumbnail((self.side, self.side))
            return np.asarray(image, np.float32) / 255

    def __iter__(self):
        return iter(self.files)

    def __len__(self):
        return len(self.files)


class ImageFolder:
    """Image files as an array `(N, H, W, K)`: indexed by rows, and read only then.

    Each image is turned as its camera says, made grey or RGB, and resized to one size. Rows that
    are asked for are float32 in [0, 1]. Nothing is kept, so any number of images may lie there.

    Parameters
    ----------
    files : sequence of Path
        From `find_images`.
    size : (int, int)
        H and W.
    channels : int, default=3
        1 or 3.

    Raises
    ------
    ValueError
        If there is no file, the size or the number of channels is wrong, or a file is no image
        that can be opened, or is of more than 64 million pixels; the first 20 are named. Only the
        heads of the files are read for that.
    """

    dtype = np.dtype(np.float32)
    ndim = 4

    def __init__(self, files, *, size, channels=3):
        self.files = [Path(path) for path in files]
        if not self.files:
            raise ValueError("`files` must not be empty. Received: none")
        if len(size) != 2:
            raise ValueError(f"`size` must be (H, W). Received: size={size}")
        self.size = tuple(check_count(side, name="each side of `size`") for side in size)
        self.channels = check_choice(channels, tuple(MODES), name="channels")
        self._refuse(map(_problem, self.files))

    @property
    def shape(self):
        """`(N, H, W, K)`."""
        return (len(self.files), *self.size, self.channels)

    def __len__(self):
        return len(self.files)

    def __getitem__(self, rows):
        chosen = np.arange(len(self))[rows]
        if np.ndim(chosen) == 0:
            return self._read(self.files[chosen])
        images = np.empty((len(chosen), *self.shape[1:]), np.float32)
        # Decoders leave Python's lock, so threads read side by side.
        with concurrent.futures.ThreadPoolExecutor(READERS) as pool:
            for place, image in enumerate(
                pool.map(self._read, map(self.files.__getitem__, chosen))
            ):
                images[place] = image
        return images

    def take(self, rows):
        """Another `ImageFolder`, of the rows only; nothing is read."""
        part = object.__new__(ImageFolder)
        part.files = [self.files[row] for row in np.asarray(rows)]
        part.size, part.channels = self.size, self.channels
        return part

    def check_whole(self):
        """Read every image once, so that a damaged one does not end hours of work.

        Raises
        ------
        ValueError
            Where images are damaged; the first 20 are named.
        """

        def problem(path):
            try:
                self._read(path)
            except ValueError as error:
                return str(error).removeprefix(f"{path} must be a whole image. Received: ")

        found = []
        with concurrent.futures.ThreadPoolExecutor(READERS) as pool:
            for start in range(0, len(self), PART):
                found += pool.map(problem, self.files[start : start + PART])
        self._refuse(found)

    def digests(self):
        """Digest of each file's bytes, str `(N,)`: equal for files that are equal."""
        return np.array([hashlib.sha256(path.read_bytes()).hexdigest() for path in self.files])

    def _refuse(self, problems):
        found = [
            f"{path.name}: {problem}"
            for path, problem in zip(self.files, problems, strict=True)
            if problem
        ]
        if found:
            shown = "; ".join(found[:SHOWN])
            raise ValueError(
                f"Every file must be an image. Received: {len(found)} of {len(self.files)} are "
                f"not: {shown}{'; ...' if len(found) > SHOWN else ''}"
            )

    def _read(self, path):
        from PIL import Image

        with _opened(path) as image:
            height, width = self.size
            image = image.convert(MODES[self.channels])
            image = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
            return np.asarray(image, np.float32).reshape(*self.size, self.channels) / 255


@contextlib.contextmanager
def _opened(path):
    """The image, turned as its camera says; a damaged one is named."""
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            yield ImageOps.exif_transpose(image)
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(f"{path} must be a whole image. Received: {error}") from error


def _problem(path):
    """What keeps a file from being an image, by its head alone; None for nothing."""
    from PIL import Image

    try:
        # Larger than its own limit, Pillow warns; ours is below it.
        with Image.open(path) as image:
            width, height = image.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return "not an image that can be opened"
    if width * height > LARGEST:
        return f"{width} x {height} pixels, more than {LARGEST:,}"
    return None
