"""Predictions of anyone: every form of file gives the same arrays, and no other is taken."""

import pickle
import zipfile

import numpy as np
import pytest

from hetero_unc.data import Predictions, read_predictions
from hetero_unc.predictive import Predictive

IDS = ["a.png", "b.png", "c.png"]
CLASSES = ["cat", "dog"]
PASSES = np.array([[[0.5, 0.5], [1, 0], [0.25, 0.75]], [[0.75, 0.25], [0, 1], [0.5, 0.5]]])
LOC = np.arange(12.0).reshape(2, 3, 2)


def rows_of_passes(part=PASSES):
    """`(pass, item, numbers)` in an order that is neither by pass nor by item."""
    order = [(0, 0), (1, 2), (1, 0), (0, 2), (0, 1), (1, 1)]
    return [(turn, item, part[turn, item]) for turn, item in order]


def check_whole(found):
    """Items come in the order of the first row of each, passes too."""
    order = [IDS.index(name) for name in found.ids.tolist()]
    assert sorted(order) == [0, 1, 2]
    np.testing.assert_allclose(found.probabilities, PASSES[:, order])
    return order


@pytest.mark.parametrize("compress", [False, True])
def test_npz_of_several_passes(tmp_path, compress):
    path = tmp_path / "predictions.npz"
    save = np.savez_compressed if compress else np.savez
    save(path, probabilities=PASSES, ids=IDS, classes=CLASSES, loc=LOC, scale=LOC + 1, labels=[1])
    found = read_predictions(path)
    assert check_whole(found) == [0, 1, 2]
    assert found.classes == ("cat", "dog")
    assert (found.passes, len(found)) == (2, 3)
    np.testing.assert_array_equal(found.loc, LOC)
    np.testing.assert_array_equal(found.scale, LOC + 1)


def test_npz_of_probabilities_alone(tmp_path):
    np.savez(tmp_path / "predictions.npz", probabilities=PASSES[0])
    found = read_predictions(tmp_path / "predictions.npz")
    np.testing.assert_array_equal(found.probabilities, PASSES[:1])
    assert (found.ids, found.classes, found.loc, found.scale) == (None, None, None, None)


def test_npz_says_what_the_model_was_trained_on(tmp_path):
    path = tmp_path / "predictions.npz"
    trained_on = np.array([True, False, True])
    np.savez(path, probabilities=PASSES, ids=IDS, trained_on=trained_on)
    found = read_predictions(path)
    np.testing.assert_array_equal(found.trained_on, trained_on)
    np.testing.assert_array_equal(found.take([2, 1]).trained_on, [True, False])
    for wrong in (trained_on[:2], trained_on.astype(int), trained_on[:, None]):
        np.savez(path, probabilities=PASSES, ids=IDS, trained_on=wrong)
        with pytest.raises(ValueError, match="`trained_on` must be 3 booleans"):
            read_predictions(path)


def test_what_predictive_saved_is_read(tmp_path):
    Predictive(probabilities=PASSES, ids=np.array([3, 5, 7]), loc=LOC, scale=LOC + 1).save(
        tmp_path / "predictive.npz"
    )
    found = read_predictions(tmp_path / "predictive.npz")
    np.testing.assert_array_equal(found.probabilities, PASSES)
    assert found.ids.tolist() == ["3", "5", "7"]
    np.testing.assert_array_equal(found.scale, LOC + 1)


@pytest.mark.parametrize(
    ("stored", "kept"),
    [("f2", "f4"), ("f4", "f4"), ("f8", "f8"), (">f4", "f4"), (">f8", "f8"), ("g", "f8")],
)
def test_numbers_keep_single_or_double_precision(tmp_path, stored, kept):
    np.savez(tmp_path / "predictions.npz", probabilities=PASSES.astype(stored))
    found = read_predictions(tmp_path / "predictions.npz")
    assert found.probabilities.dtype == np.dtype(kept)
    assert found.probabilities.dtype.isnative
    np.testing.assert_array_equal(found.probabilities, PASSES)


def test_one_hot_integers_are_probabilities():
    assert Predictions(np.eye(3, dtype=int)).probabilities.dtype == np.float64


def test_csv_with_a_row_for_each_pass(tmp_path):
    path = tmp_path / "predictions.csv"
    scale = LOC + 1
    lines = [
        # The classes of the scale stand in another order than those of the probabilities.
        f"{IDS[item]},{turn},{p[0]},{p[1]},{scale[turn, item, 1]},{scale[turn, item, 0]}"
        for turn, item, p in rows_of_passes()
    ]
    header = "id,pass,probability_cat,probability_dog,scale_dog,scale_cat"
    path.write_text("\n".join([header, *lines]))
    found = read_predictions(path)
    order = check_whole(found)
    assert found.classes == ("cat", "dog")
    np.testing.assert_array_equal(found.scale, scale[:, order])


