"""Which language an answer's sentences are in, from what a request says of its reader."""

from __future__ import annotations

from ranking.wording import LANGUAGES, Language

__all__ = ["DEFAULT", "language_of"]

DEFAULT: Language = "en"


def language_of(lang: str | None, accept: str = "") -> Language:
    """The language to answer in; English where none asked for is spoken.

    Args:
        lang: a tag such as ``zh`` or ``zh-CN``; it wins over ``accept``.
        accept: an ``Accept-Language`` header as in RFC 9110, section 12.5.4.
    """
    wishes = [(1.0, lang)] if lang else [_wish(part) for part in accept.split(",")]
    # Of equal wishes the first counts, and sorting keeps their order.
    for weight, tag in sorted(wishes, key=lambda wish: -wish[0]):
        spoken = next((known for known in LANGUAGES if known == _primary(tag)), None)
        if spoken and weight > 0:
            return spoken
    return DEFAULT


def _wish(part: str) -> tuple[float, str]:
    tag, _, weight = part.partition(";")
    name, _, value = weight.strip().partition("=")
    try:
        return (float(value) if name.strip().lower() == "q" else 1.0), tag
    except ValueError:
        return 0.0, tag


def _primary(tag: str) -> str:
    return tag.strip().replace("_", "-").partition("-")[0].lower()
