"""A shop's category names made readable: what stands on a shelf label, not in a till."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["readable"]

_SHORT: Final = {
    "bev": "beverages",
    "bkd": "baked",
    "brkfst": "breakfast",
    "btl": "bottles",
    "choc": "chocolate",
    "drnk": "drink",
    "drnks": "drinks",
    "drsng": "dressing",
    "fd": "food",
    "frz": "frozen",
    "frzn": "frozen",
    "jce": "juice",
    "pckgd": "packaged",
    "pkg": "packaged",
    "pnt": "peanut",
    "prod": "produce",
    "refrgratd": "refrigerated",
    "refrig": "refrigerated",
    "sald": "salad",
    "sft": "soft",
    "sndwch": "sandwich",
    "veg": "vegetables",
    "whlsm": "wholesome",
}
"""Abbreviations common on retail labels."""

_TURN: Final = re.compile(rf"\s*[-,]\s+|\s+-\s*|-(?=(?:{'|'.join(_SHORT)})$)", re.IGNORECASE)
"""What stands between a noun and the words that a shop sorts behind it."""

_SMALL: Final = {"and", "for", "of", "or", "the", "with", "in"}


def readable(name: str) -> str:
    """A category name in title case, abbreviations spelled out, the first of alternatives.

    ``FRZN MEAT/MEAT DINNERS`` becomes ``Frozen Meat``; ``SEAFOOD - FROZEN``, whose words a shop
    sorts by, becomes ``Frozen Seafood``. Words with capitals inside are left as they are.
    """
    first = re.split(r"[/:;(]", name.strip(" /"))[0]
    head, *rest = _TURN.split(first, maxsplit=1)
    words = " ".join([*rest, head]).replace(".", " ").split()
    return " ".join(_worded(word, place) for place, word in enumerate(words)) or name


def _worded(word: str, place: int) -> str:
    if (mark := re.search(r"[-&]", word)) and len(word) > 1:
        return mark.group().join(_worded(part, 0) for part in word.split(mark.group()))
    plain = _SHORT.get(word.lower(), word)
    if plain.lower() in _SMALL and place:
        return plain.lower()
    even = plain.isupper() or plain.islower() or plain[1:].islower()
    return plain.capitalize() if even else plain
