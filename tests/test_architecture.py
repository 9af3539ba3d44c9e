"""The rooms keep their layers, stay light where they must, and functions stay small."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYER = {
    "loaders": 1,
    "graph": 2,
    "rules": 3,
    "gnn": 3,
    "segments": 3,
    "lifecycle": 3,
    "ranking": 3,
    "evaluation": 3,
    "events": 3,
    "audiences": 3,
    "experiments": 3,
    "pipeline": 4,
    "api": 4,
    "cli": 5,
}
HEAVY = {
    "torch": {"gnn", "segments"},  # segments: an autoencoder to compare with, when it is asked for
    "torch_geometric": {"gnn"},
    "sentence_transformers": {"gnn"},
    "lightgbm": {"lifecycle", "pipeline"},
    "statsmodels": {"lifecycle"},
    "optuna": {"pipeline"},
    "mlxtend": {"rules"},
    "pandas": {"rules"},
    "usearch": {"ranking"},
    "ladybug": {"graph"},
    "neo4j": {"graph"},
    "fastapi": {"api"},
    "opentelemetry": {"api"},
    "typer": {"cli"},
    "rich": {"cli"},
}
FILES = [path for room in LAYER for path in sorted((ROOT / room).rglob("*.py"))]
MAX_FILE_LINES = 400
MAX_BODY_LINES = 60


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported(path: Path) -> set[str]:
    """Top-level packages imported anywhere in a file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


def test_the_table_of_rooms_is_complete() -> None:
    rooms = {p.parent.name for p in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert rooms == set(LAYER)


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_imports_never_go_up_nor_sideways(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    others = (imported(path) & set(LAYER)) - {room}
    allowed = {other for other in LAYER if LAYER[other] < LAYER[room]}
    if room == "api":
        allowed.add("pipeline")
    assert others <= allowed


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_heavy_packages_stay_in_their_rooms(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    strays = {p for p in imported(path) & set(HEAVY) if room not in HEAVY[p]}
    assert not strays


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_files_and_functions_stay_small(path: Path) -> None:
    source = path.read_text()
    assert source.count("\n") <= MAX_FILE_LINES
    assert ast.get_docstring(ast.parse(source)), "a module says what it turns into what"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            assert lines <= MAX_BODY_LINES, node.name


def body_lengths() -> list[int]:
    lengths = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                lengths.append((body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0)
    return sorted(lengths)


def test_most_functions_fit_on_half_a_screen() -> None:
    lengths = body_lengths()
    assert lengths[len(lengths) // 2] <= 8
    assert lengths[len(lengths) * 9 // 10] <= 25


@pytest.mark.parametrize("room", sorted(LAYER))
def test_package_init_is_a_docstring_only(room: str) -> None:
    tree = ast.parse((ROOT / room / "__init__.py").read_text())
    assert len(tree.body) == 1 and ast.get_docstring(tree)


def test_the_api_loads_no_training_library() -> None:
    code = (
        "import sys, api.app, api.snapshot_service; "
        "heavy = ('torch', 'torch_geometric', 'lightgbm', 'statsmodels', 'mlxtend', 'pandas'); "
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