def test_csv_without_passes_or_ids(tmp_path):
    path = tmp_path / "predictions.csv"
    path.write_text("probability_cat,probability_dog\n.5,.5\n1,0\n")
    found = read_predictions(path)
    assert found.probabilities.tolist() == [[[0.5, 0.5], [1, 0]]]
    assert found.ids is None


def test_csv_equals_a_reader_of_its_own(tmp_path):
    rng = np.random.default_rng(0)
    expected = rng.dirichlet(np.ones(4), (3, 20))
    path = tmp_path / "predictions.csv"
    flat = expected.reshape(60, 4)
    table = np.column_stack([np.tile(np.arange(20), 3), np.repeat(np.arange(3), 20), flat])
    shuffled = table[rng.permutation(60)]
    header = "id,pass,probability_a,probability_b,probability_c,probability_d"
    np.savetxt(path, shuffled, delimiter=",", header=header, comments="", fmt="%.17g")
    found = read_predictions(path)
    first_pass = list(dict.fromkeys(shuffled[:, 1].astype(int)))
    for item, name in enumerate(found.ids.tolist()):
        np.testing.assert_array_equal(found.probabilities[:, item], expected[first_pass, int(name)])


@pytest.mark.parametrize("kind", ["flat", "list of classes", "list of passes"])
def test_parquet_and_data_frames(tmp_path, kind):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    pytest.importorskip("narwhals")
    if kind == "list of passes":
        columns = {"id": IDS, "probabilities": PASSES.swapaxes(0, 1).tolist()}
    else:
        rows = rows_of_passes()
        columns = {"image": [IDS[item] for _, item, _ in rows], "pass": [row[0] for row in rows]}
        numbers = np.array([row[2] for row in rows])
        if kind == "flat":
            columns |= {"probability_cat": numbers[:, 0], "probability_dog": numbers[:, 1]}
        else:
            columns |= {"probabilities": numbers.tolist()}
    table = pyarrow.table(columns)
    parquet.write_table(table, tmp_path / "predictions.parquet")
    for source in (tmp_path / "predictions.parquet", table):
        found = read_predictions(source)
        check_whole(found)
        assert found.classes == (("cat", "dog") if kind == "flat" else None)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"ids": IDS}, "must hold an array `probabilities`"),
        ({"probabilities": PASSES[0, 0]}, "`probabilities` must have 3 axes"),
        ({"probabilities": PASSES * 2}, "these may be logits or counts"),
        ({"probabilities": PASSES - 1}, "`probabilities` must be >= 0"),
        ({"probabilities": PASSES * np.nan}, "`probabilities` must be finite"),
        ({"probabilities": PASSES[..., :1]}, "must have at least 2 classes"),
        ({"probabilities": PASSES[:, :0]}, "`probabilities` must not be empty"),
        ({"probabilities": PASSES + 0j}, "`probabilities` must be numeric"),
        ({"probabilities": PASSES, "ids": IDS[:2]}, "`ids` must be 3 integers or strings"),
        ({"probabilities": PASSES, "ids": ["a", "b", "a"]}, "`ids` must be unique"),
        ({"probabilities": PASSES, "ids": [0.5, 1, 2]}, "Received: dtype=float64"),
        ({"probabilities": PASSES, "classes": ["cat"]}, "at least 2 different names"),
        ({"probabilities": PASSES, "classes": ["a", "b", "c"]}, "name the 2 classes"),
        ({"probabilities": PASSES, "classes": [[1.5]]}, "`classes` as names, shape"),
        ({"probabilities": PASSES, "loc": LOC[:1]}, "`loc` must have the shape of"),
        ({"probabilities": PASSES, "scale": LOC - 1}, "`scale` must be >= 0. Received: minimum=-1"),
    ],
)
def test_arrays_that_are_no_predictions_are_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "predictions.npz", **arrays)
    with pytest.raises(ValueError, match=message) as error:
        read_predictions(tmp_path / "predictions.npz")
    assert "predictions.npz" in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,cat,dog\na,1,0\n", "'probability_CLASS' for each of at least 2 classes"),
        ("id,probability_a\na,1\n", "at least 2 classes"),
        ("pass,probability_a,probability_b\n0,1,0\n", "a column image or id beside"),
        ("id,image,probability_a,probability_b\n", "one column that names the items"),
        ("id,probability_a,probability_b\n", "for at least one item. Received: none"),
        ("id,probability_a,probability_b,loc_a\n", "'loc_CLASS' for every class or for none"),
        ("id,probability_a,probability_b\nx,1,0\nx,0,1\n", "line 3: 'x' was there before"),
        ("id,probability_a,probability_b\nx,1,zero\n", "line 2: holds 'zero', no number"),
        ("id,probability_a,probability_b\nx,1,\n", "line 2: holds '', no number"),
        ("id,probability_a,probability_b\nx,1\n", "line 2: has 2 cells, not 3"),
        ("id,probability_a,probability_b\nx,nan,1\n", "line 2: `probabilities` is not finite"),
        ("id,probability_a,probability_b\nx,2,-1\n", "line 2: `probabilities` holds -1, below 0"),
        ("id,probability_a,probability_b\nx,2,5\n", "line 2: .* sum to 7, not 1; these may be log"),
        (
            "id,probability_a,probability_b,scale_a,scale_b\nx,1,0,1,-2\n",
            "line 2: `scale` holds -2, below 0",
        ),
        (
            "id,pass,probability_a,probability_b\nx,0,1,0\nx,1,1,0\ny,0,1,0\n",
            "3 rows for 2 items and 2 passes, none for pass '1' of 'y'",
        ),
    ],
)
def test_tables_that_are_no_predictions_are_refused(tmp_path, text, message):
    path = tmp_path / "predictions.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as error:
        read_predictions(path)
    assert str(path) in str(error.value)


