"""The parts of the documentation that are written from the code, so that they cannot lag.

Here those of ``docs/data.md``. After a change of ``loaders.schema`` or ``loaders.mapping_schema``:
``python -m loaders.contract docs/data.md`` rewrites what stands between the markers.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping as Parts
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import polars as pl
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from loaders.files import FileFormat
from loaders.mapping_example import EXAMPLE_MAPPING
from loaders.mapping_schema import Mapping
from loaders.schema import TABLES, Table

__all__ = ["contract_markdown", "fill", "mapping_markdown", "refresh", "toml_text", "values_of"]

_TYPES = {pl.String: "text", pl.Float64: "number", pl.Int64: "whole number", pl.Boolean: "yes/no"}


def contract_markdown() -> str:
    """Every table and column of the contract, as Markdown."""
    return "\n\n".join(_table(table) for table in TABLES.values())


def mapping_markdown() -> str:
    """An example mapping in full and every key a mapping file may have, as Markdown."""
    parts = [f"```toml\n{EXAMPLE_MAPPING}```", "### Top level", _keys(Mapping)]
    for name, field in Mapping.model_fields.items():
        model = _model(field)
        if model:
            doc = " ".join((model.__doc__ or "").split())
            parts += [f"### `[{name}]`", doc, _keys(model)]
    parts += ["### Keys of every file", "In each table that has a `file`:", _keys(FileFormat)]
    return "\n\n".join(parts)


def refresh(text: str) -> str:
    """``text`` with the parts about data written anew."""
    return fill(text, {"contract": contract_markdown(), "mapping": mapping_markdown()})


def fill(text: str, parts: Parts[str, str]) -> str:
    """``text`` with what stands between the markers of each of ``parts`` replaced by it."""
    for name, content in parts.items():
        start, end = f"<!-- generated: {name} -->", f"<!-- end: {name} -->"
        pattern = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL)
        whole = f"{start}\n{content}\n{end}"
        text = pattern.sub(lambda _, whole=whole: whole, text)  # type: ignore[misc]
    return text


def _table(table: Table) -> str:
    rows = [
        f"| `{c.name}` | {_TYPES.get(type(c.dtype), 'time (UTC)')} | "
        f"{'yes' if c.required else ''} | {c.doc} |"
        for c in table.columns
    ]
    key = ", ".join(f"`{k}`" for k in table.key)
    head = f"### {table.name}\n\n{table.doc} Key: {key}.\n\n| column | type | required | meaning |"
    return "\n".join([head, "|---|---|---|---|", *rows])


def _keys(model: type[BaseModel]) -> str:
    """A table of a model's own keys; those of every file are told once."""
    common = () if model is FileFormat else FileFormat.model_fields
    rows = [
        f"| `{name}` | {values_of(field.annotation)} | {_default(field)} | {field.description} |"
        for name, field in model.model_fields.items()
        if name not in common and not _model(field)
    ]
    return "\n".join(["| key | values | default | meaning |", "|---|---|---|---|", *rows])


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True)
    return "" if value is None else f"`{toml_text(value)}`"


def _model(field: FieldInfo) -> type[BaseModel] | None:
    """The model of a field that is a TOML table of its own."""
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def values_of(kind: Any) -> str:
    """What may stand for a key, in words; an optional key is told by its empty default."""
    origin = get_origin(kind)
    if origin is Literal:
        return ", ".join(f"`{toml_text(v)}`" for v in get_args(kind))
    if origin in (tuple, dict):
        return "list" if origin is tuple else "table"
    if origin is not None:
        return values_of(next(k for k in get_args(kind) if k is not type(None)))
    return {
        float: "number",
        int: "number",
        bool: "true, false",
        date: "date",
        datetime: "time",
    }.get(kind, "text")


def toml_text(value: Any) -> str:
    """``value`` as it is written in a TOML file."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"'{value}'" if '"' in value else f'"{value}"'
    if isinstance(value, tuple):
        return "[" + ", ".join(toml_text(v) for v in value) + "]"
    if isinstance(value, dict):
        inner = ", ".join(f"{k} = {toml_text(v)}" for k, v in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    return str(value)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(refresh(target.read_text(encoding="utf-8")), encoding="utf-8")
