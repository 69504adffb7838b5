"""The two csv files of FER+: what is read, and what each kind of damage is called."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hetero_unc.data.ferplus_csv import read_fer2013_csv, read_votes_csv

PIXELS = " ".join(str(value % 256) for value in range(48 * 48))
IMAGES = ["emotion,pixels,Usage", f"0,{PIXELS},Training", f"6,{PIXELS},PublicTest"]
VOTES = [
    "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF",
    "Training,fer0000000.png,4,0,0,1,3,2,0,0,0,0",
    "PublicTest,,0,0,0,0,0,0,0,0,0,10",
]


def written(folder, lines):
    path = folder / "some.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_images_labels_and_usage_are_read(tmp_path):
    images, emotion, usage = read_fer2013_csv(written(tmp_path, IMAGES))
    assert images.dtype == np.uint8
    expected = np.arange(48 * 48).reshape(48, 48, 1) % 256
    np.testing.assert_array_equal(images, [expected, expected])
    assert emotion.tolist() == [0, 6]
    assert usage.tolist() == ["Training", "PublicTest"]


def test_votes_names_and_usage_are_read(tmp_path):
    votes, usage, names = read_votes_csv(written(tmp_path, VOTES))
    assert votes.tolist() == [[4, 0, 0, 1, 3, 2, 0, 0, 0, 0], [0] * 9 + [10]]
    assert usage.tolist() == ["Training", "PublicTest"]
    assert names.tolist() == ["fer0000000.png", ""]


def test_columns_go_by_name_and_line_ends_may_be_those_of_windows(tmp_path):
    path = tmp_path / "fer2013.csv"
    path.write_bytes(f"Usage,emotion,more,pixels\r\nTraining,3,x,{PIXELS}\r\n".encode("utf-8-sig"))
    _, emotion, usage = read_fer2013_csv(path)
    assert (emotion.tolist(), usage.tolist()) == ([3], ["Training"])


def test_a_row_of_nine_votes_is_taken_as_published(tmp_path):
    path = written(tmp_path, [VOTES[0], "Training,fer0010433.png,9,0,0,0,0,0,0,0,0,0"])
    assert read_votes_csv(path)[0].sum() == 9


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (f"0,{PIXELS} 7,Training", r"row 1 \(line 3\) must have 2304 pixels. Received: 2305"),
        (f"0,{PIXELS[2:]},Training", "must have 2304 pixels. Received: 2303"),
        ("0,,Training", "must have 2304 pixels. Received: 1"),
        (f"0,256{PIXELS[1:]},Training", "pixels that are integers 0 to 255. Received: '256'"),
        (f"0,-1{PIXELS[1:]},Training", "integers 0 to 255. Received: '-1'"),
        (f"0,1.5{PIXELS[1:]},Training", r"integers 0 to 255. Received: '1\.5'"),
        (f"0,nan{PIXELS[1:]},Training", "integers 0 to 255. Received: 'nan'"),
        (f"7,{PIXELS},Training", "an emotion from 0 to 6. Received: '7'"),
        (f",{PIXELS},Training", "an emotion from 0 to 6. Received: ''$"),
        (f"0,{PIXELS},training", "Usage one of Training, PublicTest, PrivateTest. Received: 'trai"),
        (f'0,{PIXELS},"Trai\nning"', r"Usage one of .* Received: 'Trai\\nning'$"),
        (f"0,{PIXELS},Train\x00\x1b[2Jing", r"Usage one of .* Received: 'Train\\x00\\x1b\[2Jing'$"),
        (f"0,{PIXELS},{'T' * 5000}", "Usage one of .* Received: 'T{79}$"),
        (f"0,{PIXELS}", r"\(line 3\) must have 3 fields, as its header has\. Received: 2$"),
        (f"0,{PIXELS},Training,x", r"must have 3 fields, as its header has\. Received: 4$"),
    ],
)
def test_a_damaged_row_of_images_is_named(tmp_path, row, message):
    with pytest.raises(ValueError, match=message) as error:
        read_fer2013_csv(written(tmp_path, [*IMAGES[:2], row]))
    assert "some.csv" in str(error.value)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 300 + len(str(tmp_path))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("Training,a.png,4,0,0,1,3,2,0,0,0,1", r"row 1 \(line 3\) must have ten votes.*: 11"),
        ("Training,a.png,4,0,0,0,0,0,0,0,0,0", "must have ten votes.*Received: 4"),
        (
            "Training,a.png,10,-1,0,0,0,0,0,0,1,0",
            "votes that are counts 0 to 10. Received: happiness='-1'",
        ),
        (
            "Training,a.png,9.5,0.5,0,0,0,0,0,0,0,0",
            r"votes that are counts 0 to 10. Received: neutral='9\.5'",
        ),
        ("Training,a.png,,10,0,0,0,0,0,0,0,0", "counts 0 to 10. Received: neutral=''$"),
        (
            "Training,a.png,²,8,0,0,0,0,0,0,0,0",
            "votes that are counts 0 to 10. Received: neutral='²'",
        ),
        (f"Training,a.png,{'9' * 5000},0,0,0,0,0,0,0,0,0", "votes that are counts 0 to 10"),
        ("Training,a.png,10 ,0,0,0,0,0,0,0,0,0", "counts 0 to 10. Received: neutral='10 '"),
        ("Training,,9,0,0,0,0,0,0,0,0,1", "must have a name, or votes for NF only"),
        ("Test,a.png,9,0,0,0,0,0,0,0,0,1", "Usage one of .* Received: 'Test'"),
        ("Training,a.png,9,0,0,0,0,0,0,0,0", "must have 12 fields.* Received: 11$"),
    ],
)
def test_a_damaged_row_of_votes_is_named(tmp_path, row, message):
    with pytest.raises(ValueError, match=message):
        read_votes_csv(written(tmp_path, [*VOTES[:2], row]))


@pytest.mark.parametrize("reader", [read_fer2013_csv, read_votes_csv])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must have the columns"),
        (b"a,b\n1,2\n", r"must have the columns .* missing. Received: 'a,b'"),
        (b"a,\x1b[2J\x00\n1,2\n", r"missing. Received: 'a,\\x1b\[2J\\x00'"),
        (b"\xff\xfe\x00e\n", "must be text in UTF-8.* line 1 holds the byte 0xff"),
    ],
)
def test_another_kind_of_file_is_named(tmp_path, reader, content, message):
    path = tmp_path / "other.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as error:
        reader(path)
    assert str(path) in str(error.value)
    assert str(error.value).isprintable()


@pytest.mark.parametrize(
    ("before", "line"),
    [([], 3), (["", ""], 5), ([VOTES[1].replace("fer0000000.png", '"two\nlines.png"')], 5)],
    ids=["plain", "after empty lines", "after a quoted line break"],
)
def test_a_damaged_row_is_named_by_the_line_where_it_starts(tmp_path, before, line):
    row = 1 + len([text for text in before if text])
    lines = [*VOTES[:2], *before, "Test,a.png,10,0,0,0,0,0,0,0,0,0"]
    with pytest.raises(ValueError, match=rf"row {row} \(line {line}\) must have Usage"):
        read_votes_csv(written(tmp_path, lines))


def test_a_byte_that_is_no_utf_8_is_named_with_its_line(tmp_path):
    path = written(tmp_path, [*VOTES, VOTES[1]])
    path.write_bytes(path.read_bytes() + b"Training,f\xe9r.png,10,0,0,0,0,0,0,0,0,0\n")
    with pytest.raises(ValueError, match=r"some\.csv must be text in UTF-8.*line 5 .* 0xe9"):
        read_votes_csv(path)


def test_a_cell_that_is_too_long_is_called_that(tmp_path):
    row = f"0,{'1 ' * 66_000},Training"
    with pytest.raises(ValueError, match=r"larger than field limit .* starts in line 3") as error:
        read_fer2013_csv(written(tmp_path, [*IMAGES[:2], row]))
    assert "UTF-8" not in str(error.value)


@pytest.mark.parametrize(
    ("reader", "lines", "again"),
    [(read_fer2013_csv, IMAGES, "Usage"), (read_votes_csv, VOTES, "fear")],
)
def test_a_needed_column_that_stands_twice_is_refused(tmp_path, reader, lines, again):
    doubled = [f"{lines[0]},{again}", *(f"{line},{line.split(',')[0]}" for line in lines[1:])]
    with pytest.raises(ValueError, match=rf"must have .* once each; {again} more than once\. Rec"):
        reader(written(tmp_path, doubled))


def test_another_column_may_stand_twice(tmp_path):
    lines = [f"note,{IMAGES[0]},note", *(f"x,{line},y" for line in IMAGES[1:])]
    assert read_fer2013_csv(written(tmp_path, lines))[1].tolist() == [0, 6]


def test_spaces_after_commas_do_not_count(tmp_path):
    votes, usage, names = read_votes_csv(
        written(tmp_path, [line.replace(",", ", ") for line in VOTES])
    )
    assert votes.tolist() == [[4, 0, 0, 1, 3, 2, 0, 0, 0, 0], [0] * 9 + [10]]
    assert usage.tolist() == ["Training", "PublicTest"]
    assert names.tolist() == ["fer0000000.png", ""]
    images = read_fer2013_csv(written(tmp_path, [line.replace(",", ", ") for line in IMAGES]))
    assert images[1].tolist() == [0, 6]


@pytest.mark.parametrize(("reader", "lines"), [(read_fer2013_csv, IMAGES), (read_votes_csv, VOTES)])
def test_semicolons_between_columns_are_refused_with_a_hint(tmp_path, reader, lines):
    with pytest.raises(ValueError, match=r"some\.csv must have commas between its columns"):
        reader(written(tmp_path, [line.replace(",", ";") for line in lines]))


def test_a_missing_column_is_named(tmp_path):
    lines = [line.rsplit(",", 1)[0] for line in VOTES]
    with pytest.raises(ValueError, match=r"fear, contempt, unknown, NF once each; NF missing"):
        read_votes_csv(written(tmp_path, lines))


def test_a_header_alone_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"must hold rows\. Received: a header only"):
        read_votes_csv(written(tmp_path, VOTES[:1]))


# A valid file with a piece of it replaced by anything, at any place.
@given(place=st.integers(0, 400), length=st.integers(0, 60), piece=st.binary(max_size=40))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@pytest.mark.parametrize("reader", [read_fer2013_csv, read_votes_csv])
def test_whatever_is_in_a_file_it_is_read_or_named(tmp_path, reader, place, length, piece):
    lines = IMAGES if reader is read_fer2013_csv else VOTES
    whole = ("\n".join(lines) + "\n").encode()
    path = tmp_path / "damaged.csv"
    path.write_bytes(whole[:place] + piece + whole[place + length :])
    try:
        arrays, fault = reader(path), None
    except ValueError as error:
        fault = error
    if fault is not None:
        # A UnicodeDecodeError is a ValueError too, and names no file.
        assert type(fault) is ValueError
        assert str(path) in str(fault)
        assert "Received: " in str(fault)
        return
    assert len({len(array) for array in arrays}) == 1
    if reader is read_votes_csv:
        assert set(arrays[0].sum(axis=1).tolist()) <= {9, 10}
