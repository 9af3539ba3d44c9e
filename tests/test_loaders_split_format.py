from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from loaders.errors import DataError
from loaders.split_format import END, load_split, read_split


def write(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "train.txt"
    path.write_text(content)
    return path


def test_pairs_in_file_order(tmp_path: Path) -> None:
    """User 1 has no items, user 0 comes twice and has item 7 twice; blank lines mean nothing."""
    split = read_split(write(tmp_path, "0 7 3\n1\n\n2 3 \r\n0 7"))
    assert split.users.tolist() == [0, 0, 2, 0]
    assert split.items.tolist() == [7, 3, 3, 7]
    assert split.lines == 4


def test_place_becomes_time_and_ends_agree(tmp_path: Path) -> None:
    data = load_split(write(tmp_path, "0 7 3\n2 3\n0 7\n"))
    minute = timedelta(minutes=1)
    assert data.events.select("event_id", "user_id", "product_id", "at").rows() == [
        ("0/0", "0", "7", END - 2 * minute),
        ("0/1", "0", "3", END - minute),
        ("2/0", "2", "3", END),
        ("0/2", "0", "7", END),
    ]
    assert data.products["product_id"].to_list() == ["7", "3"]
    assert data.report.balanced


@pytest.mark.parametrize(
    ("content", "row", "words"),
    [
        ("0 1\n2 x 4\n", 2, "found 'x'"),
        ("0 1\n\n1 2.5\n", 3, "found '2.5'"),
        ("0 -1\n", 1, "found '-1'"),
        ("0 1\n99999999999999999999 1\n", 2, "such of 4"),
        ("\n \n", None, "holds no lines"),
        ("", None, "file is empty"),
    ],
)
def test_garbage_is_refused_with_its_row(
    tmp_path: Path, content: str, row: int | None, words: str
) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read_split(write(tmp_path, content))
    assert caught.value.row == row