def test_lists_of_different_lengths_are_refused(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "predictions.parquet"
    lists = [[0.5, 0.5], [0.2, 0.3, 0.5], None, []]
    parquet.write_table(pyarrow.table({"id": [1, 2, 3, 4], "probabilities": lists}), path)
    with pytest.raises(ValueError, match="Received: 3 such rows") as error:
        read_predictions(path)
    assert "row 1: `probabilities` is of shape (1, 3), not (passes, classes) = (1, 2)" in str(
        error.value
    )


class Trap:
    """Pickled so that loading it would raise: proof that nobody loads it."""

    def __reduce__(self):
        return (exec, ("raise SystemError('code out of a file was run')",))


def test_pickles_are_not_opened(tmp_path):
    np.savez(tmp_path / "objects.npz", probabilities=np.array([Trap()], dtype=object))
    with pytest.raises(ValueError, match="holds Python objects, not numbers or text"):
        read_predictions(tmp_path / "objects.npz")
    with zipfile.ZipFile(tmp_path / "pickle.npz", "w") as archive:
        archive.writestr("probabilities.npy", pickle.dumps(Trap()))
    with pytest.raises(ValueError, match="is not a whole npz file of plain arrays"):
        read_predictions(tmp_path / "pickle.npz")


def test_a_small_file_of_huge_arrays_is_not_unpacked(tmp_path):
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, probabilities=np.zeros((100_000, 100), np.float32))
    assert path.stat().st_size < 100_000
    with pytest.raises(ValueError, match=r"must unpack to at most 1000000 bytes.*Received: 40"):
        read_predictions(path, max_bytes=1_000_000)


def test_a_header_that_promises_more_than_the_file_holds_is_refused(tmp_path):
    whole = tmp_path / "whole.npz"
    np.savez(whole, probabilities=PASSES)
    with zipfile.ZipFile(whole) as archive:
        content = archive.read("probabilities.npy")
    forged = content.replace(b"(2, 3, 2), }   ", b"(2, 3, 20000),}", 1)
    assert forged != content
    with zipfile.ZipFile(tmp_path / "forged.npz", "w") as archive:
        archive.writestr("probabilities.npy", forged)
    with pytest.raises(ValueError, match="is not of the size that its header states"):
        read_predictions(tmp_path / "forged.npz")


@pytest.mark.parametrize("content", [b"", b"id,cat\n", b"PK\x03\x04", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_npz_is_refused(tmp_path, content):
    path = tmp_path / "predictions.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"not a whole npz file|must hold an array"):
        read_predictions(path)


def test_other_names_of_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"whose name ends in .npz, .csv or .parquet"):
        read_predictions(tmp_path / "predictions.pkl")
    with pytest.raises(FileNotFoundError):
        read_predictions(tmp_path / "predictions.npz")


def test_taking_rows_takes_all_that_belongs_to_them():
    found = Predictions(PASSES, ids=IDS, loc=LOC, scale=LOC).take(np.array([2, 0]))
    assert found.ids.tolist() == ["c.png", "a.png"]
    np.testing.assert_array_equal(found.probabilities, PASSES[:, [2, 0]])
    np.testing.assert_array_equal(found.loc, LOC[:, [2, 0]])
