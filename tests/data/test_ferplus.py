"""FER+ from files written here: small ones, and the published ones once more."""

import hashlib
import logging

import numpy as np
import pytest

from hetero_unc.data import ferplus_reading as module
from hetero_unc.data.ferplus import (
    CLASSES_8,
    CLASSES_9,
    SPLIT_CONVENTIONS,
    FerPlus,
    fer_label_to_ferplus,
)
from hetero_unc.data.ferplus_reading import PUBLISHED_DIGEST, load_ferplus

HEADER = (
    "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
)
USAGES = ("Training", "PublicTest", "PrivateTest")
MD5 = {
    "fer2013.csv": "f8428a1edbd21e88f42c73edd2a14f95",
    "fer2013new.csv": "413eba86d6e454536b99705b8c7fc5c5",
}


def small_ferplus(count=9, seed=0):
    rng = np.random.default_rng(seed)
    return FerPlus(
        images=rng.integers(0, 256, (count, 48, 48, 1), np.uint8),
        votes=rng.multinomial(10, np.full(10, 0.1), size=count),
        emotion=rng.integers(0, 7, count),
        usage=np.array(USAGES)[np.arange(count) % 3],
        names=np.array([f"fer{seed}{row:06d}.png" for row in range(count)]),
        source="made here",
    )


def write_csv(folder, ferplus):
    """Both files as published: for the published content, byte for byte."""
    folder.mkdir(parents=True, exist_ok=True)
    text = [str(value) for value in range(256)]
    with open(folder / "fer2013.csv", "w", newline="") as file:
        file.write("emotion,pixels,Usage\n")
        for image, emotion, usage in zip(
            ferplus.images, ferplus.emotion, ferplus.usage, strict=True
        ):
            pixels = " ".join([text[value] for value in image.ravel().tolist()])
            file.write(f"{emotion},{pixels},{usage}\n")
    lines = [
        f"{usage},{name},{','.join(map(str, votes))}"
        for usage, name, votes in zip(
            ferplus.usage, ferplus.names, ferplus.votes.tolist(), strict=True
        )
    ]
    (folder / "fer2013new.csv").write_bytes("\n".join([HEADER, *lines, ""]).encode())


def write_npz(path, ferplus, **changed):
    """One file, images as second differences modulo 256."""
    images = ferplus.images[..., 0]
    rows = np.diff(images, axis=2, prepend=np.uint8(0))
    arrays = {
        "images_delta2d": np.diff(rows, axis=1, prepend=np.uint8(0)),
        "votes": ferplus.votes.astype(np.uint8),
        "emotion": ferplus.emotion.astype(np.uint8),
        "usage": np.array([USAGES.index(usage) for usage in ferplus.usage], np.uint8),
        "image_name": ferplus.names,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **{name: a for name, a in {**arrays, **changed}.items() if a is not None})


def equal(one, other):
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("images", "votes", "emotion", "usage", "names")
    )


@pytest.fixture
def small(tmp_path):
    """A folder with the csv files of `small_ferplus`, and a place for the cache."""
    write_csv(tmp_path / "data", small_ferplus())
    return tmp_path / "data", tmp_path / "cache"


@pytest.mark.parametrize("inside", [".", "ferplus"])
def test_csv_files_are_read(tmp_path, inside):
    write_csv(tmp_path / inside, small_ferplus())
    ferplus = load_ferplus(tmp_path, tmp_path / "cache", digest=None)
    assert equal(ferplus, small_ferplus())
    assert ferplus.images.dtype == np.uint8
    assert ferplus.votes.dtype == ferplus.emotion.dtype == np.int64
    assert ferplus.digest == small_ferplus().digest
    assert ferplus.source == "FER2013 and FER+ csv files, content not compared"
    assert ferplus.images.flags.writeable


@pytest.mark.parametrize("inside", [".", "ferplus"])
def test_one_npz_file_gives_the_same(tmp_path, inside):
    write_npz(tmp_path / inside / "ferplus.npz", small_ferplus())
    ferplus = load_ferplus(tmp_path, digest=None)
    assert equal(ferplus, small_ferplus())
    assert ferplus.digest == small_ferplus().digest


def test_the_folder_may_be_named_by_the_environment(small, monkeypatch):
    monkeypatch.setenv("HETERO_UNC_DATA", str(small[0]))
    monkeypatch.setenv("XDG_CACHE_HOME", str(small[1]))
    assert len(load_ferplus(digest=None)) == 9
    assert len(list((small[1] / "hetero_unc").glob("ferplus-*.npz"))) == 1


def test_without_a_folder_both_ways_to_name_one_are_said(monkeypatch):
    monkeypatch.delenv("HETERO_UNC_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match=r"`data_dir` must name .* HETERO_UNC_DATA must"):
        load_ferplus()


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"fer2013\.csv and fer2013new\.csv.*none of them"):
        load_ferplus(tmp_path)
    (tmp_path / "fer2013.csv").touch()
    with pytest.raises(FileNotFoundError, match=r"which holds .*fer2013\.csv$"):
        load_ferplus(tmp_path)


