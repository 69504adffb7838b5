"""Vote tables in every form that a labelling team keeps them, and each way to spoil one."""

import collections
import csv

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hetero_unc.data import read_votes

COUNTS = """image,cat,dog,unsure,split,group_age
a.png,3,0,1,train,old
b.png,,2.0,0,test,
c.png,0,0,4,test,young
d.png, 1 ,1,,,young
"""
ANNOTATIONS = """image,annotator,label,seconds
a.png,ann,cat,3.5
b.png,ann,dog,1
a.png,bob,dog,2
a.png,cy,unsure,9
b.png,,dog,1
b.png,,dog,1
c.png,bob,,4
"""


def write(folder, text, name="votes.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_column_of_counts_for_each_class(tmp_path):
    table = read_votes(write(tmp_path, COUNTS), undecided=["unsure"])
    assert table.ids.tolist() == ["a.png", "b.png", "d.png"]
    assert table.classes == ("cat", "dog")
    assert table.votes.tolist() == [[3, 0], [0, 2], [1, 1]]
    assert table.undecided.tolist() == [1, 0, 0]
    assert table.split.tolist() == ["train", "test", ""]
    assert {name: group.tolist() for name, group in table.groups.items()} == {
        "age": ["old", "", "young"]
    }
    assert table.without_votes == ("c.png",)
    assert table.annotations is None


def test_classes_give_the_order_and_what_else_is_there_is_named(tmp_path):
    table = read_votes(write(tmp_path, COUNTS), classes=["dog", "cat"])
    assert table.classes == ("dog", "cat")
    assert table.votes.tolist() == [[0, 3], [2, 0], [1, 1]]
    assert table.ignored_columns == ("unsure",)


def test_a_row_for_each_annotation(tmp_path):
    path = write(tmp_path, ANNOTATIONS)
    table = read_votes(path, classes=["dog", "cat"], undecided=["unsure"])
    assert table.ids.tolist() == ["a.png", "b.png"]
    assert table.votes.tolist() == [[1, 1], [3, 0]]
    assert table.undecided.tolist() == [1, 0]
    assert table.without_votes == ("c.png",)
    assert table.ignored_columns == ("seconds",)
    found = table.annotations
    assert list(zip(found.items, found.annotators, found.labels, strict=True)) == [
        (0, "ann", 1),
        (1, "ann", 0),
        (0, "bob", 0),
        (1, "", 0),
        (1, "", 0),
    ]


def test_a_row_with_one_label_for_each_item(tmp_path):
    table = read_votes(write(tmp_path, "id,label\n1,dog\n2,cat\n"), classes=["cat", "dog"])
    assert table.ids.tolist() == ["1", "2"]
    assert table.votes.tolist() == [[0, 1], [1, 0]]
    assert table.annotations is None


def test_numbered_labels_need_no_names(tmp_path):
    table = read_votes(write(tmp_path, "id,label\n1,3\n2,0\n"))
    assert table.classes == ("0", "1", "2", "3")
    assert table.votes.tolist() == [[0, 0, 0, 1], [1, 0, 0, 0]]


def test_named_labels_need_their_order(tmp_path):
    path = write(tmp_path, "id,label\n1,dog\n2,cat\n")
    with pytest.raises(ValueError, match=r"`classes` must be given .* such as 'cat', 'dog'"):
        read_votes(path)


def test_bad_rows_are_all_counted_and_the_first_twenty_named(tmp_path):
    rows = "".join(f"x{i}.png,{-i},1\n" for i in range(1, 31))
    path = write(tmp_path, f"image,cat,dog\ngood.png,1,0\n{rows}")
    with pytest.raises(ValueError, match="Received: 30 such rows") as error:
        read_votes(path)
    message = str(error.value)
    assert str(path) in message
    assert "\n  line 3: 'cat' is '-1', no whole number from 0 to 1000000" in message
    assert "\n  line 22: " in message
    assert "\n  line 23: " not in message
    assert "\n  and 10 more\n" in message


BAD_COUNTS = [
    ("a.png,1,1\n", "'a.png' was there before, line 2"),
    (",1,1\n", "the id is empty"),
    ("b.png,1\n", "has 2 cells, not 3"),
    ("b.png,1,1,1\n", "has 4 cells, not 3"),
    ("b.png,1,0.5\n", "'dog' is '0.5', no whole number"),
    ("b.png,-1,5\n", "'cat' is '-1', no whole number"),
    ("b.png,1000001,5\n", "'cat' is '1000001', no whole number"),
    ("b.png,nan,5\n", "'cat' is 'nan', no whole number"),
    ("b.png,1e3,5\n", "'cat' is '1e3', no whole number"),
    (f"{'b' * 501},1,5\n", "the id has 501 characters, more than 500"),
    ("b\x07.png,1,5\n", "the id holds a line break, a tab or another control character"),
]
BAD_LABELS = [
    ("a,j,dog\n", "'j' has voted on 'a' before"),
    ("a,k,cow\n", "the label 'cow' is none of the classes"),
    ("a,k,Cat\n", "the label 'Cat' is none of the classes"),
    ('a,"k\nl",cat\n', "the annotator holds a line break"),
]


@pytest.mark.parametrize(
    ("start", "row", "reason"),
    [("image,cat,dog\na.png,1,0\n", *bad) for bad in BAD_COUNTS]
    + [("image,annotator,label\na,j,cat\n", *bad) for bad in BAD_LABELS]
    + [
        ("id,label\na,cat\n", "a,dog\n", "'a' was there before, line 2; several votes"),
        (
            "id,annotator,label,split\na,j,cat,test\n",
            "a,k,cat,train\n",
            "the split or a group of 'a' is not that of line 2",
        ),
    ],
)
def test_each_kind_of_bad_row_is_refused_with_its_reason_or_skipped(tmp_path, start, row, reason):
    path = write(tmp_path, start + row)
    with pytest.raises(ValueError, match="Received: 1 such rows") as error:
        read_votes(path, classes=["cat", "dog"])
    assert f"\n  line 3: {reason}" in str(error.value)

    table = read_votes(path, classes=["cat", "dog"], skip_bad_rows=True)
    assert (len(table), table.bad_rows) == (1, 1)
    assert table.votes.tolist() == [[1, 0]]
    with open(tmp_path / "votes.bad-rows.csv", newline="", encoding="utf-8") as file:
        header, kept = csv.reader(file)
    assert header[:3] == ["where", "reason", start.split(",")[0]]
    assert kept[0] == "line 3"
    assert kept[1].startswith(reason)
    assert kept[2:] == next(csv.reader([row]))


def test_good_files_leave_no_file_of_bad_rows(tmp_path):
    table = read_votes(write(tmp_path, COUNTS), undecided=["unsure"], skip_bad_rows=True)
    assert table.bad_rows == 0
    assert [path.name for path in tmp_path.iterdir()] == ["votes.csv"]


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "must name each of its columns in its first line. Received: nothing"),
        ("\n\n", {}, "Received: nothing"),
        ("image,,dog\n", {}, "no name for column 2 of 3"),
        ("image,cat,cat\n", {}, "Received: 'cat' more than once"),
        ("cat,dog\n1,2\n", {}, "must have one column that names the items, image or id"),
        ("image,id,cat,dog\n", {}, "must have one column that names the items"),
        ("image,cat\na,1\n", {}, "at least 2 classes, or a column 'label'. Received: 2 columns"),
        ("image,annotator,lable\n", {}, "or a column 'label'"),
        ("image,cat,dog\na,1,1\n", {"classes": ["cat", "cow"]}, "there is none for .* 'cow'"),
        ("image,cat,dog\na,1,1\n", {"undecided": ["unsure"]}, "there is none for .* 'unsure'"),
        ("image;cat;dog\na;1;2\n", {}, "must have commas between its columns"),
        ("image,cat,dog\na,0,0\n", {}, "at least one vote for a class. Received: 1 items without"),
        ("image,cat,dog\n", {}, "at least one vote for a class. Received: 0 items"),
        ('image,cat,dog\n"a,1,1\n', {}, "every quote closed. Received: .* starts in line 2"),
        (f"image,cat,dog\n{'x' * 2**20}\n", {}, "lines of at most 1048576 bytes. Received: line 2"),
        ("image,cat,dog\n", {"undecided": "cat"}, "`undecided` must be a sequence of names"),
        ("image,cat,dog\n", {"classes": ["a", "b"], "undecided": ["b"]}, "must name no class"),
        ("id,label\na,1000\n", {}, "the label '1000' is no whole number from 0 to 999"),
    ],
)
def test_files_of_another_form_are_refused(tmp_path, text, options, message):
    with pytest.raises(ValueError, match=message):
        read_votes(write(tmp_path, text), **options)


