"""The parts of ``docs/`` that are written from commands, errors and settings.

After a change of one of them: ``python -m cli.reference docs/*.md`` rewrites what stands between
the markers, those of ``loaders.contract`` included.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

import typer

from cli.main import app
from cli.running import INTERRUPTED
from cli.settings_reference import service_markdown, settings_markdown, within
from loaders import contract, errors
from loaders.contract import fill, values_of

__all__ = ["cli_markdown", "commands", "exit_codes_markdown", "refresh"]

COMMON: Final = ("home", "config", "json")
"""Options told once for all commands."""
MAPPING: Final = "[an example and every key](data.md#mapping-files)"
COLUMNS: Final = "| option | values | default | meaning |\n|---|---|---|---|"
REMEDY: Final = re.compile(r"── (\w+) {2,}(.+)")


def commands(group: Any = None, words: str = "coterie") -> Iterator[tuple[str, Any]]:
    """Every command that does something, with the words that call it."""
    root: Any = group or typer.main.get_command(app)
    for name, command in root.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{words} {name}")
        else:
            yield f"{words} {name}", command


def cli_markdown() -> str:
    """Every command: what it does, an example, its arguments and options."""
    found = list(commands())
    shared = {p.name: (p, c) for _, c in reversed(found) for p in c.params if p.name in COMMON}
    rows = [_row(*shared[name]) for name in COMMON if name in shared]
    head = "\n".join(["### Options of most commands", "", COLUMNS, *rows])
    return "\n\n".join([head, *(_command(words, command) for words, command in found)])


def _command(words: str, command: Any) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    named = [p.name.upper() if p.required else f"[{p.name.upper()}]" for p in arguments]
    own = [p for p in command.params if p.name not in COMMON]
    common = [f"`--{p.name}`" for p in command.params if p.name in COMMON]
    about, examples = _parts(command.help)
    parts = [
        f"### {words}",
        *about,
        "\n".join(["```", *examples, "```"]),
        f"Usage: `{' '.join([words, *named, '[OPTIONS]'])}`",
    ]
    if own:
        parts.append("\n".join([COLUMNS, *(_row(p, command) for p in own)]))
    return "\n\n".join([*parts, f"Also: {', '.join(common)}."])


def _parts(text: str) -> tuple[list[str], list[str]]:
    """Sentences and examples of a help text; the mapping it may show has its own page."""
    about: list[str] = []
    examples: list[str] = []
    for block in re.split(r"\n\s*\n", inspect.cleandoc(text)):
        quoted = re.fullmatch(r"Examples?: `(.+)`", block, re.DOTALL)
        if quoted:
            examples.append(quoted[1])
        elif not block.startswith("    "):
            about.append(" ".join(block.split()))
        elif about[-1].endswith(":"):
            shown = [line.strip() for line in block.splitlines()]
            is_example = shown[0].startswith("coterie ")
            examples += shown if is_example else []
            about[-1:] = [] if is_example else [f"{about[-1]} {MAPPING}."]
    return about, examples


def _row(param: Any, command: Any) -> str:
    hint = get_type_hints(command.callback, include_extras=True).get(param.name, bool)
    kind, *details = get_args(hint) if hasattr(hint, "__metadata__") else (hint,)
    names = "` / `".join([*param.opts, *param.secondary_opts])
    if param.param_type_name == "argument":
        names = param.name.upper()
    values = _values(kind, details[0] if details else None)
    envvar = f" Environment: `{param.envvar}`." if param.envvar else ""
    return f"| `{names}` | {values} | {_default(param)} | {_sentence(param.help)}{envvar} |"


def _default(param: Any) -> str:
    if param.required:
        return "needed"
    if param.secondary_opts:
        return f"`{(param.opts if param.default else param.secondary_opts)[0]}`"
    return "" if param.default is None or param.default is False else f"`{param.default}`"


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def _values(kind: Any, info: Any) -> str:
    kinds = [k for k in (kind, *get_args(kind)) if k is not type(None)]
    if get_origin(kind) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(kind))
    if kind is bool:
        return ""
    word = "path" if Path in kinds else values_of(kind)
    return within(word, getattr(info, "min", None), getattr(info, "max", None))


def exit_codes_markdown() -> str:
    """Every exit code: what it means and what to do."""
    remedies = dict(REMEDY.findall((errors.__doc__ or "").replace("``", "`")))
    kinds = [getattr(errors, name) for name in remedies]
    rows = [(0, "done", ""), (1, "anything unforeseen", "report it, with what was printed")]
    rows += [(2, "the command line is wrong", "see `--help`")]
    rows += [
        (
            kind.exit_code,
            _meaning(kind),
            remedies[kind.__name__],
        )
        for kind in kinds
    ]
    rows += [(INTERRUPTED, "interrupted (Ctrl-C)", "run the same command again")]
    lines = [f"| {code} | {what} | {remedy} |" for code, what, remedy in sorted(rows)]
    return "\n".join(["| exit code | what happened | what to do |", "|---|---|---|", *lines])


def _meaning(kind: type[Exception]) -> str:
    return f"`{kind.__name__}`: {inspect.cleandoc(kind.__doc__ or '').splitlines()[0]}"


def refresh(text: str) -> str:
    """``text`` with every generated part written anew."""
    parts = {
        "commands": cli_markdown,
        "exit codes": exit_codes_markdown,
        "settings": settings_markdown,
        "service settings": service_markdown,
    }
    needed = {name: make() for name, make in parts.items() if f"generated: {name} -->" in text}
    return contract.refresh(fill(text, needed))


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        path.write_text(refresh(path.read_text(encoding="utf-8")), encoding="utf-8")
