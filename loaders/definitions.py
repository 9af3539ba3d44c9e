"""What people define in TOML or JSON: the file, its times, its mistakes named by their path."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, ValidationError

from loaders.errors import ConfigError

__all__ = ["Utc", "mistakes", "read_document"]


def _no_number(at: object) -> object:
    if isinstance(at, int | float):
        raise ValueError("expected a time such as 2026-01-31T09:00:00Z")
    return at


Utc = Annotated[
    AwareDatetime, BeforeValidator(_no_number), AfterValidator(lambda at: at.astimezone(UTC))
]
"""A time that says its zone, in UTC; a plain number is refused, as its unit is anybody's guess."""


def read_document(path: Path) -> Any:
    """What a ``.toml`` or ``.json`` file holds, as plain keys and values.

    Raises:
        ConfigError: the file cannot be read or is neither.
    """
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from error
    except (ValueError, RecursionError) as error:
        kind = "JSON" if path.suffix == ".json" else "TOML"
        raise ConfigError(f"{path} is not valid {kind}: {error}") from error


def mistakes(error: ValidationError, whole: str) -> list[tuple[str, str]]:
    """Each mistake as its path and what to do about it.

    Args:
        error: what pydantic found.
        whole: the path of a mistake that is of no part alone.
    """
    return [_told(dict(each), whole) for each in error.errors()]


def _told(error: dict[str, Any], whole: str) -> tuple[str, str]:
    message = str(error["msg"]).removeprefix("Value error, ")
    path = ".".join(str(part) for part in error["loc"])
    if not path and ": " in message:
        path, _, message = message.partition(": ")
    return path or whole, message
