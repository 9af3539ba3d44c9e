from __future__ import annotations

import polars as pl
import pytest

from loaders.errors import ConfigError, DataError
from loaders.impute import Method, impute

FRAME = pl.DataFrame(
    {
        "id": ["a", "b", "c", "d", None],
        "spend": [1.0, 2.0, 9.0, None, 2.0],
        "visits": [1, 2, 4, None, 8],
        "town": ["x", "y", "y", None, "x"],
        "member": [True, None, True, False, True],
    }
)


def test_median_of_numbers_and_most_frequent_of_the_rest() -> None:
    """Visits have the median 3; x and y are equally frequent, so the first letter wins."""
    filled = impute(FRAME, ["spend", "visits", "town", "member"], "median")
    assert filled.row(3) == ("d", 2.0, 3, "x", False)
    assert filled["member"].to_list() == [True, True, True, False, True]
    assert filled["id"].null_count() == 1
    assert filled.schema == FRAME.schema


def test_most_frequent() -> None:
    assert impute(FRAME, ["spend"], "most_frequent")["spend"].to_list() == [1, 2, 9, 2, 2]


def test_nearest_neighbours_by_hand() -> None:
    """Two clusters of five; each gap takes the mean or majority of its own cluster."""
    frame = pl.DataFrame(
        {
            "x": [0.0] * 6 + [100.0] * 6,
            "age": [30, 30, 30, 40, 40, None, 60, 60, 60, 60, 60, None],
            "town": ["a", "a", "a", "b", "b", None, "c", "c", "c", "c", "d", None],
        }
    )
    filled = impute(frame, ["x", "age", "town"], "knn")
    assert filled.row(5) == (0.0, 34, "a")
    assert filled.row(11) == (100.0, 60, "c")
    assert filled.schema == frame.schema
    assert filled.filter(frame["age"].is_not_null()).equals(frame.drop_nulls())


@pytest.mark.parametrize("method", ["median", "most_frequent", "knn"])
def test_columns_without_any_value(method: Method) -> None:
    schema = {"n": pl.Int64, "f": pl.Float64, "t": pl.String, "b": pl.Boolean, "v": pl.Null}
    frame = pl.DataFrame({c: [None, None] for c in schema}, schema=schema)
    filled = impute(frame.with_columns(k=pl.Series([1, None])), [*schema, "k"], method)
    assert filled.row(1) == (0, 0.0, "unknown", False, "unknown", 1)


def test_whole_tables_pass_unchanged() -> None:
    whole = FRAME.drop_nulls()
    assert impute(whole, ["spend", "town"], "knn").equals(whole)


def test_refusals() -> None:
    with pytest.raises(ConfigError, match="expected median, most_frequent or knn, found 'mean'"):
        impute(FRAME, ["spend"], "mean")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="expected it among id, spend"):
        impute(FRAME, ["age"], "median")
    with pytest.raises(DataError, match="cannot fill values of type List"):
        impute(pl.DataFrame({"a": [[1]]}), ["a"], "median")
