from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from loaders.errors import DataError
from loaders.recbole import load_recbole


def write(tmp_path: Path, **files: str) -> Path:
    for ending, content in files.items():
        (tmp_path / f"films.{ending}").write_text(content)
    return tmp_path


def test_ratings_with_users_and_items(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        inter="user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
        "1\t10\t4\t881250949\n2\t10\t3.5\t891717742\n2\t\t1\t891717742\n",
        user='user_id:token\tage:float\toccupation:token\n1\t24\ttechnician\n3\t\t"other"\n',
        item="item_id:token\tmovie_title:token_seq\tclass:token_seq\n"
        "10\tToy  Story\tAnimation Comedy\n11\tNadja\tDrama\n",
    )
    data = load_recbole(folder)
    assert data.events.select("event_id", "event", "user_id", "rating", "at").rows() == [
        ("rate/1@881250949000000/10/1", "rate", "1", 4.0,
         datetime(1997, 12, 4, 15, 55, 49, tzinfo=UTC)),
        ("rate/2@891717742000000/10/1", "rate", "2", 3.5,
         datetime(1998, 4, 4, 19, 22, 22, tzinfo=UTC)),
    ]  # fmt: skip
    assert data.users.select("user_id", "age", "occupation").rows() == [
        ("1", 24.0, "technician"),
        ("3", None, '"other"'),
        ("2", None, None),
    ]
    assert data.products.select("product_id", "title", "category_id", "class").rows() == [
        ("10", "Toy Story", "animation", "Animation Comedy"),
        ("11", "Nadja", "drama", "Drama"),
    ]
    assert data.categories["name"].to_list() == ["Animation", "Drama"]
    assert [(s.name, s.lines) for s in data.report.steps] == [("no user or item", 1)]
    assert data.report.balanced


def test_names_that_are_taken_are_told_apart(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        inter="user_id:token\titem_id:token\na\tx\n",
        item="item_id:token\tprice:float\tid:token\tRelease Year:token\nx\t2.5\t7\t1995\n",
    )
    products = load_recbole(folder).products
    assert products.select("price", "item_id", "release_year").row(0) == (2.5, "7", "1995")


def test_interactions_alone(tmp_path: Path) -> None:
    folder = write(tmp_path, inter="user_id:token\titem_id:token\na\tx\na\ty\n")
    for path in (folder, folder / "films.inter"):
        data = load_recbole(path)
        assert data.events["event"].to_list() == ["purchase", "purchase"]
        assert data.events["at"].is_sorted()
        assert data.products["product_id"].to_list() == ["x", "y"]


@pytest.mark.parametrize(
    ("inter", "row", "column", "words"),
    [
        ("user_id\titem_id:token\na\tx\n", 1, "user_id", "name:type"),
        ("user_id:word\titem_id:token\na\tx\n", 1, "user_id:word", "token_seq"),
        ("user_id:token\trating:float\na\t1\n", None, None, "a column of item ids"),
        (
            "user_id:token\titem_id:token\trating:float\na\tx\tgood\n",
            2,
            "rating:float",
            "a number, found 'good'",
        ),
        ("user_id:token\titem_id:token\na\tx\ty\n", 2, None, "expected 2 fields"),
    ],
)
def test_bad_files(
    tmp_path: Path, inter: str, row: int | None, column: str | None, words: str
) -> None:
    with pytest.raises(DataError, match=words) as caught:
        load_recbole(write(tmp_path, inter=inter))
    assert (caught.value.row, caught.value.column) == (row, column)


def test_a_folder_without_interactions(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"one \.inter file, found 0"):
        load_recbole(tmp_path)
