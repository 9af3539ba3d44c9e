"""A first mapping file for a file nobody has described, guessed from names and values.

The text is meant to be read and edited: each line says why it is there. It loads as it is where
customer, product and time were found.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from loaders.errors import DataError
from loaders.files import LINE, FileFormat, read_table
from loaders.text import open_input, utf8_chunks
from loaders.values import ids, numbers, text, times

__all__ = ["guess_mapping"]

_ROLES: Final[dict[str, tuple[str, ...]]] = {
    "user": ("customerid", "userid", "userpseudoid", "householdid", "clientid", "memberid",
             "visitorid", "shopperid", "accountid", "buyerid", "customer", "user", "household",
             "client", "member", "visitor"),
    "order": ("orderid", "invoiceno", "invoiceid", "invoice", "transactionid", "basketid",
              "orderno", "ordernumber", "receiptid", "receipt", "order", "basket", "cartid"),
    "session": ("gasessionid", "sessionid", "visitid", "usersession", "session"),
    "product": ("productid", "itemid", "stockcode", "sku", "articleid", "productcode", "itemcode",
                "asin", "ean", "upc", "article", "product", "item"),
    "at": ("timestamp", "datetime", "eventtime", "invoicedate", "orderdate", "purchasedate",
           "transactiondate", "createdat", "date", "time", "at", "ts"),
    "event_column": ("eventname", "eventtype", "action", "behavior", "behaviour", "event"),
    "quantity": ("quantity", "qty", "units", "count"),
    "unit_price": ("unitprice", "itemprice", "price"),
    "value": ("linetotal", "salesvalue", "totalprice", "revenue", "amount", "total", "value",
              "sales"),
    "rating": ("rating", "stars", "score"),
    "title": ("productname", "itemname", "title", "description", "name"),
    "brand": ("itembrand", "brand", "manufacturer"),
}  # fmt: skip
"""Names of columns by what they hold, letters and digits only, the surest first."""

_WORDS: Final = (
    ("add_to_cart", "cart|basket"),
    ("add_to_wishlist", "wish|fav"),
    ("purchase", "^(purchase|buy|bought|order|transaction|sale)"),
    ("view_item", "^(view_item|view|click|detail|pv|look)"),
    ("rate", "rate|rating|review"),
)
_CATEGORY: Final = "department|category|subcategory|producttype"
_ABOUT_USERS: Final = ("country", "city", "region", "gender", "age")
_DATES: Final = ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%Y/%m/%d", "%m/%d/%y", "%d/%m/%y")
_CLOCKS: Final = (" %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p", "")
_EPOCHS: Final = {10: "epoch_s", 13: "epoch_ms", 16: "epoch_us"}


@dataclass(frozen=True)
class _Guess:
    """What was found out about a file."""

    frame: pl.DataFrame
    fmt: FileFormat
    roles: dict[str, str]

    def values(self, role: str) -> pl.Series | None:
        """Distinct values of the column in a role, or ``None`` where no column has it."""
        column = self.roles.get(role)
        return self.frame[column].drop_nulls().unique() if column else None


def guess_mapping(path: Path | str) -> str:
    """Write a mapping for ``path`` as TOML with comments.

    Raises:
        DataError: the file cannot be read at all.
    """
    path = Path(path)
    fmt = _format(path)
    frame = read_table(path, fmt)
    found = _Guess(frame, fmt, _assign([c for c in frame.columns if c != LINE]))
    return "\n".join(
        [
            f"# Guessed from {path.name}: check every line.",
            'currency = "USD"  # the file does not say',
            'time_zone = "UTC"  # zone of the times in the file, such as "Europe/London"',
            "",
            "[events]",
            f"file = {_quoted(path.as_posix())}  # relative to this mapping file",
            *_format_lines(found),
            *_key_lines(found),
            *_event_lines(found),
            *_amount_lines(found),
            *_description_lines(found),
            "",
            *_cancellation_lines(found),
            *_non_product_lines(found),
        ]
    )


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _listed(values: Iterable[str]) -> str:
    return f"[{', '.join(map(_quoted, values))}]"


def _bare(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())


def _format(path: Path) -> FileFormat:
    """Encoding by trying, separator by counting in the first line."""
    if path.name.lower().endswith((".parquet", ".pq", ".jsonl", ".ndjson", ".json")):
        return FileFormat()
    encoding = _encoding(path)
    first = next(iter(utf8_chunks(path, encoding))).decode().split("\n", 1)[0]
    bare = re.sub('"[^"]*"', "", first)
    return FileFormat(encoding=encoding, separator=max(",;\t|", key=bare.count))


def _encoding(path: Path) -> str:
    with open_input(path) as file:
        if file.read(2) in (b"\xff\xfe", b"\xfe\xff"):
            return "utf-16"
    try:
        for _ in utf8_chunks(path):
            pass
    except DataError as error:
        if isinstance(error.__cause__, UnicodeDecodeError):
            return "cp1252"
        raise
    return "utf-8"


def _assign(columns: list[str]) -> dict[str, str]:
    """A column for each role; exact names first, then names that end alike."""
    roles: dict[str, str] = {}
    for same in (str.__eq__, str.endswith):
        for role, names in _ROLES.items():
            free = [c for c in columns if c not in roles.values()]
            hit = next((c for n in names for c in free if len(n) > 3 or same is str.__eq__
                        if same(_bare(c), n)), None)  # fmt: skip
            if hit and role not in roles:
                roles[role] = hit
    return roles


def _format_lines(found: _Guess) -> Iterator[str]:
    if found.fmt.separator != ",":
        yield f"separator = {_quoted(found.fmt.separator)}"
    if found.fmt.encoding != "utf-8":
        yield f"encoding = {_quoted(found.fmt.encoding)}  # not UTF-8; letters may tell otherwise"
    if _decimal(found) == ",":
        yield 'decimal = ","'


def _decimal(found: _Guess) -> str:
    for role in ("unit_price", "value", "quantity"):
        values = found.values(role)
        if values is None or values.dtype != pl.String:
            continue
        if values.str.contains(r"^-?\d+,\d{1,2}$").any():
            return ","
    return "."


def _key_lines(found: _Guess) -> Iterator[str]:
    columns = ", ".join(c for c in found.frame.columns if c != LINE)
    for role in ("user", "product", "at"):
        if role in found.roles:
            yield f"{role} = {_quoted(found.roles[role])}"
        else:
            yield f'{role} = "?"  # needed, and no name gives it away; one of: {columns}'
    moments = found.values("at")
    if moments is not None:
        yield from _date_lines(moments)
    for role in ("order", "session"):
        if role in found.roles:
            yield f"{role} = {_quoted(found.roles[role])}"


def _date_lines(values: pl.Series) -> Iterator[str]:
    if values.dtype.is_temporal():
        return
    fitting = [form for form in _date_formats(values) if _reads(values, form)]
    if not fitting:
        yield f'date_format = "iso"  # does not fit {values[0]!r}; write it in strptime letters'
        return
    other = f"  # {fitting[1]} would fit as well" if len(fitting) > 1 else ""
    yield f"date_format = {_quoted(fitting[0])}{other}"


def _date_formats(values: pl.Series) -> Iterator[str]:
    digits = len(str(values[0]).removesuffix(".0")) if len(values) else 0
    if digits in _EPOCHS and str(values[0]).replace(".", "").isdigit():
        yield _EPOCHS[digits]
    yield "iso"
    yield from (date + clock for clock in _CLOCKS for date in _DATES)
    yield "%Y%m%d"


def _reads(values: pl.Series, date_format: str) -> bool:
    return len(values) > 0 and not times(values, date_format).values.null_count()


def _event_lines(found: _Guess) -> Iterator[str]:
    words = found.values("event_column")
    if words is None:
        yield 'event = "purchase"  # what each line is, if all are the same'
        return
    named = {str(w): _meaning(str(w)) for w in words.sort()}
    table = ", ".join(f"{_quoted(w)} = {_quoted(m)}" for w, m in named.items() if m)
    rest = ", ".join(w for w, m in named.items() if not m)
    yield f"event_column = {_quoted(found.roles['event_column'])}"
    yield f"event_names = {{ {table} }}" + (f"  # left out: {rest:.200}" if rest else "")


def _meaning(word: str) -> str | None:
    return next((event for event, sign in _WORDS if re.search(sign, word.lower())), None)


def _amount_lines(found: _Guess) -> Iterator[str]:
    roles = found.roles
    if "quantity" in roles:
        yield f"quantity = {_quoted(roles['quantity'])}"
    if "unit_price" in roles:
        yield f"unit_price = {_quoted(roles['unit_price'])}  # of one unit; else name it value"
        if "value" in roles:
            yield f"# value = {_quoted(roles['value'])}  # in place of unit_price: of the line"
    elif "value" in roles:
        yield f"value = {_quoted(roles['value'])}  # of the whole line; else name it unit_price"
    if "rating" in roles:
        yield f"rating = {_quoted(roles['rating'])}"


def _description_lines(found: _Guess) -> Iterator[str]:
    for role in ("title", "brand"):
        if role in found.roles:
            yield f"{role} = {_quoted(found.roles[role])}"
    free = [c for c in found.frame.columns if c != LINE and c not in found.roles.values()]
    levels = [c for c in free if re.search(_CATEGORY, _bare(c))]
    if levels:
        yield f"categories = {_listed(levels)}  # broadest first"
    about = [c for c in free if _bare(c) in _ABOUT_USERS]
    if about:
        yield f"user_attributes = {_listed(about)}"
    rest = [c for c in free if c not in levels and c not in about]
    if rest:
        yield f"# not used: {', '.join(rest)}"


def _cancellation_lines(found: _Guess) -> Iterator[str]:
    quantity, orders = found.values("quantity"), found.values("order")
    if quantity is None or not (numbers(quantity, _decimal(found)) < 0).any():
        return
    yield "[cancellations]  # there are negative quantities"
    if orders is not None and text(orders).str.contains(r"^C\d").any():
        yield f"column = {_quoted(found.roles['order'])}"
        yield 'starts_with = "C"  # orders like C489449'
    yield "negative = true"
    yield ""


def _non_product_lines(found: _Guess) -> Iterator[str]:
    """Codes without a digit where nearly all have one are seldom goods."""
    values = found.values("product")
    if values is None:
        return
    codes = ids(values).drop_nulls().unique().sort()
    odd = codes.filter(~codes.str.contains(r"\d"))
    if 0 < 10 * len(odd) <= len(codes):
        yield "[non_products]"
        yield f"codes = {_listed(odd.head(50))}  # codes without a digit: postage, fees?"