def test_another_content_than_the_published_one_is_refused(small):
    with pytest.raises(ValueError, match=r"FER\+ as published.*digest=None.*9 rows") as error:
        load_ferplus(*small)
    assert PUBLISHED_DIGEST in str(error.value)
    assert small_ferplus().digest in str(error.value)


def test_votes_on_other_images_are_refused_by_the_digest_and_not_kept(small):
    other = small_ferplus(seed=1)
    write_csv(small[0] / "other", other)
    (small[0] / "other" / "fer2013new.csv").replace(small[0] / "fer2013new.csv")
    with pytest.raises(ValueError, match="these files are altered, incomplete or another set"):
        load_ferplus(*small, digest=small_ferplus().digest)
    assert not small[1].exists()


def test_the_folder_of_the_cache_may_be_in_the_home_folder(small, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    load_ferplus(small[0], "~/cache", digest=None)
    assert len(list((tmp_path / "home" / "cache").glob("ferplus-*.npz"))) == 1
    assert not (tmp_path / "~").exists()


def test_files_of_different_length_are_refused(small):
    path = small[0] / "fer2013new.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:-2]) + "\n")
    with pytest.raises(
        ValueError, match=r"same rows in the same order\..*9 images, 7 rows of votes"
    ):
        load_ferplus(*small, digest=None)
    assert not small[1].exists()


def test_files_in_different_order_are_refused(small):
    path = small[0] / "fer2013new.csv"
    header, *lines = path.read_text().splitlines()
    path.write_text("\n".join([header, *lines[1:], lines[0]]) + "\n")
    with pytest.raises(ValueError, match=r"row 0 is Training in the first and PublicTest .*9 rows"):
        load_ferplus(*small, digest=None)


def test_a_damaged_file_leaves_nothing_half_written(small):
    path = small[0] / "fer2013.csv"
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(ValueError, match=r"fer2013\.csv, row 8"):
        load_ferplus(*small, digest=None)
    assert not small[1].exists()


def test_csv_files_are_parsed_once(small, monkeypatch):
    first = load_ferplus(*small, digest=None)
    monkeypatch.setattr(module, "read_fer2013_csv", None)
    again = load_ferplus(*small, digest=None)
    assert equal(first, again)
    assert (again.digest, again.source) == (first.digest, first.source)


def test_other_files_in_the_same_folder_are_parsed_anew(small):
    load_ferplus(*small, digest=None)
    write_csv(small[0], small_ferplus(seed=1))
    assert equal(load_ferplus(*small, digest=None), small_ferplus(seed=1))


@pytest.mark.parametrize("damage", ["shortened", "altered", "of another kind"])
def test_a_damaged_cache_is_replaced_and_the_log_says_so(small, caplog, damage):
    load_ferplus(*small, digest=None)
    (cached,) = small[1].iterdir()
    whole = cached.read_bytes()
    if damage == "shortened":
        cached.write_bytes(whole[:5000])
    elif damage == "altered":
        with np.load(cached) as arrays:
            changed = {name: arrays[name] for name in arrays.files}
        changed["votes"] = changed["votes"][:, ::-1]
        np.savez(cached, **changed)
    else:
        np.savez(cached, something=np.arange(3))
    with caplog.at_level(logging.WARNING, "hetero_unc.data"):
        assert equal(load_ferplus(*small, digest=None), small_ferplus())
    assert "cache of FER+ not usable" in caplog.text
    assert cached.read_bytes() == whole


def test_a_cache_that_cannot_be_written_is_done_without(small, caplog):
    small[1].write_text("a file where the folder should be")
    with caplog.at_level(logging.WARNING, "hetero_unc.data"):
        assert len(load_ferplus(*small, digest=None)) == 9
    assert "not kept for the next time" in caplog.text


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"votes": None}, "must hold the arrays images_delta2d, votes,"),
        ({"usage": np.full(9, 3, np.uint8)}, r"`usage` must hold 0 to 2\. Received: 3"),
        ({"usage": np.full(9, 2)}, r"`usage` must be uint8 .* Received: dtype=int64, shape=\(9,\)"),
        ({"usage": np.full(9, "Training")}, r"`usage` must be uint8 .* Received: dtype=<U8"),
        ({"usage": np.array([])}, r"`usage` must be uint8 .* shape=\(0,\)"),
        ({"usage": np.array([], np.uint8)}, "All arrays must have the same length.*'usage': 0"),
        ({"usage": np.uint8(1)}, r"`usage` must be uint8 of shape \(N,\)"),
        ({"votes": np.full((9, 10), "1")}, "`votes` must be numeric"),
        ({"emotion": np.full(9, "1")}, "`emotion` must be integers"),
        ({"emotion": np.full(9, 7, np.uint8)}, r"`emotion` must lie in \[0, 7\)"),
        ({"votes": np.zeros((9, 10), np.uint8)}, "Every row of `votes` must hold a vote"),
        ({"images_delta2d": np.zeros((9, 32, 48), np.uint8)}, r"must be uint8 .*\(9, 32, 48\)"),
        ({"images_delta2d": np.zeros((9, 48), np.uint8)}, "`images_delta2d` must be uint8 of"),
        ({"images_delta2d": np.full((9, 48, 48), np.nan)}, "must be uint8 .* dtype=float64"),
        ({"images_delta2d": np.full((9, 48, 48), -1)}, "must be uint8 .* dtype=int64"),
        ({"images_delta2d": np.full((9, 48, 48), "a")}, "must be uint8 .* dtype=<U1"),
        ({"image_name": np.arange(9)}, r"`names` must hold str, shape \(N,\). Received: dtype=int"),
        ({"image_name": np.array(["a"])}, "All arrays must have the same length.*'names': 1"),
    ],
)
def test_a_wrong_npz_file_is_refused(tmp_path, changed, message):
    path = tmp_path / "ferplus.npz"
    write_npz(path, small_ferplus(), **changed)
    with pytest.raises(ValueError, match=message) as error:
        load_ferplus(tmp_path, digest=None)
    assert str(path) in str(error.value)


