from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders.csv_scan import CsvScan
from loaders.errors import ConfigError, DataError
from loaders.files import LINE, FileFormat, read_table

Write = Callable[[str, bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(name: str, content: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write_file


def test_csv_keeps_text_and_line_numbers(write: Write) -> None:
    path = write("a.csv", b'\n\xef\xbb\xbfid,n\r\n007,1\r\n\r\n"x\ny",NULL\r\nz,3')
    frame = read_table(write("b.csv", path.read_bytes().lstrip(b"\n")))
    assert frame.rows() == [(2, "007", "1"), (4, "x\ny", None), (6, "z", "3")]
    assert frame.columns == [LINE, "id", "n"]


def test_blank_lines_before_the_header_are_counted(write: Write) -> None:
    assert read_table(write("a.csv", b"\n\na,b\n1,2\n")).rows() == [(4, "1", "2")]


def test_gzip_is_known_by_its_content(write: Write) -> None:
    packed = gzip.compress(b"a;b\n1;2\n")
    for name in ("a.csv.gz", "a.csv"):
        frame = read_table(write(name, packed), FileFormat(separator=";"))
        assert frame.rows() == [(2, "1", "2")]


def test_other_encodings(write: Write) -> None:
    path = write("a.csv", "id,name\n1,Café £\n".encode("cp1252"))
    assert read_table(path, FileFormat(encoding="cp1252"))["name"].to_list() == ["Café £"]
    wide = write("b.csv", "id,name\n1,Café\n".encode("utf-16"))
    assert read_table(wide, FileFormat(encoding="utf-16"))["name"].to_list() == ["Café"]


def test_parquet_and_json_lines(write: Write, tmp_path: Path) -> None:
    pl.DataFrame({"id": [1.0, 2.0], "n": ["x", "NA"]}).write_parquet(tmp_path / "a.parquet")
    assert read_table(tmp_path / "a.parquet").rows() == [(1, 1.0, "x"), (2, 2.0, None)]
    lines = write("a.jsonl", b'{"id": 7, "n": "x"}\n\n{"n": 2.5, "id": null}\n')
    assert read_table(lines).rows() == [(1, "7", "x"), (3, None, "2.5")]


@pytest.mark.parametrize(
    ("name", "content", "row", "words"),
    [
        ("a.csv", b"", None, "the file is empty"),
        ("a.csv", b"a,b\n", None, "holds no rows"),
        ("a.csv", b"a,b\n1,2\n1,2,3\n1\n", 3, r"expected 2 fields .* found 3 \(2 such rows\)"),
        ("a.csv", b"a;b\n1;2,5\n", 2, "is the separator right"),
        ("a.csv", b'a,b\n1,2\n"1,2\n', 3, "never closes; if the file does not quote"),
        ("a.csv", b'a,b\nx 7" by 9" y,2\n3 " , " 4,5\n', None, "quote"),
        ("a.csv", b"a,b\n1,2\nCaf\xe9,2\n", 3, r'byte 11 \(0xe9\) is not utf-8.*"cp1252"'),
        ("a.csv", "a,b\n1,2\n".encode("utf-16"), 1, 'encoding = "utf-16"'),
        ("a.csv", b"__line__,b\n1,2\n", None, "reserved"),
        (
            "a.csv.gz",
            gzip.compress(b"a,b\n" + b"1,2\n" * 5000, mtime=0)[:-9],
            None,
            "cut short or damaged",
        ),
        ("a.csv.gz", b"\x1f\x8b\x00junk", None, "cut short or damaged"),
        ("a.parquet", b"PAR1 and then nothing", None, "not a readable Parquet file"),
        ("a.parquet", b"", None, "the file is empty"),
        ("a.jsonl", b'{"a": 1}\n{"a": }\n', 2, "expected a JSON object"),
        ("a.jsonl", b'{"a": 1}\n[1, 2]\n', 2, r"expected a JSON object, found \[1, 2\]"),
        ("a.jsonl", b'{"a": 1}\n{"a": {"b": 2}}\n', None, "not readable as JSON lines"),
        ("a.csv", b"PK\x03\x04...", None, "save the sheet as CSV"),
        ("a.xlsx", b"?", None, "save the sheet as CSV"),
    ],
)
def test_bad_files(write: Write, name: str, content: bytes, row: int | None, words: str) -> None:
    path = write(name, content)
    with pytest.raises(DataError, match=words) as caught:
        read_table(path)
    assert caught.value.file == str(path)
    assert caught.value.row == row


def test_parquet_is_known_by_its_content(tmp_path: Path) -> None:
    pl.DataFrame({"id": [1]}).write_parquet(tmp_path / "export.dat")
    assert read_table(tmp_path / "export.dat").rows() == [(1, 1)]


def test_nested_values_are_refused_where_they_are_needed(write: Write) -> None:
    path = write("a.jsonl", b'{"id": 1, "items": [{"sku": "x"}]}\n')
    assert read_table(path, columns=["id"]).height == 1
    with pytest.raises(DataError, match="flatten them first") as caught:
        read_table(path, columns=["items"])
    assert caught.value.column == "items"


def test_a_header_that_names_a_column_twice(write: Write) -> None:
    path = write("a.csv", b"id,n,n\n1,2,3\n")
    assert read_table(path, columns=["id"]).height == 1
    with pytest.raises(DataError, match="this name twice"):
        read_table(path, columns=["n"])


def test_missing_file_folder_column_and_encoding(write: Write, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(DataError, match="found a folder"):
        read_table(tmp_path)
    path = write("a.csv", b"Quantity,Price\n1,2\n")
    with pytest.raises(DataError, match="found Quantity, Price; did you mean 'Quantity'") as caught:
        read_table(path, columns=["quantity"])
    assert caught.value.column == "quantity"
    with pytest.raises(DataError, match="is the separator right"):
        read_table(path, FileFormat(separator=";"), ["Price"])
    with pytest.raises(ConfigError, match="none called 'klingon'"):
        read_table(path, FileFormat(encoding="klingon"))


def test_a_line_without_end_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    """60 MB of zeros on line 2, which gzip packs to nothing: refused after the first chunk."""
    path = tmp_path / "a.csv.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b"a,b\n")
        for _ in range(60):
            file.write(b"0" * 1_000_000)
    with pytest.raises(DataError, match="more than 1,000,000 bytes") as caught:
        read_table(path)
    assert caught.value.row == 2


@pytest.mark.parametrize(("length", "refused"), [(100, False), (101, True)])
def test_the_longest_line_is_exact(write: Write, length: int, refused: bool) -> None:
    path = write("a.csv", b"a\n" + b"x" * length + b"\n1\n")
    if refused:
        with pytest.raises(DataError, match="more than 100 bytes"):
            read_table(path, FileFormat(max_line_bytes=100))
    else:
        assert read_table(path, FileFormat(max_line_bytes=100)).height == 2


def test_lines_across_chunks(write: Write) -> None:
    """A file of several chunks, cut in the middle of lines and of two-byte letters."""
    body = "".join(f"{i},é{'x' * (i % 97)}\n" for i in range(40_000))
    frame = read_table(write("a.csv", ("n,t\n" + body).encode()))
    assert frame[LINE].to_list() == list(range(2, 40_002))
    assert frame["t"][39_999] == "é" + "x" * (39_999 % 97)


FIELDS = st.text(st.sampled_from('ab ,"\n'), max_size=4)


@given(
    st.lists(st.lists(FIELDS, min_size=2, max_size=2), min_size=1, max_size=6),
    st.integers(1, 7),
)
def test_scan_counts_fields_as_a_writer_wrote_them(rows: list[list[str]], size: int) -> None:
    quoted = [",".join('"' + f.replace('"', '""') + '"' for f in row) for row in rows]
    content = ("h,i\n" + "\n".join(quoted)).encode()
    scan = CsvScan(",", '"')
    for start in range(0, len(content), size):
        scan.see(content[start : start + size])
    shape = scan.shape()
    newlines = [sum(f.count("\n") for f in row) + 1 for row in rows]
    assert shape.fields.tolist() == [2] * (len(rows) + 1)
    assert shape.lines.tolist() == [1, *(2 + np.cumsum([0, *newlines[:-1]])).tolist()]
    assert shape.open_quote is None
    assert not shape.blank.any()