@pytest.mark.parametrize(
    ("encoding", "byte"), [("utf-16", "0xff"), ("cp1252", "0xe9")], ids=["utf-16", "cp1252"]
)
def test_other_encodings_are_named_by_their_first_wrong_byte(tmp_path, encoding, byte):
    path = tmp_path / "votes.csv"
    path.write_bytes("image,café,dog\n".encode(encoding))
    with pytest.raises(ValueError, match=f"'CSV UTF-8'. Received: line 1 holds the byte {byte}"):
        read_votes(path)


def test_a_spreadsheets_csv_is_read(tmp_path):
    path = tmp_path / "votes.csv"
    path.write_bytes('\ufeffimage, cat ,dog\r\n"a, ""b"".png",1,0\r\n\r\n'.encode())
    table = read_votes(path)
    assert table.ids.tolist() == ['a, "b".png']
    assert table.classes == ("cat", "dog")


def test_formulas_in_skipped_rows_are_disarmed(tmp_path):
    path = write(tmp_path, "image,cat,dog\na,1,1\n=HYPERLINK(B1),-1,0\n")
    read_votes(path, skip_bad_rows=True, bad_rows_path=tmp_path / "bad.csv")
    with open(tmp_path / "bad.csv", newline="", encoding="utf-8") as file:
        assert list(csv.reader(file))[1][2:] == ["'=HYPERLINK(B1)", "-1", "0"]


