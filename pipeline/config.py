"""``Config``: every setting of a build, from ``coterie.toml`` and the environment, checked once.

Setting ``dim`` of section ``gnn`` is ``[gnn] dim = 32`` in the file and, in the environment,
``COTERIE_GNN__DIM=32``, which wins.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from audiences.config import AudiencesConfig
from events.config import EventsConfig
from experiments.config import ExperimentsConfig
from gnn.config import GnnConfig
from lifecycle.config import LifecycleConfig
from loaders.errors import ConfigError
from pipeline.text_config import TextConfig
from pipeline.traces_config import TracesConfig
from ranking.config import RankingConfig
from rules.config import RulesConfig
from segments.config import SegmentsConfig

__all__ = [
    "Config",
    "EvaluationConfig",
    "SnapshotsConfig",
    "changed",
    "load_config",
    "nested",
    "read_settings",
    "settings_table",
]


class EvaluationConfig(BaseModel):
    """The cut in time, and what is measured there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cut: datetime | None = Field(
        None, description="first moment of the test window, UTC; empty: 30 days before the end"
    )
    window_days: float | None = Field(
        None,
        gt=0,
        description="days of the test window, and of the validation window before it; empty: all"
        " that follows the cut",
    )
    k: int = Field(20, ge=1, le=1000, description="length of the lists that settings are chosen by")
    ks: tuple[Annotated[int, Field(ge=1, le=1000)], ...] = Field(
        (5, 10, 20), min_length=1, description="list lengths that are reported"
    )
    bootstrap: int = Field(500, ge=1, description="resamples of the users behind each interval")
    customers: int = Field(
        10_000,
        ge=1,
        description="customers that methods are judged by, at most; drawn at random from more",
    )
    unblended: tuple[str, ...] = Field(
        (), description="methods kept out of blends, by name, to see what they add"
    )


class SnapshotsConfig(BaseModel):
    """What becomes of finished builds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keep: int = Field(5, ge=1, description="builds kept on disk; the published one always is")
    liked: int = Field(20, ge=0, description="MAY_LIKE edges written back for each user")
    vectors: bool = Field(
        True, description="whether the vectors of users and products are written back"
    )


class Config(BaseSettings):
    """All settings of a build."""

    model_config = SettingsConfigDict(
        env_prefix="COTERIE_", env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    seed: int = Field(0, ge=0, description="seed of all that draws at random")
    rules: RulesConfig = RulesConfig()
    gnn: GnnConfig = GnnConfig()
    segments: SegmentsConfig = SegmentsConfig()
    lifecycle: LifecycleConfig = LifecycleConfig()
    ranking: RankingConfig = RankingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    snapshots: SnapshotsConfig = SnapshotsConfig()
    events: EventsConfig = EventsConfig()
    audiences: AudiencesConfig = AudiencesConfig()
    experiments: ExperimentsConfig = ExperimentsConfig()
    text: TextConfig = TextConfig()
    traces: TracesConfig = TracesConfig()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments alone: ``load_config`` merges file, environment and overrides itself."""
        return (init_settings,)


def load_config(path: Path | None, **overrides: Any) -> Config:
    """Read settings from the TOML file at ``path`` (may be missing or ``None``) and environment.

    Args:
        path: the file; a file that does not exist counts as empty.
        overrides: values of whole sections or of ``seed``; they win over the environment, as
            that wins over the file.

    Raises:
        ConfigError: the file is no TOML, or a setting is unknown or out of range; the message
            names each.
    """
    values = read_settings(path)
    for stronger in (_environment(), overrides):
        values = _merged(values, stronger)
    try:
        return _seeded(Config(**values))
    except ValidationError as error:
        raise ConfigError(_explain(error, path)) from error


def _environment() -> dict[str, Any]:
    """Settings of the environment, by section.

    Raises:
        ConfigError: a value cannot be read, or a variable names a section that does not exist.
    """
    prefix, mark = Config.model_config["env_prefix"], Config.model_config["env_nested_delimiter"]
    for name in os.environ:
        section, found, _ = name.upper().removeprefix(prefix).partition(mark or "")
        if name.upper().startswith(prefix) and found and section.lower() not in Config.model_fields:
            known = ", ".join(Config.model_fields)
            raise ConfigError(f"environment variable {name} names no section; there are: {known}")
    try:
        return EnvSettingsSource(Config)()
    except SettingsError as error:
        raise ConfigError(f"{error}; lists are written as JSON, such as [5, 10]") from error


def _merged(weaker: Mapping[str, Any], stronger: Mapping[str, Any]) -> dict[str, Any]:
    """Both, section by section; ``stronger`` wins."""
    merged = dict(weaker)
    for name, value in stronger.items():
        old = merged.get(name)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[name] = _merged(old, value) if both else value  # type: ignore[arg-type]
    return merged


def changed(config: Config, settings: Mapping[str, Any]) -> Config:
    """``config`` with some settings changed, by their dotted names such as ``gnn.dim``.

    Raises:
        ConfigError: a setting does not exist or is out of range.
    """
    try:
        return Config(**_merged(config.model_dump(), nested(settings)))
    except ValidationError as error:
        raise ConfigError(_explain(error, None)) from error


def nested(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by section, from their dotted names."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        *sections, key = name.split(".")
        place = found
        for section in sections:
            place = place.setdefault(section, {})
        place[key] = value
    return found


def _seeded(config: Config) -> Config:
    """The common seed, in each section that does not set its own."""
    changes = {
        name: section.model_copy(update={"seed": config.seed})
        for name in ("gnn", "segments", "lifecycle")
        if "seed" not in (section := getattr(config, name)).model_fields_set
    }
    return config.model_copy(update=changes)


def read_settings(path: Path | None) -> dict[str, Any]:
    """What the TOML file at ``path`` says, by section; nothing where there is no such file.

    Raises:
        ConfigError: the file is no TOML, or cannot be read.
    """
    if path is None or not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error


def _explain(error: ValidationError, path: Path | None) -> str:
    lines = [
        f"  {'.'.join(str(part) for part in e['loc'])}: {e['msg']} (got {e['input']!r})"
        for e in error.errors()
    ]
    places = f"{path} and the environment" if path else "the environment"
    return f"settings of {places} are not valid:\n" + "\n".join(lines)


def settings_table() -> list[tuple[str, str, str]]:
    """Every setting as (name, default, meaning), in the order of the file."""
    return list(_walk(Config.model_fields, ""))


def _walk(fields: Any, prefix: str) -> Any:
    for name, field in fields.items():
        default = field.default
        if isinstance(default, BaseModel):
            yield from _walk(type(default).model_fields, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", str(default), field.description or ""
