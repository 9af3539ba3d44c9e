"""Reasons as sentences, in the languages a shop's customers read.

A sentence says what the reason's numbers say and nothing else. Days are UTC. To add a language,
write its class of one method a kind and name it in ``WORDS``.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Final, Literal

__all__ = ["LANGUAGES", "Language", "sentence"]

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
Numbers = dict[str, float | str]

_MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


def sentence(kind: str, about: str, numbers: Numbers, language: Language) -> str:
    """The sentence that tells a reason.

    Args:
        kind: of the reason.
        about: title of the product, or name of the segment, it starts from; may be empty.
        numbers: what to tell.
        language: to tell it in.
    """
    return str(getattr(WORDS[language], kind)(about, numbers))


class English:
    """English."""

    def history(self, about: str, n: Numbers) -> str:
        """The product itself was bought before."""
        text = f"Bought {_bought(n)}"
        days = _interval(n)
        every = "every day" if days == 1 else f"every {days} days"
        return text if days is None else f"{text}, usually {every}"

    def rule(self, about: str, n: Numbers) -> str:
        """Orders with a product that is held also hold this one."""
        confidence, support = _percent(n["confidence"]), _percent(n["support"])
        tail = f"{n['lift']:.1f} times the usual share; {support} of all orders hold both"
        head = f"{confidence} of orders with {about}{_aside(n)} also hold this"
        return f"{head}, {tail}"

    def similar(self, about: str, n: Numbers) -> str:
        """It is like a product that is held."""
        return f"Similar to {about}{_aside(n)}"

    def segment(self, about: str, n: Numbers) -> str:
        """The customer's segment buys it more than others do."""
        return f"The share of buyers in segment {about} is {n['lift']:.1f} times the whole shop's"

    def popular(self, about: str, n: Numbers) -> str:
        """How many bought it, lately and ever."""
        if not n["recent"]:
            return f"Bought by {_people(n['buyers'])}"
        lately = f"{_people(n['recent'])} in the {n['days']:g} days to {_day(n['until'])}"
        return f"Bought by {lately}, {n['buyers']:,} in all"

    def new(self, about: str, n: Numbers) -> str:
        """Nobody bought it yet; what it is most like."""
        return f"Not bought by anyone yet; by category, brand and title most like {about}"


class Chinese:
    """Simplified Chinese."""

    def history(self, about: str, n: Numbers) -> str:
        """The product itself was bought before."""
        days = _interval(n)
        rhythm = (
            "" if days is None else "，平均每天买一次" if days == 1 else f"，平均每{days}天买一次"
        )
        return f"买过{_times_zh(n)}{rhythm}"

    def rule(self, about: str, n: Numbers) -> str:
        """Orders with a product that is held also hold this one."""
        confidence, support = _percent(n["confidence"]), _percent(n["support"])
        tail = f"是平均比例的{n['lift']:.1f}倍；全部订单中有{support}同时含有两者"
        if "times" in n:
            head = f"“{about}”买过{_times_zh(n)}；含有它的订单中，{confidence}也含有本商品"
        else:
            head = f"含有“{about}”的订单中，{confidence}也含有本商品"
        return f"{head}，{tail}"

    def similar(self, about: str, n: Numbers) -> str:
        """It is like a product that is held."""
        return f"与“{about}”相似" + (f"，后者买过{_times_zh(n)}" if "times" in n else "")

    def segment(self, about: str, n: Numbers) -> str:
        """The customer's segment buys it more than others do."""
        return f"“{about}”客群中买过本商品的顾客比例是全体顾客的{n['lift']:.1f}倍"

    def popular(self, about: str, n: Numbers) -> str:
        """How many bought it, lately and ever."""
        if not n["recent"]:
            return f"共有{n['buyers']:,}位顾客买过"
        lately = f"截至{_day_zh(n['until'])}的{n['days']:g}天内有{n['recent']:,}位顾客购买"
        return f"{lately}，累计{n['buyers']:,}位"

    def new(self, about: str, n: Numbers) -> str:
        """Nobody bought it yet; what it is most like."""
        return f"还没有顾客买过；从品类、品牌和名称看，与“{about}”最相似"


WORDS: Final[dict[Language, English | Chinese]] = {"en": English(), "zh": Chinese()}


def _bought(n: Numbers) -> str:
    times = n["times"]
    how_often = "once" if times == 1 else f"{times:,} times"
    return f"{how_often}, {'on' if times == 1 else 'last on'} {_day(n['last'])}"


def _aside(n: Numbers) -> str:
    """How often what was just named was bought, if the customer did."""
    return f" (bought {_bought(n)})" if "times" in n else ""


def _times_zh(n: Numbers) -> str:
    last = _day_zh(n["last"])
    return f"1次（{last}）" if n["times"] == 1 else f"{n['times']:,}次，最近一次是{last}"


def _people(n: float | str) -> str:
    return "1 customer" if n == 1 else f"{n:,} customers"


def _interval(n: Numbers) -> int | None:
    """Whole days between purchases, at least 1; ``None`` where bought on one day only."""
    return max(1, round(float(n["interval_days"]))) if "interval_days" in n else None


def _percent(share: float | str) -> str:
    """A share in per cent, whole ones from 10 on, else with two digits that say something."""
    percent = 100 * float(share)
    if percent >= 9.5:
        return f"{percent:.0f}%"
    return f"{percent:#.2g}%" if percent >= 0.001 else "under 0.001%"


@lru_cache(maxsize=4_096)
def _day(text: float | str) -> str:
    day = date.fromisoformat(str(text))
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


@lru_cache(maxsize=4_096)
def _day_zh(text: float | str) -> str:
    day = date.fromisoformat(str(text))
    return f"{day.year}年{day.month}月{day.day}日"
