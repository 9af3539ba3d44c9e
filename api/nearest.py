"""What a caller may have meant by a name that is not there."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

__all__ = ["nearest_names"]

NAMED = 3


def nearest_names(asked: str, known: Sequence[str], titles: Sequence[str] = ()) -> str:
    """A clause that names what may have been meant; empty where nothing is near.

    Args:
        asked: what is not there.
        known: ids or names that are.
        titles: what a person calls each of ``known``, if that differs.
    """
    forms = {name.casefold(): i for i, name in reversed(list(enumerate(titles or known)))}
    forms |= {name.casefold(): i for i, name in reversed(list(enumerate(known)))}
    wanted = asked.casefold()
    holding = sorted((form for form in forms if wanted and wanted in form), key=len)
    close = [*holding, *get_close_matches(wanted, forms, n=NAMED, cutoff=0.6)]
    shown = [
        f"{known[i]!r} ({titles[i]})" if titles else repr(known[i])
        for i in list(dict.fromkeys(forms[form] for form in close))[:NAMED]
    ]
    return f"; did you mean {' or '.join(shown)}?" if shown else ""
