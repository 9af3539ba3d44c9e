"""Tables of every setting, for ``docs/configuration.md``."""

from __future__ import annotations

import inspect
from typing import Any, Final

from api.settings import ApiSettings
from loaders.contract import toml_text, values_of
from pipeline.config import Config, settings_table

__all__ = ["service_markdown", "settings_markdown", "within"]

COLUMNS: Final = "| setting | values | default | meaning |\n|---|---|---|---|"


def settings_markdown() -> str:
    """Every setting of a build, a table a section."""
    tables: dict[str, list[str]] = {}
    for name, _, meaning in settings_table():
        section, _, key = name.rpartition(".")
        model = _model(section)
        row = _setting(key, model.model_fields[key], meaning)
        tables.setdefault(section, [_head(section, model), COLUMNS]).append(row)
    return "\n\n".join("\n".join(lines) for lines in tables.values())


def _head(section: str, model: Any) -> str:
    if not section:
        return "### Top level\n"
    return f"### `[{section}]`\n\n{inspect.cleandoc(model.__doc__).splitlines()[0]}\n"


def _model(section: str) -> Any:
    model: Any = Config
    for part in filter(None, section.split(".")):
        model = type(model.model_fields[part].default)
    return model


def service_markdown() -> str:
    """Every setting of the HTTP service."""
    rows = [_setting(k, f, f.description or "") for k, f in ApiSettings.model_fields.items()]
    return "\n".join([COLUMNS, *rows])


def _setting(key: str, field: Any, meaning: str) -> str:
    limits = [
        next((getattr(m, end) for m in field.metadata if hasattr(m, end)), None)
        for end in ("ge", "le", "gt", "lt")
    ]
    values = within(values_of(field.annotation), *limits)
    default = "" if field.default is None else f"`{toml_text(field.default)}`"
    text = f"{meaning[:1].upper()}{meaning[1:].removesuffix('.')}."
    return f"| `{key}` | {values} | {default} | {text} |"


def within(word: str, least: Any, most: Any, above: Any = None, below: Any = None) -> str:
    """``word`` with the range it has to lie in."""
    if least is not None and most is not None:
        return f"{word}, {least} to {most}"
    ends = {"at least": least, "above": above, "at most": most, "below": below}
    return ", ".join([word, *(f"{end} {v}" for end, v in ends.items() if v is not None)])
