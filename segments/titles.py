"""What the words of product titles say a product is, for shops without categories.

A theme is a word, or up to ``LONGEST`` words in a row, that several titles share: *christmas*,
*jumbo bag*, *hot water bottle*. Phrases that stop in the middle of a title's sense are left out by
where they stand: a phrase that names something mostly begins a title or ends it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from math import log
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from segments.config import SegmentsConfig
from segments.model import Trait

__all__ = ["distinct_themes", "speaks", "theme_matrix"]

LONGEST = 4

SHARED = 3
"""Titles that must have a theme."""

AT_EDGE = 0.5
"""Share of a phrase's titles that it must begin or end."""

SAME = 0.7
"""A longer phrase with this part of a shorter one's share says the same, better."""

PHRASE = 3
"""How many times as much a phrase tells as a word."""

_WORD: Final = re.compile(r"\d[\w.]*|[^\W\d_](?:[\w'&-]*\w)?")

_SMALL: Final = {
    *("a", "an", "and", "by", "for", "from", "in", "no", "of", "on", "or", "the", "to"),
    *("with", "without"),
}
_PACKING: Final = {
    *("asst", "assorted", "assortment", "box", "boxed", "design", "each", "large", "medium"),
    *("mini", "oz", "pack", "pair", "pc", "pcs", "piece", "pieces", "set", "size", "small", "tall"),
}
_COLOURS: Final = {
    *("beige", "black", "blue", "brown", "colour", "color", "cream", "dark", "gold", "green"),
    *("grey", "gray", "ivory", "light", "natural", "orange", "pink", "purple", "red", "silver"),
    *("white", "yellow"),
}


def theme_matrix(
    titles: Sequence[str | None],
) -> tuple[list[str], sparse.csr_array[np.float64, tuple[int, int]]]:
    """Themes of a shop's titles and which product has which.

    Args:
        titles: one a product, ``None`` where unknown.

    Returns:
        Themes in lower case, sorted; 1 where the title has it, float64 CSR [n_titles, n_themes].
    """
    found = [dict(_phrases(title)) for title in titles]
    total, edge = Counter[str](), Counter[str]()
    for phrases in found:
        total.update(phrases.keys())
        edge.update(phrase for phrase, stands_at_edge in phrases.items() if stands_at_edge)

    def at_edge(phrase: str) -> bool:
        return " " not in phrase or edge[phrase] >= AT_EDGE * total[phrase]

    themes = sorted(
        phrase
        for phrase, count in total.items()
        if count >= SHARED and speaks(phrase) and at_edge(phrase)
    )
    place = {theme: column for column, theme in enumerate(themes)}
    cells = [(row, place[p]) for row, phrases in enumerate(found) for p in phrases if p in place]
    rows, columns = np.array(cells, np.int64).reshape(-1, 2).T
    entries: tuple[npt.NDArray[np.float64], tuple[npt.NDArray[np.int64], ...]]
    entries = (np.ones(len(cells)), (rows, columns))
    shape = (len(titles), len(themes))
    return themes, sparse.csr_array(sparse.coo_array(entries, shape=shape))


def speaks(theme: str) -> bool:
    """Whether a theme can stand in a name: no packing at its ends, and no colour alone or last."""
    first, last = theme.split()[0], theme.split()[-1]
    return first not in _SMALL | _PACKING and last not in _SMALL | _COLOURS and len(last) > 2


def distinct_themes(
    themes: Sequence[Trait], customers: int, config: SegmentsConfig
) -> tuple[Trait, ...]:
    """Of a segment's themes those that name it, the most telling first.

    A theme must be bought by ``config.common`` of the ``customers``. Of themes within each other
    the longest stays that keeps ``SAME`` of the shorter's share. They are ordered as categories
    are in a name, phrases before words, since *trinket box* says more than *ceramic*.
    """
    common = [t for t in themes if t.customers >= config.common * customers]
    whole = [
        t
        for t in common
        if not any(_inside(t.id, o.id) and o.share >= SAME * t.share for o in common)
    ]
    whole.sort(key=lambda t: -t.share * log(t.lift) ** 2 * (PHRASE if " " in t.id else 1))
    kept: list[Trait] = []
    for theme in whole:
        if not any(_alike(theme.id, other.id) for other in kept):
            kept.append(theme)
    return tuple(kept[: config.traits])


def _inside(short: str, long: str) -> bool:
    return short != long and f" {short} " in f" {long} "


def _alike(one: str, other: str) -> bool:
    """Whether two themes share their first word, or the words of one are in the other."""
    a, b = ([word.removesuffix("s") for word in theme.split()] for theme in (one, other))
    glued = ("".join(a), "".join(b))
    return a[0] == b[0] or set(a) <= set(b) or set(b) <= set(a) or glued[0] == glued[1]


def _phrases(title: str | None) -> Iterator[tuple[str, bool]]:
    """Phrases of a title, and whether each begins or ends it; none reaches over a number."""
    words = _WORD.findall((title or "").lower())
    for start in range(len(words)):
        for stop in range(start + 1, min(start + LONGEST, len(words)) + 1):
            if any(word[0].isdigit() for word in words[start:stop]):
                break
            yield " ".join(words[start:stop]), start == 0 or stop == len(words)
