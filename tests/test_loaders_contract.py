"""``docs/data.md`` says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from loaders import cleaning, mapping, outliers, returns, taxonomy
from loaders.contract import contract_markdown, mapping_markdown, refresh
from loaders.describe import title_steps
from loaders.mapping import load_mapping, parse_mapping
from loaders.schema import TABLES

ROOT = Path(__file__).parent.parent
DOCS = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")


def test_the_generated_parts_are_current() -> None:
    """If this fails: ``python -m loaders.contract docs/data.md``."""
    assert refresh(DOCS) == DOCS
    assert contract_markdown() in DOCS
    assert mapping_markdown() in DOCS


def test_every_table_has_its_heading() -> None:
    for name in TABLES:
        assert f"### {name}\n" in DOCS


def test_tables_of_keys_show_values_and_defaults() -> None:
    text = mapping_markdown()
    assert '| `anonymous` | `"keep"`, `"drop"` | `"keep"` | Lines without a customer' in text
    assert "| `file` | text | needed |" in text
    assert "| `categories` | list | `[]` |" in text
    assert "| `outlier_limit` | number | `6.0` |" in text
    assert "| `earliest` | date |  |" in text
    assert "| `title` | text |  |" in text
    assert '| `event_names` | table | `{ purchase = "purchase", ' in text
    assert "Undefined" not in text


@pytest.mark.parametrize("module", [cleaning, returns, outliers, taxonomy, mapping, title_steps])
def test_every_step_is_described(module: object) -> None:
    """Names of steps, read from the source, have a row in the table of cleaning."""
    import inspect

    source = inspect.getsource(module)  # type: ignore[arg-type]
    call = r'(?:\bstep\(|split\(\s*lines,|mark_changed\(\s*lines,|name, doc =)\s*"([a-z ]+)"'
    names = re.findall(call, source)
    assert names
    first_cells = " ".join(re.findall(r"^\| ([a-z ,]+) \|", DOCS, re.MULTILINE)).replace(",", "")
    for name in names:
        assert name in first_cells


def test_examples_are_mappings() -> None:
    for path in (ROOT / "examples").glob("*.toml"):
        assert load_mapping(path).events.file
    shown = re.search(r"```toml\n(.*?)```", DOCS, re.DOTALL)
    assert shown is not None
    assert parse_mapping(shown.group(1)).currency == "EUR"
