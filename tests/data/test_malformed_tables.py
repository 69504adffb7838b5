"""Files nobody meant to write: read right, or refused in words; never a traceback of another kind.

`HETERO_UNC_FUZZ=10000` tries that many of each kind instead of the few that every run tries.
"""

import csv
import io
import os
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from hetero_unc.data import Predictions, VoteTable, read_predictions, read_votes

pytestmark = pytest.mark.end_to_end

EXAMPLES = int(os.environ.get("HETERO_UNC_FUZZ", "60"))
fuzz = settings(
    max_examples=EXAMPLES,
    derandomize=EXAMPLES < 1000,
    database=None,
    deadline=None,
    # Every example writes its own file of the same name.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

NASTY = st.sampled_from(
    [
        "", " ", "0", "1", "-1", "3.0", "1e3", "NaN", "inf", "-inf", "0.5", "1_000", "٣", "9" * 99,
        "99999999999999999999", "=1+1", "@x", "<script>alert(1)</script>", "../../etc/passwd",
        "/etc/passwd", "a\x00b", "\x00", "\x1b[2J", "\u202egnp.a", "😀", "é", "a" * 600, '"', '"a',
        "a\nb", "a,b", "\r", "\ufeff", "cat", "dog", "image", "id", "label", "annotator", "split",
        "group_", "group_age", "pass", "probability_cat", "scale_cat", "None", "{}", "%s%n",
    ]
)  # fmt: skip
CELL = st.one_of(NASTY, st.text(max_size=8))
HEADERS = st.one_of(
    st.sampled_from(
        [
            ["image", "cat", "dog"],
            ["image", "cat", "dog", "unsure", "split", "group_age"],
            ["image", "annotator", "label"],
            ["image", "annotator", "label", "split"],
            ["id", "label"],
            ["id", "probability_cat", "probability_dog"],
            ["id", "pass", "probability_cat", "probability_dog"],
            ["id", "probability_cat", "probability_dog", "loc_cat", "loc_dog"],
            ["probability_cat", "probability_dog"],
        ]
    ),
    st.lists(CELL, max_size=6),
)
READERS = [
    (read_votes, {}),
    (read_votes, {"classes": ["cat", "dog"], "undecided": ["unsure"], "skip_bad_rows": True}),
    (read_predictions, {}),
]


def read_or_refuse(reader, path, options):
    """Read, and check what was read; or see that it is refused in words a user can act on."""
    try:
        found = reader(path, **options)
    except ValueError as refused:
        error = refused
    else:
        check_result(found)
        return
    # A UnicodeDecodeError is a ValueError too, and says nothing to anybody.
    assert type(error) is ValueError
    message = str(error)
    assert "Received" in message or "is not a whole" in message, message
    # A terminal would obey control characters.
    assert message.replace("\n", "").isprintable(), message
    assert len(message) < 6000


def check_result(found):
    if isinstance(found, VoteTable):
        assert (found.votes.sum(axis=1) > 0).all()
        assert len(set(found.ids.tolist())) == len(found)
    else:
        assert isinstance(found, Predictions)
        np.testing.assert_allclose(found.probabilities.sum(axis=-1), 1, atol=1.1e-3)


def spoiled(data, whole):
    """`whole` with a few bytes altered, left out, put in or repeated, or cut short."""
    content = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(len(content) - 1, 0)))
        how = data.draw(st.sampled_from(["alter", "alter", "alter", "drop", "add", "cut", "again"]))
        if how == "alter" and content:
            content[at] = data.draw(st.integers(0, 255))
        elif how == "drop":
            del content[at : at + data.draw(st.integers(1, 8))]
        elif how == "add":
            content[at:at] = data.draw(st.binary(max_size=8))
        elif how == "cut":
            del content[at:]
        else:
            content[at:at] = content[at : at + data.draw(st.integers(1, 64))]
    return bytes(content)


@pytest.mark.parametrize(("reader", "options"), READERS)
@fuzz
@given(st.binary(max_size=200))
def test_any_bytes_as_csv(tmp_path, reader, options, content):
    path = tmp_path / "any.csv"
    path.write_bytes(content)
    read_or_refuse(reader, path, options)


@pytest.mark.parametrize(("reader", "options"), READERS)
@fuzz
@given(HEADERS, st.lists(st.lists(CELL, max_size=6), max_size=6), st.booleans())
def test_any_cells_as_csv(tmp_path, reader, options, header, rows, quoted):
    path = tmp_path / "cells.csv"
    text = io.StringIO()
    if quoted:
        csv.writer(text, quoting=csv.QUOTE_ALL).writerows([header, *rows])
    else:
        text.write("\n".join(",".join(row) for row in [header, *rows]))
    path.write_bytes(text.getvalue().encode("utf-8", "surrogatepass"))
    read_or_refuse(reader, path, options)


CSV = [
    b'image,cat,dog,unsure,split\na.png,3,1,0,train\nb.png,0,2,1,test\n"c,1.png",1,1,,\n',
    b"image,annotator,label\na,j,cat\na,k,dog\nb,j,cat\nb,,dog\n",
    b"id,pass,probability_cat,probability_dog\na,0,0.5,0.5\na,1,1,0\nb,0,0.25,0.75\nb,1,0,1.0\n",
]


