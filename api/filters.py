"""``Filters``: what a caller asks of a list, as masks and shapes over products as they are now.

Nothing is relaxed: a product that breaks a rule is never listed, and a list that ends early ends
where no product is left. Products of unknown price, brand or stock do not pass a rule on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from api.catalogue import Catalogue
from api.models.base import Mode
from api.models.options import ListOptions, ProductFilters
from api.nearest import nearest_names
from loaders.errors import OptionError, UnknownBrand
from pipeline.snapshot import Snapshot
from ranking.recommender import BOUGHT
from ranking.scorer import Bought
from ranking.shape import Shape

__all__ = ["Asked", "Filters"]

Mask = npt.NDArray[np.bool_]

ROUNDING = 1e-9


class Asked(TypedDict):
    """Arguments of every list that ``Recommender`` makes."""

    allowed: Mask | None
    shape: Shape | None


class Filters:
    """Masks by row of a snapshot's products."""

    def __init__(self, snapshot: Snapshot, catalogue: Catalogue) -> None:
        self._catalogue, self._goods = catalogue, catalogue.goods
        self._likeness = snapshot.likeness
        self._novelty = _novelty(snapshot)

    def allowed(self, wanted: ProductFilters) -> Mask | None:
        """Which products may be listed, bool [n_products]; ``None`` for all.

        Raises:
            UnknownCategory: the shop has no such category.
            UnknownBrand: no product is of this brand.
            OptionError: prices are the wrong way round, or nothing is known of stock.
        """
        masks = list(self._masks(wanted))
        if wanted.exclude:
            kept = np.ones(len(self._novelty), np.bool_)
            kept[self._catalogue.ids.to_rows(wanted.exclude, missing="drop")] = False
            masks.append(kept)
        return np.logical_and.reduce(masks) if masks else None

    def _masks(self, wanted: ProductFilters) -> Iterable[Mask]:
        low, high = wanted.min_price, wanted.max_price
        if low is not None and high is not None and low > high:
            raise OptionError("min_price", f"{low:g} is above max_price {high:g}; swap them")
        if wanted.category:
            yield np.logical_or.reduce([self._catalogue.within(c) for c in wanted.category])
        if wanted.brand:
            yield np.logical_or.reduce([self._of_brand(name) for name in wanted.brand])
        if low is not None:
            yield self._goods.amounts >= low
        if high is not None:
            yield self._goods.amounts <= high
        if wanted.in_stock:
            yield self._stocked()
        if wanted.min_novelty:
            yield self._novelty >= wanted.min_novelty - ROUNDING

    def _of_brand(self, name: str) -> Mask:
        place = self._goods.brand(name)
        if place is None:
            known = sorted(self._goods.brand_names)
            if not known:
                raise UnknownBrand(f"no product of this shop has a brand, so none has {name!r}")
            raise UnknownBrand(f"no product has the brand {name!r}{nearest_names(name, known)}")
        mask: Mask = self._goods.brand_places == place
        return mask

    def _stocked(self) -> Mask:
        if not self._goods.tells_stock:
            raise OptionError(
                "in_stock",
                "this shop's products do not say what is in stock; load them with a column "
                "in_stock (true or false) or stock (how many are left), or leave in_stock out",
            )
        return self._goods.stocked

    def bought(self, wanted: ListOptions, mode: Mode) -> Bought:
        """Whether products bought before are allowed, barred or required.

        Raises:
            OptionError: ``wanted`` contradicts the mode.
        """
        own = BOUGHT[mode]
        if mode != "all" and wanted.bought not in (None, own):
            raise OptionError(
                "bought",
                f"mode={mode} means bought={own}; leave bought out, or ask for mode=all",
            )
        return wanted.bought or own

    def asked(self, wanted: ListOptions) -> Asked:
        """What a recommender takes of ``wanted``; errors as in ``allowed``."""
        return {"allowed": self.allowed(wanted), "shape": self.shape(wanted)}

    def shape(self, wanted: ListOptions) -> Shape | None:
        """How the list is composed; ``None`` where by scores alone."""
        if wanted.per_category is None and not wanted.diversity:
            return None
        groups = self._catalogue.category_places
        return Shape(groups, wanted.per_category, wanted.diversity, self._likeness.both)


def _novelty(snapshot: Snapshot) -> npt.NDArray[np.float64]:
    """Self-information of each product in bits, float64 [n_products]: log2(customers / buyers).

    As in Zhou et al., "Solving the apparent diversity-accuracy dilemma of recommender systems"
    (PNAS 2010); infinite for a product nobody bought.
    """
    history = snapshot.recommender.history
    customers = max(1, int((np.diff(history.starts) > 0).sum()))
    with np.errstate(divide="ignore"):
        return np.asarray(np.log2(customers / history.buyers.astype(np.float64)))
