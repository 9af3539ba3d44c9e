"""Names and descriptions of segments by a text generator, held to what the claims say.

It is sent a segment's claims, which are of ten customers or more each, and the names that are
taken; never a customer, nor how many there are. What it answers must be a short name unlike any
other and a description in which every number was sent. Where it fails or answers otherwise, the
name that the profile gives stays. What was worded once is kept from build to build.
"""

from __future__ import annotations

import json
import os
import re
import unicodedata
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from audiences.webhook import is_safe, opener
from loaders.errors import ConfigError
from loaders.progress import Progress, silent
from pipeline.text_config import TextConfig
from segments.claims import Claim, Claims
from segments.model import Segment, Segmentation

__all__ = ["KEY", "Ask", "Worded", "ask_service", "asked_of", "word_segments"]

KEY: Final = "COTERIE_TEXT_KEY"
LONGEST_NAME: Final = 60
LONGEST_DESCRIPTION: Final = 400
MOST_CLAIMS: Final = 20
MOST_BYTES: Final = 1_000_000
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
_TASK: Final = (
    "You name customer segments of a shop. You get what members of one segment are and do more, or "
    "less, than all customers. Answer with one JSON object of two keys: name (at most 5 words, "
    "unlike the names taken, no digits) and description (one or two sentences, no number that is "
    "not given). Say nothing that the claims do not say. Write in {language}."
)

Ask = Callable[[str, str], str]
"""Gives the answer to a task and a text.

Raises:
    OSError: there is none.
"""


@dataclass(frozen=True)
class Worded:
    """What a segment is called and told of by the generator, or why it is not."""

    name: str | None = None
    description: str | None = None
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain keys and values, ready for JSON."""
        return asdict(self)


def word_segments(
    found: Segmentation,
    claims: Claims,
    config: TextConfig,
    known: Mapping[str, Worded],
    ask: Ask,
    progress: Progress = silent,
) -> tuple[Segmentation, dict[str, Worded]]:
    """Segments and parts under names of the generator's.

    Args:
        found: with the names that profiles give.
        claims: of each.
        config: the language.
        known: what was worded in the last build, by id, and stays.
        ask: the generator.
        progress: told of each segment.

    Returns:
        The same with other names, and what became of each.
    """
    groups = (*found.segments, *found.parts)
    words: dict[str, Worded] = {}
    names = {g.id: g.name for g in groups}
    names |= {id_: w.name for id_, w in known.items() if id_ in names and w.name}
    away = ""
    for done, group in enumerate(groups):
        progress("word segments", done, len(groups))
        if (before := known.get(group.id)) and before.name:
            words[group.id] = before
            continue
        taken = [name for id_, name in names.items() if id_ != group.id]
        try:
            answer = Worded(note=away) if away else _asked(group, claims, taken, config, ask)
        except (
            OSError
        ) as error:  # no connection, or no answer in time: the next would fare no better
            away = f"the text generator did not answer: {error}"
            answer = Worded(note=away)
        words[group.id] = answer
        names[group.id] = answer.name or group.name
    progress("word segments", len(groups), len(groups))
    for note in dict.fromkeys(w.note for w in words.values() if w.note):
        progress(f"word segments: names of profiles stay ({note})", 0, 0)
    segments, parts = (
        tuple(replace(g, name=names[g.id]) for g in level)
        for level in (found.segments, found.parts)
    )
    return replace(found, segments=segments, parts=parts), words


def _asked(
    group: Segment, claims: Claims, taken: Sequence[str], config: TextConfig, ask: Ask
) -> Worded:
    sent = asked_of(group.name, claims.of.get(group.id, ()), taken)
    return _checked(ask(_TASK.format(language=config.language), sent), sent, taken)


def asked_of(name: str, claims: Sequence[Claim], taken: Collection[str]) -> str:
    """What the generator is sent of a segment: its name by profile, claims, and names taken."""
    told = [
        {
            "about": claim.about,
            "what": claim.label,
            "unit": claim.unit,
            "members": float(f"{claim.value:.2g}"),
            "all_customers": float(f"{claim.shop_value:.2g}"),
            "times": float(f"{claim.lift:.2g}"),
        }
        for claim in claims[:MOST_CLAIMS]
    ]
    body = {"name_by_rule": name, "names_taken": sorted(taken), "claims": told}
    return json.dumps(body, ensure_ascii=False)


def _checked(answer: str, sent: str, taken: Collection[str]) -> Worded:
    """The answer where it may be used, else why not."""
    try:
        start, end = answer.index("{"), answer.rindex("}") + 1
        data = json.loads(answer[start:end])
        name, description = (str(data[key]).strip() for key in ("name", "description"))
    except (ValueError, KeyError, TypeError):
        return Worded(note="the text generator's answer is not the JSON that was asked for")
    text = f"{name} {description}"
    if not 2 <= len(name) <= LONGEST_NAME or len(description) > LONGEST_DESCRIPTION:
        return Worded(note="the text generator's name or description is too short or too long")
    if any(unicodedata.category(c)[0] == "C" for c in text) or re.search(r"[<>]|://", text):
        return Worded(note="the text generator's answer holds what is no plain text")
    if name.casefold() in {other.casefold() for other in taken}:
        return Worded(note=f"the text generator gave a name that is taken: {name}")
    if invented := set(_NUMBER.findall(text)) - set(_NUMBER.findall(sent)):
        return Worded(note=f"the text generator invented numbers: {', '.join(sorted(invented))}")
    return Worded(name, description)


def ask_service(config: TextConfig) -> Ask:
    """Asks the service of the settings, with the key of the environment if there is one.

    Raises:
        ConfigError: the address is not safe, or no model is named.
    """
    if not is_safe(config.base_url):
        raise ConfigError("text.base_url needs an https:// address; http:// is for this machine")
    if not config.model:
        raise ConfigError("text.base_url is set; name a model too: text.model")
    headers = {"Content-Type": "application/json"}
    if key := os.environ.get(KEY):
        headers["Authorization"] = f"Bearer {key}"
    address = f"{config.base_url.rstrip('/')}/chat/completions"

    def ask(task: str, text: str) -> str:
        messages = [{"role": "system", "content": task}, {"role": "user", "content": text}]
        body = {"model": config.model, "temperature": 0, "messages": messages}
        request = urllib.request.Request(address, json.dumps(body).encode(), headers)
        try:
            with opener().open(request, timeout=config.timeout_seconds) as answer:
                return str(json.loads(answer.read(MOST_BYTES))["choices"][0]["message"]["content"])
        except urllib.error.HTTPError as error:
            error.close()
            raise OSError(f"status {error.code}") from error
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise OSError("its answer is not that of an OpenAI-compatible service") from error

    return ask