@pytest.mark.parametrize(("reader", "options"), READERS)
@fuzz
@given(st.data())
def test_spoiled_csv(tmp_path, reader, options, data):
    path = tmp_path / "spoiled.csv"
    path.write_bytes(spoiled(data, data.draw(st.sampled_from(CSV))))
    read_or_refuse(reader, path, options)


def npz(compress, **arrays):
    file = io.BytesIO()
    (np.savez_compressed if compress else np.savez)(file, **arrays)
    return file.getvalue()


NPZ = [
    npz(
        compress,
        probabilities=np.full((2, 3, 2), 0.5, np.float32),
        ids=np.array(["a.png", "b.png", "c.png"]),
        classes=np.array(["cat", "dog"]),
        scale=np.ones((2, 3, 2)),
    )
    for compress in (False, True)
]


@fuzz
@given(st.data())
def test_spoiled_npz(tmp_path, data):
    path = tmp_path / "spoiled.npz"
    path.write_bytes(spoiled(data, data.draw(st.sampled_from([*NPZ, b"", b"PK\x05\x06"]))))
    read_or_refuse(read_predictions, path, {})


@fuzz
@given(st.data())
def test_spoiled_arrays_in_a_whole_npz(tmp_path, data):
    # The checksums of the zip are right here, so the headers of the arrays themselves are tried.
    path = tmp_path / "arrays.npz"
    with (
        zipfile.ZipFile(io.BytesIO(NPZ[0])) as whole,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name in whole.namelist():
            content = whole.read(name)
            archive.writestr(name, spoiled(data, content) if data.draw(st.booleans()) else content)
    read_or_refuse(read_predictions, path, {})


ANY_ARRAY = arrays_of.arrays(
    st.one_of(
        arrays_of.floating_dtypes(endianness="?"),
        arrays_of.integer_dtypes(endianness="?"),
        arrays_of.complex_number_dtypes(),
        arrays_of.datetime64_dtypes(),
        arrays_of.byte_string_dtypes(max_len=4),
        arrays_of.unicode_string_dtypes(max_len=4),
        arrays_of.boolean_dtypes(),
        st.just(np.dtype([("a", "f4"), ("b", "U2")])),
    ),
    arrays_of.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3),
)


@fuzz
@given(
    st.dictionaries(
        st.sampled_from(["probabilities", "ids", "classes", "loc", "scale", "labels"]), ANY_ARRAY
    )
)
def test_any_arrays_as_npz(tmp_path, arrays):
    path = tmp_path / "any.npz"
    path.write_bytes(npz(False, **arrays))
    read_or_refuse(read_predictions, path, {})


def parquet(columns):
    pyarrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet")
    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), file)
    return file.getvalue()


def whole_tables():
    return [
        {"image": ["a", "b"], "cat": [1, None], "dog": [2.0, 1.0], "split": ["train", None]},
        {"image": ["a", "a", "b"], "annotator": ["j", "k", "j"], "label": ["cat", "dog", "cat"]},
        {"id": [1, 2], "probabilities": [[[0.5, 0.5], [1.0, 0.0]], [[0.0, 1.0], [0.25, 0.75]]]},
        {"id": ["x", "y"], "probability_cat": [0.5, 1.0], "probability_dog": [0.5, 0.0]},
    ]


@pytest.mark.parametrize(("reader", "options"), READERS)
@fuzz
@given(st.data())
def test_spoiled_parquet(tmp_path, reader, options, data):
    path = tmp_path / "spoiled.parquet"
    path.write_bytes(spoiled(data, parquet(data.draw(st.sampled_from(whole_tables())))))
    read_or_refuse(reader, path, options)


COLUMN = st.one_of(
    st.lists(st.one_of(st.none(), CELL), min_size=3, max_size=3),
    st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), min_size=3, max_size=3),
    st.lists(st.one_of(st.none(), st.floats()), min_size=3, max_size=3),
    st.lists(st.one_of(st.none(), st.booleans()), min_size=3, max_size=3),
    st.lists(st.one_of(st.none(), st.binary(max_size=4)), min_size=3, max_size=3),
    st.lists(st.one_of(st.none(), st.datetimes(), st.just(None)), min_size=3, max_size=3),
    st.lists(st.one_of(st.none(), st.lists(st.floats(), max_size=3)), min_size=3, max_size=3),
    st.lists(st.decimals(-99, 99, places=2), min_size=3, max_size=3),
    st.lists(st.dictionaries(st.just("a"), st.integers(0, 3), min_size=1), min_size=3, max_size=3),
)  # fmt: skip


@pytest.mark.parametrize(("reader", "options"), READERS)
@fuzz
@given(HEADERS, st.data())
def test_any_columns_as_parquet(tmp_path, reader, options, header, data):
    path = tmp_path / "any.parquet"
    names = [name.encode("utf-8", "replace").decode() for name in header]
    columns = {name: data.draw(COLUMN) for name in names}
    path.write_bytes(parquet(columns))
    read_or_refuse(reader, path, options)
