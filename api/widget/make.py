"""Writes ``static/coterie.js``, which pages load, from its source: ``python -m api.widget.make``.

The small file is kept beside the source, so that serving and installing need no minifier. Its first
line names the source it was made from, by hash; a test holds them together.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Final

__all__ = ["SERVED", "SOURCE", "first_line", "made", "main"]

SOURCE: Final = Path(__file__).parent / "coterie.js"
SERVED: Final = Path(__file__).parent.parent / "static" / "coterie.js"


def first_line(source: str) -> str:
    """The comment that a file made from ``source`` begins with."""
    return f"/*! Coterie {hashlib.sha256(source.encode()).hexdigest()[:12]} */\n"


def made(source: str) -> str:
    """``source`` without comments, spaces and long local names; its style sheet squeezed too.

    Raises:
        ValueError: the style sheet is not where it was.
    """
    import minify  # tdewolff's, a tool of contributors: nothing that runs needs it

    found = re.search(r"replaceSync\(`(.*?)`\)", source, re.DOTALL)
    if found is None:
        raise ValueError("expected the style sheet in replaceSync(`...`)")
    styles = minify.string("text/css", found[1])
    # What it does not read, container queries, it leaves as it is.
    whole = source.replace(found[1], re.sub(r"\s*([{};,]|:(?=\s))\s*", r"\1", styles))
    return first_line(source) + str(minify.string("application/javascript", whole)) + "\n"


def main() -> None:
    """Make the file anew."""
    SERVED.write_text(made(SOURCE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
