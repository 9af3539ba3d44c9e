"""Why a list is not what was hoped for, as sentences in the reader's language."""

from __future__ import annotations

from typing import Final, Literal

from ranking.wording import Language

__all__ = ["Note", "note"]

Note = Literal[
    "stranger",
    "stranger-repeat",
    "little-known",
    "by-segment",
    "visitor",
    "nothing-known",
    "filtered",
    "nothing-bought",
    "all-bought",
]

_NOTES: Final[dict[Note, dict[Language, str]]] = {
    "stranger": {
        "en": "No customer has this id; these products are popular lately.",
        "zh": "没有这个编号的顾客；以下是近期热销的商品。",
    },
    "stranger-repeat": {
        "en": "No customer has this id, so there is nothing bought before to list.",
        "zh": "没有这个编号的顾客，因此没有可以再次购买的商品。",
    },
    "little-known": {
        "en": "Too little is known of this customer; these products are popular lately.",
        "zh": "对这位顾客了解太少；以下是近期热销的商品。",
    },
    "by-segment": {
        "en": "This customer has bought nothing yet; these products are popular lately in segment"
        " {segment}.",
        "zh": "这位顾客还没有购买记录；以下是“{segment}”客群近期热销的商品。",
    },
    "visitor": {
        "en": "Too little was seen of this visitor; these products are popular lately in segment"
        " {segment}.",
        "zh": "对这位访客的行为了解太少；以下是“{segment}”客群近期热销的商品。",
    },
    "nothing-known": {
        "en": "Too little is known of this visitor; these products are popular lately.",
        "zh": "对这位访客了解太少；以下是近期热销的商品。",
    },
    "filtered": {
        "en": "Nothing is left to list with these filters.",
        "zh": "按这些条件筛选后，没有可以列出的商品。",
    },
    "nothing-bought": {
        "en": "This customer has bought nothing yet, so there is nothing to list again.",
        "zh": "这位顾客还没有购买记录，因此没有可以再次购买的商品。",
    },
    "all-bought": {
        "en": "This customer has bought every product, so there is nothing new to list.",
        "zh": "这位顾客已经买过所有商品，没有新的商品可以推荐。",
    },
}


def note(which: Note, language: Language, segment: str = "") -> str:
    """The sentence, about ``segment`` where it speaks of one."""
    return _NOTES[which][language].format(segment=segment)
