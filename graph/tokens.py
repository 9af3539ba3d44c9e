"""Cypher cut into tokens: strings, quoted names, comments, numbers, words, signs.

Only as much of the language as is needed to tell a keyword from what merely looks like one. Where
engines disagree on how text splits, the reading that shows more keywords is taken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from loaders.errors import QueryError

__all__ = ["Kind", "Token", "tokenize"]

Kind = Literal["string", "quoted", "parameter", "number", "word", "sign", "comment"]

_PATTERN: Final = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<comment>//[^\n\r]*|/\*(?:[^*]|\*(?!/))*\*/)
    | (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    | (?P<quoted>`(?:[^`]|``)*`)
    | (?P<parameter>\$(?:\d+|[^\W\d]\w*|`(?:[^`]|``)*`))
    | (?P<number>0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<word>[^\W\d]\w*)
    | (?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)
# Some engines decode \uXXXX before they look for quotes, so these must not hide one.
_ESCAPE: Final = re.compile(r"\\[uU]([0-9a-fA-F]{4,8})")
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")
_UNFINISHED: Final = {"'": "string", '"': "string", "`": "quoted name"}


@dataclass(frozen=True)
class Token:
    """A piece of a query and where it starts."""

    kind: Kind
    text: str
    start: int


def tokenize(cypher: str) -> list[Token]:
    """The tokens of ``cypher``, comments included, spaces left out.

    Raises:
        QueryError: a string, quoted name or comment does not end, or characters hide from view.
    """
    text = cypher.replace("\r\n", "\n").replace("\r", "\n")
    hidden = _CONTROL.search(text)
    if hidden:
        raise QueryError(f"the query holds the control character {hidden.group()!r}")
    tokens = [
        Token(match.lastgroup, match.group(), match.start())  # type: ignore[arg-type]
        for match in _PATTERN.finditer(text)
        if match.lastgroup != "space"
    ]
    for token, follower in zip(tokens, (*tokens[1:], None), strict=False):
        _check(token, follower)
    return tokens


def _check(token: Token, follower: Token | None) -> None:
    if token.kind == "sign" and token.text in _UNFINISHED:
        raise QueryError(f"a {_UNFINISHED[token.text]} does not end")
    opens = token.text == "/" and follower is not None and follower.text == "*"
    if opens and follower is not None and follower.start == token.start + 1:
        raise QueryError("a comment does not end")
    if token.kind == "sign" and token.text == "\\":
        raise QueryError("a backslash may stand inside strings only")
    if token.kind in ("quoted", "parameter") and "\\" in token.text:
        raise QueryError("a quoted name may not hold a backslash")
    if token.kind in ("string", "comment"):
        _check_escapes(token.text)


def _check_escapes(text: str) -> None:
    for code in _ESCAPE.findall(text):
        if int(code, 16) > 0x10FFFF or chr(int(code[:4], 16)) in "'\"`\\\n\r*/":
            raise QueryError(f"write the character itself in place of \\u{code}")
