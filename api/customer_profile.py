"""One customer of a snapshot against the shop: attributes, facts by percentile, tastes by lift."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from api.catalogue import Catalogue
from api.customers import Customers
from api.models.profiles import CustomerFact, CustomerProfile
from api.people_words import WORDS, Words
from pipeline.snapshot import Snapshot
from ranking.wording import Language
from segments.attributes import attribute_columns, attribute_values
from segments.facts import FACTS, Fact

__all__ = ["CustomerProfiles"]

TASTES: Final = 5
"""Most categories of a level, and most brands, shown."""
MIN_ORDERS: Final = 2
"""A thing in fewer of a customer's orders is no taste."""
MIN_LIFT: Final = 1.2

Key = tuple[str, str]
"""Kind and id of a category or brand."""


class CustomerProfiles:
    """Profiles of customers by id."""

    def __init__(self, snapshot: Snapshot, catalogue: Catalogue, customers: Customers) -> None:
        self._snapshot, self._catalogue, self._customers = snapshot, catalogue, customers
        self._currency = snapshot.manifest.currency

    @cached_property
    def _attributes(self) -> dict[str, pl.Series]:
        users = self._snapshot.users
        return {name: attribute_values(users[name]) for name in attribute_columns(users)}

    @cached_property
    def _usual(self) -> dict[Key, tuple[str, float]]:
        """Name and mean share of spend of each category and brand."""
        rows = self._snapshot.people.shares.iter_rows()
        return {(kind, id_): (name, share) for kind, id_, name, share in rows}

    def profile(self, user_id: str, language: Language) -> CustomerProfile:
        """One customer against the shop.

        Raises:
            UnknownUser: no customer has this id.
            SnapshotMissing: the snapshot is of a version without profiles.
        """
        row, words = self._customers.row(user_id), WORDS[language]
        facts = [*self._facts(row, words)]
        told = {
            group: [fact for fact in facts if FACTS[fact.about].group == group]
            for group in ("behaviour", "preference", "risk")
        }
        told["preference"] += self._tastes(row, words)
        return CustomerProfile(
            user_id=user_id,
            segment=self._customers.segment(row),
            basics=[*self._basics(row, words)],
            **told,
        )

    def _basics(self, row: int, words: Words) -> Iterator[CustomerFact]:
        """Attributes, with the share of customers who have the same."""
        for name, values in self._attributes.items():
            label = values[row]
            if label is not None:
                share = float((values == label).mean() or 0)
                yield CustomerFact(
                    about=name,
                    id=label,
                    label=label,
                    value=None,
                    shop_value=share,
                    unit="share",
                    text=words.attribute(name, label, share),
                )

    def _facts(self, row: int, words: Words) -> Iterator[CustomerFact]:
        people = self._snapshot.people
        numbers = people.facts[row].tolist()
        for (name, fact), value, grid in zip(FACTS.items(), numbers, people.grid, strict=True):
            if np.isfinite(value):
                yield self._fact(name, fact, value, grid, words)

    def _fact(
        self, name: str, fact: Fact, value: float, grid: npt.NDArray[np.float32], words: Words
    ) -> CustomerFact:
        """One fact; ``grid`` float32 [101] are the percentiles of all customers."""
        places = np.searchsorted(grid, value), np.searchsorted(grid, value, "right")
        percentile = float(np.clip(sum(places) / 2, 0, 100))
        usual = float((grid > 0).mean()) if fact.yes else float(grid[50])
        return CustomerFact(
            about=name,
            id="",
            label="",
            value=value,
            shop_value=usual,
            unit=fact.unit,
            percentile=None if fact.yes else percentile,
            lift=value / usual if usual > 0 else None,
            text=words.answered(name, value > 0, usual)
            if fact.yes
            else words.fact(name, value, percentile, self._currency),
        )

    def _tastes(self, row: int, words: Words) -> list[CustomerFact]:
        """Categories and brands on which they spend a larger share, the most telling first."""
        found = sorted(self._liked(row), key=lambda t: (-t[1] * np.log(t[1] / t[2]), t[0]))
        told: list[CustomerFact] = []
        for (about, id_), here, usual in found:
            if sum(fact.about == about for fact in told) < TASTES:
                label = self._usual[about, id_][0]
                told.append(
                    CustomerFact(
                        about=about,
                        id=id_,
                        label=label,
                        value=here,
                        shop_value=usual,
                        unit="share",
                        lift=here / usual,
                        text=words.taste(label, here, usual),
                    )
                )
        return told

    def _liked(self, row: int) -> Iterator[tuple[Key, float, float]]:
        """Share of spend, and the shop's, of what they bought often enough and more of."""
        mine = self._snapshot.recommender.history.of(row)
        weights = mine.values if mine.values.any() else mine.times
        spent: dict[Key, float] = {}
        orders: dict[Key, int] = {}
        lines = zip(mine.products.tolist(), mine.times.tolist(), weights.tolist(), strict=True)
        for product, times, weight in lines:
            for key in self._keys(product):
                spent[key] = spent.get(key, 0.0) + weight
                orders[key] = orders.get(key, 0) + times
        total = float(weights.sum())
        for key, weight in spent.items():
            usual = self._usual.get(key, ("", 0.0))[1]
            share = weight / total if total > 0 else 0.0
            if usual > 0 and orders[key] >= MIN_ORDERS and share >= MIN_LIFT * usual:
                yield key, share, usual

    def _keys(self, product: int) -> list[Key]:
        names = self._catalogue.ancestor_names(product)
        keys = [(f"category:{level}", id_) for level, (id_, _) in enumerate(names)]
        brand = self._catalogue.product(product).brand
        return [*keys, ("brand", brand)] if brand is not None else keys
