"""What is too long for a page, as CSV or NDJSON, made page by page.

CSV is safe to open in a spreadsheet.

A spreadsheet runs a cell that starts with one of ``= + - @`` or a tab; ids come from outside, so
such text gets an apostrophe before it. See https://owasp.org/www-community/attacks/CSV_Injection.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from pydantic import BaseModel

from api.models.segments import Member
from api.service import Service

__all__ = [
    "COLUMNS",
    "CSV",
    "JSON",
    "NDJSON",
    "PAGE",
    "lines",
    "members_csv",
    "pages",
    "preferred",
    "safe",
    "written",
]

JSON: Final = "application/json"
CSV: Final = "text/csv"
NDJSON: Final = "application/x-ndjson"


COLUMNS: Final = tuple(Member.model_fields)
PAGE: Final = 5_000
_DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def preferred(accept: str, offered: Sequence[str]) -> str:
    """Which of the media types an Accept header ranks highest; see RFC 9110, section 12.5.1.

    Of two equals the one named wins over the one that only a wildcard covers, then the first.
    """
    weights = dict(_weight(part) for part in accept.lower().split(","))

    def rank(offer: str) -> tuple[float, bool]:
        wider = (offer, f"{offer.partition('/')[0]}/*", "*/*")
        weight = next((weights[t] for t in wider if t in weights), 0.0)
        return weight, weight > 0 and offer in weights

    return max(offered, key=rank)


def _weight(part: str) -> tuple[str, float]:
    name, *parameters = (p.strip() for p in part.split(";"))
    return name, _number(next((p[2:] for p in parameters if p.startswith("q=")), "1"))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def safe(text: str) -> str:
    """``text`` so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(_DANGEROUS) else text


def pages(page: Callable[[int, int], Sequence[BaseModel]]) -> Iterator[Sequence[BaseModel]]:
    """All that ``page(offset, limit)`` gives, ``PAGE`` at a time."""
    offset = 0
    while found := page(offset, PAGE):
        yield found
        offset += PAGE


def lines(found: Iterable[Sequence[BaseModel]]) -> Iterator[str]:
    """NDJSON: each model on a line of its own."""
    for page in found:
        yield "".join(f"{model.model_dump_json()}\n" for model in page)


def members_csv(service: Service, segment_id: str) -> Iterator[str]:
    """The CSV of a segment, a page at a time, all from the one snapshot of ``service``."""
    yield written([COLUMNS])
    offset, total = 0, 1
    while offset < total:
        page = service.segment_users(segment_id, offset, PAGE)
        yield written([_row(member) for member in page.users])
        offset, total = offset + PAGE, page.total


def _row(member: Member) -> tuple[str, ...]:
    bought = member.last_purchase
    return (
        safe(member.user_id),
        f"{member.strength:.4f}",
        str(member.orders),
        "" if member.spend is None else f"{member.spend:.2f}",
        "" if bought is None else bought.isoformat(),
    )


def written(rows: Iterable[Sequence[str]]) -> str:
    """Lines of CSV."""
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()
