"""``may_meet_derived``: whether an analyst's Cypher could touch anything that builds derive.

While a build is put in the place of another, only queries that are sure not to meet either may run.
So this errs on one side: whatever it does not know for certain is said to meet them.
"""

from __future__ import annotations

from typing import Final

from graph.schema import DERIVED_EDGES, NODES
from graph.tokens import Token, tokenize

__all__ = ["may_meet_derived"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_DERIVED: Final = frozenset(
    [edge.name for edge in DERIVED_EDGES] + [n.name for n in NODES.values() if n.derived]
)
_FUNCTIONS: Final = _words(
    """
    abs avg ceil coalesce collect count date datetime duration exists floor head id elementid keys
    labels last length localdatetime lower max min nodes percentilecont percentiledisc properties
    rand range relationships reverse round sign size sqrt stdev stdevp sum tail timestamp
    toboolean tofloat tointeger tolower tostring toupper trim type upper
    """
)
"""Words after which ``(x)`` is an argument and no node."""
_SIGNS: Final = frozenset("!%$~")
"""Not this label, any label, a label to be computed, and what no graph query here needs."""
_PAIRS: Final = {"(": ")", "[": "]", "{": "}"}
_NONE: Final = Token("sign", "", -1)


def may_meet_derived(cypher: str) -> bool:
    """Whether ``cypher`` could read derived nodes or relationships.

    It cannot where it names none of them, calls no procedure, each relationship has a type, and
    each node has a label or hangs on such a relationship.
    """
    tokens = [token for token in tokenize(cypher) if token.kind != "comment"]
    ends = _ends(tokens)
    if ends is None:
        return True
    return any(_may_meet(tokens, ends, place) for place in range(len(tokens)))


def _ends(tokens: list[Token]) -> dict[int, int] | None:
    """Where each bracket that opens is closed, or nothing if they do not match."""
    found: dict[int, int] = {}
    opened: list[int] = []
    for place, token in enumerate(tokens):
        if token.kind == "sign" and token.text in _PAIRS:
            opened.append(place)
        elif token.kind == "sign" and token.text in _PAIRS.values():
            if not opened or _PAIRS[tokens[opened[-1]].text] != token.text:
                return None
            found[opened.pop()] = place
    return None if opened else found


def _at(tokens: list[Token], place: int) -> Token:
    return tokens[place] if 0 <= place < len(tokens) else _NONE


def _texts(tokens: list[Token], place: int, count: int) -> str:
    """The signs and words at ``place`` and after, without spaces."""
    return "".join(_at(tokens, i).text for i in range(place, place + count))


def _may_meet(tokens: list[Token], ends: dict[int, int], place: int) -> bool:
    token, after = tokens[place], _at(tokens, place + 1)
    if token.kind in ("word", "quoted"):
        name = token.text.strip("`")
        return name in _DERIVED or (name.upper() == "CALL" and after.text not in ("{", "("))
    if token.kind == "parameter":
        return after.text == "("
    if token.kind != "sign":
        return False
    if token.text in _SIGNS:
        return _at(tokens, place - 1).text + token.text != "=~"
    if token.text == "-":
        return _dash(tokens, ends, place)
    return token.text == "(" and _bracket(tokens, ends, place)


def _dash(tokens: list[Token], ends: dict[int, int], place: int) -> bool:
    """Whether a dash may be a relationship of any type, or one that may be repeated not at all."""
    before, after = _at(tokens, place - 1).text, _at(tokens, place + 1).text
    if before == "]" and after in ("(", ">"):
        return after == ">" and _at(tokens, place + 2).text != "("
    if after != "[":
        # Between values it subtracts.
        return after in ("-", ">", "(") or before in ("<", "-", "]")
    end = ends[place + 1]
    inside = _unnamed(tokens[place + 2 : end])
    typed = len(inside) > 1 and inside[0].text == ":"
    return not typed or "*" in [t.text for t in inside] or _texts(tokens, end + 1, 1) != "-"


def _unnamed(inside: list[Token]) -> list[Token]:
    """What brackets hold after the name of a node or relationship, if that has one."""
    named = inside and inside[0].kind in ("word", "quoted") and inside[0].text.upper() != "WHERE"
    return inside[1:] if named else inside


def _bracket(tokens: list[Token], ends: dict[int, int], place: int) -> bool:
    """Whether round brackets may be a node of any label, or a pattern repeated not at all."""
    before, end = _at(tokens, place - 1), ends[place]
    follows = _texts(tokens, end + 1, 1)
    is_argument = before.kind == "word" and before.text.lower() in _FUNCTIONS
    if before.text.upper() == "CALL":
        return False
    if follows == "{" or (follows == "*" and not is_argument):
        return True
    inside = _unnamed(tokens[place + 1 : end])
    given = len(inside) == 1 and inside[0].kind == "parameter" and not is_argument
    if inside and not given and inside[0].text.upper() not in ("{", "WHERE"):
        return False  # a label, or no node at all
    hangs = before.text in ("-", ">") or follows == "-" or _texts(tokens, end + 1, 2) == "<-"
    return not (is_argument and not inside) and not hangs