def test_other_names_of_files_and_other_things_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"must be a file whose name ends in .csv or .parquet"):
        read_votes(tmp_path / "votes.xlsx")
    with pytest.raises(FileNotFoundError):
        read_votes(tmp_path / "votes.csv")
    pytest.importorskip("narwhals")
    with pytest.raises(ValueError, match=r"a path or a data frame in memory\. Received: int"):
        read_votes(3)


def frames(columns):
    """The same table as a data frame of each library that is installed."""
    for library, make in (("pandas", "DataFrame"), ("polars", "DataFrame"), ("pyarrow", "table")):
        try:
            module = __import__(library)
        except ImportError:
            continue
        yield library, getattr(module, make)(columns)


def test_data_frames_and_parquet_give_what_csv_gives(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    pytest.importorskip("narwhals")
    columns = {
        "image": ["a.png", "b.png", "c.png", "d.png"],
        "cat": [3.0, None, 0.0, 1.0],
        "dog": [0, 2, 0, 1],
        "unsure": [1, 0, 4, None],
        "split": ["train", "test", "test", None],
        "group_age": ["old", None, "young", "young"],
    }
    expected = read_votes(write(tmp_path, COUNTS), undecided=["unsure"])
    tables = dict(frames(columns))
    parquet.write_table(tables["pyarrow"], tmp_path / "votes.parquet")
    tables["file"] = tmp_path / "votes.parquet"
    assert len(tables) >= 2
    for source in tables.values():
        table = read_votes(source, undecided=["unsure"])
        assert table.ids.tolist() == expected.ids.tolist()
        assert table.classes == expected.classes
        assert table.votes.tolist() == expected.votes.tolist()
        assert table.undecided.tolist() == expected.undecided.tolist()
        assert table.split.tolist() == expected.split.tolist()
        assert table.groups["age"].tolist() == expected.groups["age"].tolist()
        assert table.without_votes == expected.without_votes


def test_rows_of_a_data_frame_are_counted_from_0():
    pytest.importorskip("narwhals")
    for _, frame in frames({"id": ["a", None], "cat": [1, 1], "dog": [0, 1]}):
        with pytest.raises(ValueError, match=r"`source` must hold no row .*\n  row 1: the id is"):
            read_votes(frame)
        with pytest.raises(ValueError, match="`bad_rows_path` must be given"):
            read_votes(frame, skip_bad_rows=True)


@pytest.mark.parametrize("kind", ["list", "binary", "struct"])
def test_columns_that_are_no_numbers_or_text_are_refused(tmp_path, kind):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    value = {"list": ["a"], "binary": b"a", "struct": {"a": 1}}[kind]
    path = tmp_path / "votes.parquet"
    parquet.write_table(pyarrow.table({"id": ["x"], "cat": [1], "dog": [value]}), path)
    with pytest.raises(ValueError, match=r"numbers or text only\. Received: column 'dog' of"):
        read_votes(path)


def test_a_long_text_in_every_row_takes_the_memory_of_one(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows, text = 100_000, "x" * 1_000_000
    note = pyarrow.DictionaryArray.from_arrays(np.zeros(rows, np.int32), pyarrow.array([text]))
    path = tmp_path / "votes.parquet"
    label = np.zeros(rows, int)
    parquet.write_table(pyarrow.table({"id": np.arange(rows), "note": note, "label": label}), path)
    before = pyarrow.total_allocated_bytes()
    table = read_votes(path)
    assert (len(table), table.ignored_columns) == (rows, ("note",))
    # Whole, the column would be 100 GB.
    assert pyarrow.default_memory_pool().max_memory() - before < 500e6


def test_more_rows_than_a_file_may_state_are_refused(tmp_path, monkeypatch):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr("hetero_unc.data.parquet_rows.MOST_ROWS", 2)
    parquet.write_table(
        pyarrow.table({"id": [1, 2, 3], "label": [0, 0, 1]}), tmp_path / "a.parquet"
    )
    with pytest.raises(ValueError, match=r"at most 2 rows\. Received: 3"):
        read_votes(tmp_path / "a.parquet")


@pytest.mark.parametrize(
    ("name", "most", "message"),
    [
        ("MOST_CELLS", 8, "at most 8 items times classes; split it. Received: 3 items, 4 classes"),
        ("MOST_CHARACTERS", 8, "must have shorter ids: .* Received: 3, the longest of 4"),
    ],
)
def test_tables_that_would_fill_memory_are_refused(tmp_path, monkeypatch, name, most, message):
    monkeypatch.setattr(f"hetero_unc.data.vote_reading.{name}", most)
    with pytest.raises(ValueError, match=message):
        read_votes(write(tmp_path, "id,label\nlong,3\nb,0\nc,0\n"))


def test_long_names_of_annotators_are_counted_for_each_vote(tmp_path, monkeypatch):
    monkeypatch.setattr("hetero_unc.data.vote_reading.MOST_CHARACTERS", 8)
    with pytest.raises(ValueError, match=r"must have shorter annotators: .* Received: 3, the long"):
        read_votes(write(tmp_path, "id,annotator,label\na,anna,1\nb,anna,0\nc,anna,0\n"))


def test_more_bad_rows_than_are_kept_are_not_skipped(tmp_path, monkeypatch):
    monkeypatch.setattr("hetero_unc.data.bad_rows.MOST_KEPT", 25)
    path = write(tmp_path, "id,label\n" + ",0\n" * 30)
    with pytest.raises(
        ValueError, match=r"(?s)Received: 26 such rows.*25 bad rows are not skipped"
    ):
        read_votes(path, skip_bad_rows=True)


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=8)


@settings(
    max_examples=50,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_annotations_are_counted_as_a_counter_counts_them(tmp_path, data):
    people = st.lists(NAMES.map(str.strip).filter(bool), min_size=2, max_size=6, unique=True)
    items, annotators, classes = data.draw(people), data.draw(people), data.draw(people)
    said = data.draw(
        st.dictionaries(
            st.tuples(st.sampled_from(items), st.sampled_from(annotators)),
            st.sampled_from(classes),
            min_size=1,
        )
    )
    path = tmp_path / "votes.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(
            [("image", "annotator", "label"), *((*who, label) for who, label in said.items())]
        )
    table = read_votes(path, classes=classes)
    counted = collections.Counter((item, label) for (item, _), label in said.items())
    assert table.ids.tolist() == list(dict.fromkeys(item for item, _ in said))
    assert [
        [counted[item, label] for label in classes] for item in table.ids.tolist()
    ] == table.votes.tolist()
    found = table.annotations
    assert {
        (str(table.ids[item]), str(who)): classes[label]
        for item, who, label in zip(found.items, found.annotators, found.labels, strict=True)
    } == said
    np.testing.assert_array_equal(table.undecided, 0)
