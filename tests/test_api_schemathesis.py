"""The OpenAPI document is kept to, whatever is asked: no failure, no answer that is not in it.

Schemathesis makes requests from the document, right and wrong ones, and holds each answer to all
of its checks. Two are told something: data that fits the document may still be refused for what
only the shop knows (a category that is not there, a state that does not allow it), as a problem.
And where each of several is judged alone, those in order are accepted beside one that is not.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from shops import coterie
from test_cli_serve import Server

from pipeline.home import Home

pytestmark = pytest.mark.timeout(600)

EXAMPLES = os.environ.get("COTERIE_SCHEMATHESIS_EXAMPLES", "3")
SETTINGS = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", 400, 401, 403, 404, 409, 413, 422, 429]

[[operations]]
include-path-regex = "^/v1/(users|products|events)$"
checks.negative_data_rejection.expected-statuses = ["2xx", "4xx"]
"""


@pytest.fixture
def server(own: Home) -> Iterator[Server]:
    running = Server(own)
    yield running
    running.stop()


def key_of(home: Home) -> str:
    """A key that may ask everything, as often as it likes."""
    scopes = [f"--scope={s}" for s in ("admin", "marketer", "analyst", "storefront")]
    made = coterie(
        "keys", "create", "all", *scopes, "--per-minute", 10**6, "--home", home.path, "--json"
    )
    return str(made.json["key"])


def test_every_answer_is_one_that_is_documented(own: Home, server: Server, tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(SETTINGS)
    asked = [
        *("--checks", "all", "--phases", "examples,coverage,fuzzing", "--seed", "0"),
        *("--max-examples", EXAMPLES, "--continue-on-failure", "--no-color", "--warnings", "off"),
        *("--header", f"Authorization: Bearer {key_of(own)}"),
    ]
    ran = subprocess.run(
        [
            *(str(Path(sys.executable).parent / "schemathesis"), "--config-file", "settings.toml"),
            *("run", f"http://127.0.0.1:{server.port}/openapi.json", *asked),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout[-20_000:] + ran.stderr
    assert server.get("/health/live")["status"] == "live"