def test_a_shortened_npz_file_is_refused(tmp_path):
    path = tmp_path / "ferplus.npz"
    write_npz(path, small_ferplus())
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"ferplus\.npz is not a whole npz of FER\+.*Fetch"):
        load_ferplus(tmp_path, digest=None)


def test_lists_are_taken_as_arrays():
    ferplus = small_ferplus()
    lists = {name: list(getattr(ferplus, name)) for name in module.ARRAYS}
    again = FerPlus(**lists, source="lists")
    assert equal(again, ferplus)
    assert again.digest == ferplus.digest
    assert again.rows_of("PublicTest").tolist() == [1, 4, 7]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"images": [[1, 2], [3]]}, "`images` must be an array. Received: "),
        ({"images": [0] * 9}, r"`images` must be uint8 of shape .* Received: dtype=int64, shape"),
        ({"usage": [1] * 9}, r"`usage` must hold str, shape \(N,\). Received: dtype=int64"),
        ({"usage": "Training"}, r"`usage` must hold str, shape \(N,\). Received: .*shape=\(\)"),
        ({"names": [None] * 9}, r"`names` must hold str, shape \(N,\). Received: dtype=object"),
    ],
)
def test_lists_of_another_kind_are_refused(changed, message):
    arrays = {name: getattr(small_ferplus(), name) for name in module.ARRAYS}
    with pytest.raises(ValueError, match=message):
        FerPlus(**{**arrays, **changed}, source="lists")


def test_the_digest_counts_content_and_order():
    ferplus = small_ferplus()
    arrays = {name: getattr(ferplus, name) for name in module.ARRAYS}
    digests = {ferplus.digest}
    for name, array in arrays.items():
        changed = FerPlus(**{**arrays, name: array[::-1]}, source="elsewhere")
        digests.add(changed.digest)
    assert len(digests) == 6
    assert FerPlus(**arrays, source="elsewhere").digest == ferplus.digest


def test_rows_of_one_part_are_positions():
    assert small_ferplus().rows_of("PublicTest").tolist() == [1, 4, 7]
    with pytest.raises(ValueError, match=r"`usage` must be one of .* Received: usage='test'"):
        small_ferplus().rows_of("test")


def test_labels_of_fer_keep_their_meaning():
    fer = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
    assert [CLASSES_9[label] for label in fer_label_to_ferplus(np.arange(7))] == list(fer)
    with pytest.raises(ValueError, match=r"`emotion` must lie in \[0, 7\)"):
        fer_label_to_ferplus([7])


def test_both_split_conventions_hold_all_three_parts():
    assert (*CLASSES_8, "unknown") == CLASSES_9
    for convention in SPLIT_CONVENTIONS.values():
        assert sorted(convention.values()) == sorted(USAGES)
    assert SPLIT_CONVENTIONS["uncnet"]["test"] == SPLIT_CONVENTIONS["ferplus"]["validation"]


@pytest.mark.real_data
def test_csv_files_of_the_first_rows_give_back_what_they_were_written_from(real_ferplus, tmp_path):
    rows = np.sort(np.concatenate([real_ferplus.rows_of(usage)[:200] for usage in USAGES]))
    arrays = {name: getattr(real_ferplus, name)[rows] for name in module.ARRAYS}
    first = FerPlus(**arrays, source="the first rows")
    write_csv(tmp_path, first)
    assert equal(load_ferplus(tmp_path, tmp_path / "cache", digest=None), first)


@pytest.mark.real_data
@pytest.mark.slow
def test_the_published_csv_files_are_read_whole(real_ferplus, tmp_path):
    write_csv(tmp_path, real_ferplus)
    for name, md5 in MD5.items():
        found = hashlib.md5((tmp_path / name).read_bytes(), usedforsecurity=False).hexdigest()
        assert found == md5, f"{name} is not written as published"
    # The first reading parses, the second takes the cache; both check the published digest.
    for _ in range(2):
        assert len(load_ferplus(tmp_path, tmp_path / "cache")) == 35_887
