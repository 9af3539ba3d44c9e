"""Features of users and products for an encoder, made of the tables that describe them.

What was fitted on one state of the shop describes a later one alike: the same columns, the same
words, prices and ages measured by the same rule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from gnn.config import HeteroConfig
from gnn.nodes import NodeFeatures
from graph.ids import IdMap
from graph.interactions import InteractionGraph
from graph.shop import Shop
from pipeline.titles import Terms, fit_titles

__all__ = ["Describer", "fit_describer"]

Matrix = npt.NDArray[np.float32]
Column = Callable[[pl.DataFrame], Matrix]
"""Features of one column, float32 [n_rows, some]."""
MOST_VALUES: Final = 50
"""An attribute with more values names people rather than describing them."""


@dataclass(frozen=True)
class Describer:
    """How each column is told, as fitted on one state of the shop."""

    users: tuple[Column, ...]
    products: tuple[Column, ...]

    def describe(self, shop: Shop, graph: InteractionGraph) -> NodeFeatures:
        """Features over the rows of ``graph``, whose ids are all of ``shop``.

        Raises:
            DataError: an id is not of the shop.
        """
        users = shop.users[shop.graph.users.to_rows(graph.users.ids, missing="error")]
        products = shop.products[shop.graph.products.to_rows(graph.products.ids, missing="error")]
        categories = IdMap(shop.categories["category_id"])
        brands = IdMap(products["brand"].drop_nulls().unique().sort())
        return NodeFeatures(
            _joined(self.users, users),
            _joined(self.products, products),
            categories,
            brands,
            categories.to_rows(products["category_id"], missing="negative"),
            brands.to_rows(products["brand"], missing="negative"),
            categories.to_rows(shop.categories["parent_id"], missing="negative"),
        )


def fit_describer(
    shop: Shop, graph: InteractionGraph, config: HeteroConfig, seed: int = 0
) -> Describer:
    """Look at the users and products of ``graph`` and decide how each column is told.

    Numbers are told by their distance from the mean in standard deviations, prices by their
    logarithm, words of few values by one column a value, titles by their vectors.

    Args:
        shop: the tables.
        graph: its users and products are looked at.
        config: ``titles`` and ``title_dim`` are read from it.
        seed: of the vectors of titles.

    Raises:
        ConfigError: a sentence transformer is asked for and not installed.
    """
    users = shop.users[shop.graph.users.to_rows(graph.users.ids, missing="error")]
    products = shop.products[shop.graph.products.to_rows(graph.products.ids, missing="error")]
    told = [_column(users[name]) for name in users.columns if name not in ("user_id", "anonymous")]
    price = _number("price", products["price"], logarithm=True)
    titled = _titles(products["title"], config, seed)
    return Describer(
        tuple(c for c in told if c is not None),
        tuple(c for c in (price, titled) if c is not None),
    )


def _joined(columns: tuple[Column, ...], table: pl.DataFrame) -> Matrix:
    blocks = [np.zeros((len(table), 0), np.float32), *(column(table) for column in columns)]
    return np.concatenate(blocks, axis=1)


def _column(values: pl.Series) -> Column | None:
    """How an attribute is told; ``None`` where it tells nothing."""
    if values.dtype.is_numeric():
        return _number(values.name, values)
    if values.dtype not in (pl.String, pl.Boolean):
        return None
    return _one_hot(values.name, values.cast(pl.String))


def _number(name: str, values: pl.Series, *, logarithm: bool = False) -> Column | None:
    known = _finite(values, logarithm)
    mean, spread = (known.drop_nulls().mean(), known.drop_nulls().std())
    if not isinstance(mean, float) or not isinstance(spread, float) or not spread > 0:
        return None

    def told(table: pl.DataFrame) -> Matrix:
        scaled = (_finite(table[name], logarithm) - mean) / spread
        return scaled.clip(-5, 5).fill_null(0).to_numpy().astype(np.float32)[:, None]

    return told


def _finite(values: pl.Series, logarithm: bool) -> pl.Series:
    """Numbers as float, nothing where there is none, nor a logarithm of one below 0."""
    numbers = values.cast(pl.Float64)
    if logarithm:
        numbers = (numbers.set(numbers < 0, None) + 1).log()
    return numbers.set(~numbers.is_finite().fill_null(True), None)


def _one_hot(name: str, values: pl.Series) -> Column | None:
    known = values.drop_nulls().unique().sort()
    if not 2 <= len(known) <= MOST_VALUES:
        return None
    ids = IdMap(known)

    def told(table: pl.DataFrame) -> Matrix:
        rows = ids.to_rows(table[name].cast(pl.String), missing="negative")
        made = np.zeros((len(rows), len(ids)), np.float32)
        held = np.flatnonzero(rows >= 0)
        made[held, rows[held]] = 1
        return made

    return told


def _titles(values: pl.Series, config: HeteroConfig, seed: int) -> Column | None:
    sentences: Terms | None = None
    if config.titles == "sentences":
        from gnn.sentences import sentence_vectors

        sentences = sentence_vectors
    learned = fit_titles(values, config.title_dim, seed, sentences)
    return None if learned is None else lambda table: learned.vectors(table["title"])
