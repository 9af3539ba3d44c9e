"""The documentation says what the code does: generated parts, commands, links, examples."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from api.settings import ApiSettings
from cli.main import app
from cli.reference import cli_markdown, commands, exit_codes_markdown, refresh
from cli.settings_reference import settings_markdown
from loaders import errors
from loaders.schema import TABLES
from pipeline.config import load_config, settings_table

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
TEXT = {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8") for page in PAGES}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
USAGE_ERROR = typer.BadParameter.__mro__[1]
"""What the parser raises, whichever one typer brings along."""
PROGRAM = typer.main.get_command(app)
PRIVATE = re.compile(r"(?<![\w.~}$/-])/(?:home|root|Users|mnt|tmp|work|workspace|opt|srv)\b")


def rows(text: str) -> list[list[str]]:
    """Cells of every table row."""
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in text.splitlines()
        if line.startswith("| ")
    ]


@pytest.mark.parametrize("page", TEXT)
def test_generated_parts_are_current(page: str) -> None:
    """If this fails: ``python -m cli.reference docs/*.md``."""
    assert refresh(TEXT[page]) == TEXT[page]


@pytest.mark.parametrize(
    ("page", "part"),
    [
        ("docs/cli.md", "commands"),
        ("docs/cli.md", "exit codes"),
        ("docs/configuration.md", "settings"),
        ("docs/configuration.md", "service settings"),
        ("docs/data.md", "contract"),
        ("docs/data.md", "mapping"),
    ],
)
def test_every_generated_part_has_its_place(page: str, part: str) -> None:
    start, end = f"<!-- generated: {part} -->\n", f"\n<!-- end: {part} -->"
    assert TEXT[page].count(start) == TEXT[page].count(end) == 1
    assert len(TEXT[page].partition(start)[2].partition(end)[0]) > 100


def test_a_stale_part_is_written_anew() -> None:
    stale = "a\n<!-- generated: exit codes -->\nold\n<!-- end: exit codes -->\nb"
    fresh = refresh(stale)
    assert fresh.startswith("a\n<!--") and fresh.endswith("-->\nb")
    assert "old" not in fresh and exit_codes_markdown() in fresh


def parsed(group: Any, words: list[str]) -> None:
    """Parse a command line as the program does, without running it."""
    name, rest = words[0], words[1:]
    if name in ("--help", "--version"):
        return
    command = group.commands[name]
    if hasattr(command, "commands"):
        parsed(command, rest)
    elif rest and "--help" not in rest:  # a name alone is no call, just a name
        command.make_context(name, rest)


def shown_commands() -> list[tuple[str, str]]:
    """Every ``coterie`` command line of a page, in blocks and in running text."""
    found = []
    for page, text in TEXT.items():
        blocks = FENCE.findall(text)
        lines = [line for _, block in blocks for line in block.replace("\\\n", " ").splitlines()]
        spans = re.findall(r"`((?:\$ )?coterie [^`]+)`", FENCE.sub("", text))
        for line in [*lines, *(span.replace("\n", " ") for span in spans)]:
            for part in line.strip().removeprefix("$ ").split("&&"):
                if part.strip().startswith("coterie "):
                    found.append((page, part.strip()))
    return found


@pytest.mark.parametrize(("page", "line"), shown_commands())
def test_every_command_shown_parses(page: str, line: str) -> None:
    words = shlex.split(re.split(r"\s[>|]\s", line)[0].replace("…", " "), comments=True)
    optional = [word for word in words if word.startswith("[")]
    parsed(PROGRAM, [w for w in words[1:] if w not in optional])


@pytest.mark.parametrize(
    "wrong", ["bild", "build --hom x", "similar --k 3", "serve --port 0", "snapshots drop"]
)
def test_a_command_that_is_not_there_would_be_seen(wrong: str) -> None:
    with pytest.raises((KeyError, USAGE_ERROR)):
        parsed(PROGRAM, wrong.split())


def test_commands_are_found_in_the_pages() -> None:
    assert len(shown_commands()) > 40
    assert ("docs/operations.md", "coterie build --home shops/mine") in shown_commands()


def test_every_command_has_its_section_with_an_example() -> None:
    sections = re.split(r"^### ", cli_markdown(), flags=re.MULTILINE)
    by_title = {section.splitlines()[0]: section for section in sections if section}
    for words, command in commands():
        section = by_title[words]
        assert f"\n{words}" in section.partition("```")[2], f"{words} shows no example"
        for param in command.params:
            name = param.opts[0] if param.param_type_name == "option" else param.name.upper()
            assert f"`{name}`" in section
            assert param.help, f"{words} {name} has no help"


@pytest.mark.parametrize("words", [words for words, _ in commands()])
def test_every_help_has_an_example_on_its_own_line(
    words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERMINAL_WIDTH", "80")
    with pytest.raises(SystemExit) as done:
        app([*words.split()[1:], "--help"], prog_name="coterie")
    assert done.value.code == 0
    shown = capsys.readouterr().out
    assert re.search(rf"^\s+(Example: )?{words}\b", shown, re.MULTILINE)
    assert max(map(len, shown.splitlines())) <= 80


def test_every_error_has_its_exit_code_in_one_place() -> None:
    table = {row[0]: row[1] for row in rows(exit_codes_markdown())}
    for name in errors.__all__:
        kind = getattr(errors, name)
        assert str(kind.exit_code) in table
        if kind.__base__ is errors.CoterieError:
            assert table[str(kind.exit_code)].startswith(f"`{name}`")
    assert {"0", "1", "2", "130"} <= set(table)
    assert [page for page, text in TEXT.items() if "| exit code |" in text] == ["docs/cli.md"]


def test_every_setting_has_its_row() -> None:
    page = settings_markdown()
    for name, _, meaning in settings_table():
        section, _, key = name.rpartition(".")
        part = page.partition(f"### `[{section}]`" if section else "### Top level")[2]
        assert any(
            row[0] == f"`{key}`" and row[3].lower() == f"{meaning.removesuffix('.')}.".lower()
            for row in rows(part.partition("\n### ")[0])
        ), name
    for key in ApiSettings.model_fields:
        assert f"| `{key}` |" in TEXT["docs/configuration.md"]


def test_limits_of_settings_are_told() -> None:
    page = settings_markdown()
    assert "| `ease_products` | number, 1 to 20000 | `8000` |" in page
    assert "| `min_share` | number, at least 0, below 1 | `0.02` |" in page
    assert "| `cut` | time |  |" in page
    assert "| `ks` | list | `[5, 10, 20]` |" in page
    assert '| `loss` | `"softmax"`, `"bpr"` | `"softmax"` |' in page


def test_the_example_settings_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COTERIE_HOME", "COTERIE_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    shown = [
        block for kind, block in FENCE.findall(TEXT["docs/configuration.md"]) if kind == "toml"
    ]
    assert len(shown) == 1
    path = tmp_path / "coterie.toml"
    path.write_text(shown[0], encoding="utf-8")
    config = load_config(path)
    assert (config.seed, config.gnn.seed, config.snapshots.keep) == (7, 7, 3)
    assert config.gnn.event_weights.view_item == 0.2
    assert (
        config.evaluation.cut is not None and config.evaluation.cut.isoformat()[:10] == "2024-11-01"
    )


@pytest.mark.parametrize(
    "line", re.findall(r"`(COTERIE_\w+)=([^`]+)`", TEXT["docs/configuration.md"])
)
def test_the_examples_of_the_environment_load(
    line: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = load_config(None)
    monkeypatch.setenv(line[0], line[1].strip("'"))
    assert load_config(None) != before


def test_every_column_of_the_contract_is_told() -> None:
    page = TEXT["docs/data.md"]
    for table in TABLES.values():
        part = page.partition(f"### {table.name}\n")[2].partition("\n### ")[0]
        for column in table.columns:
            assert f"| `{column.name}` |" in part


def anchors(text: str) -> set[str]:
    """Anchors of headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", TEXT)
def test_every_relative_link_leads_somewhere(page: str) -> None:
    folder = (ROOT / page).parent
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", TEXT[page])):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (folder / name).resolve() if name else ROOT / page
        assert path.exists(), target
        assert not anchor or anchor in anchors(path.read_text(encoding="utf-8")), target


def test_every_page_is_in_the_index() -> None:
    index = TEXT["docs/README.md"]
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "README.md" or f"({page.name}" in index, page.name


@pytest.mark.parametrize("page", TEXT)
def test_no_page_names_a_private_path(page: str) -> None:
    assert not PRIVATE.findall(TEXT[page])


def test_files_named_in_the_docs_exist() -> None:
    for page, text in TEXT.items():
        for name in re.findall(r"`((?:tests|examples|docs|loaders|pipeline)/[\w/]+\.\w+)`", text):
            assert (ROOT / name).exists(), f"{page}: {name}"
