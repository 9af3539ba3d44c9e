"""``check_read_only``: judge an analyst's Cypher by its clauses before any engine sees it.

Read access is no protection: a store opened for reading still reads files (``LOAD FROM``), writes
files (``COPY … TO``), scans the caller's variables and changes settings. So only clauses that
read the graph are let through, wherever they stand, and only a few procedures.
"""

from __future__ import annotations

import re
from typing import Final

from graph.tokens import Token, tokenize
from loaders.errors import QueryError

__all__ = ["check_read_only", "guarded"]

MAX_CHARACTERS: Final = 20_000
MAX_NESTING: Final = 50
"""Deeper nesting overflows the stack of the engine's parser (seen at 5,000)."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STARTS: Final = _words("MATCH OPTIONAL UNWIND WITH RETURN CALL")
_FORBIDDEN: Final = _words(
    """
    ALTER ANALYZE ATTACH BEGIN CHECKPOINT COMMIT COPY CREATE DELETE DENY DETACH DROP EXPLAIN EXPORT
    FOREACH GRANT IMPORT INSERT INSTALL LOAD MERGE NODETACH PROFILE REMOVE REVOKE ROLLBACK SET
    TERMINATE TRANSACTIONS UNINSTALL USE
    """
)
_OPERATORS: Final = _words(
    """
    ALL ALLREDUCE ACYCLIC AND AS ASC ASCENDING BY CALL CASE CONTAINS COUNT DESC DESCENDING DISTINCT
    ELSE END ENDS EXISTS FROM HINT IN IS JOIN LIMIT MATCH MULTI_JOIN NOT NULL OFFSET ON OPTIONAL OR
    ORDER RETURN SHORTEST SKIP STARTS THEN TRAIL UNION UNWIND USING WHEN WHERE WITH WSHORTEST XOR
    YIELD
    """
)
# After these a value may be complete, so an operator or clause can follow.
_VALUES: Final = _words("END NULL TRUE FALSE ASC ASCENDING DESC DESCENDING")
_PROCEDURES: Final = _words(
    """
    SHOW_TABLES TABLE_INFO SHOW_CONNECTION SHOW_FUNCTIONS DB_VERSION
    DB.LABELS DB.RELATIONSHIPTYPES DB.PROPERTYKEYS DB.SCHEMA.VISUALIZATION
    DB.SCHEMA.NODETYPEPROPERTIES DB.SCHEMA.RELTYPEPROPERTIES DB.INDEX.VECTOR.QUERYNODES
    """
)
_NAMESPACES: Final = _words("DATE DATETIME DURATION LOCALDATETIME LOCALTIME POINT TIME VECTOR")
_OPEN: Final = frozenset("([{")
_CLOSE: Final = frozenset(")]}")


def check_read_only(cypher: str) -> None:
    """Let only queries through that read the graph and nothing else.

    Raises:
        QueryError: naming the clause, procedure or character that is refused.
    """
    guarded(cypher)


def guarded(cypher: str) -> str:
    """``cypher`` without comments, if it only reads the graph.

    Comments become spaces, so that what was judged is what the engine gets, and its places in
    error messages still hold.

    Raises:
        QueryError: as ``check_read_only``.
    """
    if len(cypher) > MAX_CHARACTERS:
        raise QueryError(f"the query is longer than {MAX_CHARACTERS:,} characters")
    tokens = tokenize(cypher)
    bare = _one_statement([token for token in tokens if token.kind != "comment"])
    _check_nesting(bare)
    first = bare[0].text.upper()
    if bare[0].kind != "word" or first not in _STARTS:
        raise QueryError(
            f"a query may not start with {bare[0].text[:40]}; start with MATCH, OPTIONAL MATCH, "
            "UNWIND, WITH, RETURN or CALL"
        )
    for place, token in enumerate(bare):
        if token.kind == "word" and not _is_name(bare, place):
            _check_word(bare, place)
        if token.text == "(":
            _check_function(bare, place)
    return _without_comments(cypher, tokens)


def _one_statement(tokens: list[Token]) -> list[Token]:
    """The tokens but a semicolon at the end."""
    bare = tokens[:-1] if tokens and tokens[-1].text == ";" else tokens
    if not bare:
        raise QueryError("the query is empty")
    if any(token.text == ";" for token in bare):
        raise QueryError("one query at a time: a semicolon may only end it")
    return bare


def _check_nesting(tokens: list[Token]) -> None:
    depth = 0
    for token in tokens:
        depth += (token.text in _OPEN) - (token.text in _CLOSE)
        if depth > MAX_NESTING:
            raise QueryError(f"brackets nest deeper than {MAX_NESTING} levels")


def _at(tokens: list[Token], place: int) -> Token:
    """The token at ``place``, or an empty one beyond either end."""
    return tokens[place] if 0 <= place < len(tokens) else Token("sign", "", 0)


def _is_name(tokens: list[Token], place: int) -> bool:
    """Whether the word is sure to be a property, label or map key, whatever it spells."""
    before, owner = _at(tokens, place - 1).text, _at(tokens, place - 2)
    if before == ".":
        return owner.kind in ("word", "quoted", "parameter", "string") or owner.text in _CLOSE
    if before == ":":
        return True
    if before in ("|", "&", "!"):
        return _in_label(tokens, place)
    return before in ("{", ",") and _at(tokens, place + 1).text == ":"


def _in_label(tokens: list[Token], place: int) -> bool:
    """Whether only names, ``|``, ``&`` and ``!`` stand between the word and a colon."""
    for token in reversed(tokens[:place]):
        if token.text == ":":
            return True
        if token.kind not in ("word", "quoted") and token.text not in ("|", "&", "!"):
            return False
    return False


def _check_word(tokens: list[Token], place: int) -> None:
    word = tokens[place].text
    upper = word.upper()
    # Letters that one engine takes for part of a word may split it for another.
    for part in {upper, *re.findall("[A-Z_0-9]+", upper)}:
        if part in _FORBIDDEN:
            raise QueryError(
                f"{part} is refused: queries only read the graph; if it is meant as a name, "
                "put it in backticks"
            )
    if _after_value(tokens, place) and upper not in _OPERATORS:
        raise QueryError(f"{word} is refused: it is no clause or operator that reads the graph")
    if upper == "FROM":
        raise QueryError("FROM is refused: queries read the graph, never files or variables")
    if upper == "CALL":
        _check_call(tokens, place)


def _after_value(tokens: list[Token], place: int) -> bool:
    """Whether a value is complete before the word, so that it must be an operator or clause."""
    before = _at(tokens, place - 1)
    if before.kind == "word" and not _is_name(tokens, place - 1):
        upper = before.text.upper()
        return upper in _VALUES or upper not in _OPERATORS
    return before.kind not in ("sign", "comment") or before.text in _CLOSE


def _check_call(tokens: list[Token], place: int) -> None:
    """Let subqueries through, and procedures that describe the graph."""
    if _at(tokens, place + 1).text in ("{", "("):
        return
    name, at = "", place + 1
    while _at(tokens, at).kind == "word" or _at(tokens, at).text == ".":
        name += tokens[at].text
        at += 1
    if name.upper() not in _PROCEDURES or _at(tokens, at).text != "(":
        called = name or _at(tokens, place + 1).text[:40]
        raise QueryError(
            f"CALL {called} is refused; procedures that may be called: "
            + ", ".join(sorted(p.lower() for p in _PROCEDURES))
        )


def _check_function(tokens: list[Token], place: int) -> None:
    """Refuse functions of plugins, such as ``apoc.…``, which may do anything."""
    at, name = place - 1, ""
    while _at(tokens, at).kind in ("word", "quoted") or _at(tokens, at).text == ".":
        if at < place - 1 and "." not in (tokens[at].text, tokens[at + 1].text):
            break
        name = tokens[at].text + name
        at -= 1
    if "." not in name or _at(tokens, at).text.upper() == "CALL":
        return
    if name.upper().split(".")[0] not in _NAMESPACES:
        raise QueryError(f"the function {name} is refused")


def _without_comments(cypher: str, tokens: list[Token]) -> str:
    text = cypher.replace("\r\n", "\n").replace("\r", "\n")
    for token in tokens:
        if token.kind == "comment":
            blank = re.sub(r"[^\n]", " ", token.text)
            text = text[: token.start] + blank + text[token.start + len(blank) :]
    return text
