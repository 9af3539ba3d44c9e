"""Segments of a build under a text generator's names, where the settings name one."""

from __future__ import annotations

from dataclasses import replace

from loaders.errors import SnapshotMissing
from loaders.progress import Progress
from pipeline.config import Config
from pipeline.generator import Worded, ask_service, word_segments
from pipeline.home import Home
from pipeline.learn import Learned
from pipeline.people import PEOPLE, load_words
from segments.claims import find_claims
from segments.facts import customer_facts

__all__ = ["worded"]


def worded(
    learned: Learned, home: Home, config: Config, progress: Progress
) -> tuple[Learned, dict[str, Worded]]:
    """What was learned with segments renamed, and what was said of each.

    Raises:
        ConfigError: the settings name a service that cannot be asked safely.
    """
    if not config.text.base_url:
        return learned, {}
    ask = ask_service(config.text)
    facts = customer_facts(learned.shop, {"churn_risk": learned.customers.table["churn_risk"]})
    levels = [(level.ids, level.member) for level in learned.segmentation.levels]
    claims = find_claims(learned.shop, facts, levels, config.segments)
    found, words = word_segments(
        learned.segmentation, claims, config.text, _known(home), ask, progress
    )
    return replace(learned, segmentation=found), words


def _known(home: Home) -> dict[str, Worded]:
    try:
        return load_words(home.snapshot() / PEOPLE)
    except (SnapshotMissing, ValueError, TypeError):
        return {}
