"""``Campaigns``: what campaigns changed, by those who were held out of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import polars as pl

from audiences.holdout import Campaign
from audiences.vault import Vault
from experiments.assign import held_out
from experiments.compare import Interval
from experiments.config import ExperimentsConfig
from experiments.report import Question, Results
from loaders.errors import UnknownCampaign
from pipeline.audiences import audiences_file
from pipeline.home import Home
from pipeline.measured import measured

__all__ = ["HELD", "SENT", "CampaignResults", "Campaigns", "Exports"]

HELD: Final = "holdout"
SENT: Final = "campaign"
"""The two sides; who was held out is the control."""
_NO_CLICKS: Final = pl.DataFrame(schema={"unit": pl.String, "at": pl.Int64})


@dataclass(frozen=True)
class Exports:
    """All exports that were made for one campaign.

    Attributes:
        name: of the campaign.
        audiences: whom they were of, first to last, each once.
        share: held out.
        first, last: when they reached customers.
        customers: in all, each once, the held out among them.
    """

    name: str
    audiences: Sequence[str]
    share: float
    first: datetime
    last: datetime
    customers: int


@dataclass(frozen=True)
class CampaignResults:
    """What a campaign changed.

    Attributes:
        exports: what was exported for it.
        results: both sides and how they differ.
        incremental_revenue: what all it reached spent more than they would have, with an interval
            that holds over all looks; ``None`` where there is too little to say.
    """

    exports: Exports
    results: Results
    incremental_revenue: Interval | None


class Campaigns:
    """Campaigns of one shop.

    Args:
        home: the shop.
        config: what counts, and how sure a finding must be.
        clock: gives the time, UTC.
    """

    def __init__(
        self,
        home: Home,
        config: ExperimentsConfig,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._home, self._config, self._clock = home, config, clock
        self._vault = Vault(audiences_file(home))

    def all(self) -> list[Exports]:
        """Every campaign, oldest first."""
        found: dict[str, list[Campaign]] = {}
        for one in self._vault.campaigns():
            found.setdefault(one.name, []).append(one)
        return [_exports(parts) for parts in found.values()]

    def _of(self, name: str) -> list[Campaign]:
        found = self._vault.campaigns()
        parts = [one for one in found if one.name == name]
        if not parts:
            known = ", ".join(dict.fromkeys(one.name for one in found)) or "none"
            raise UnknownCampaign(f"there is no campaign {name!r}; there are: {known}")
        return parts

    def delete(self, name: str) -> None:
        """Forget a campaign.

        Raises:
            UnknownCampaign: there is none of this name.
        """
        self._of(name)
        self._vault.forget_campaign(name)

    def results(self, name: str, days: float | None = None) -> CampaignResults:
        """What a campaign changed so far.

        Args:
            name: of the campaign.
            days: after it reached a customer, in which purchases count; by default as set.

        Raises:
            UnknownCampaign: there is none of this name.
            StoreUnavailable: the store cannot be read just now.
        """
        parts = self._of(name)
        share = parts[0].share
        question = Question(
            (HELD, SENT),
            (share, 1 - share),
            "conversion",
            ("conversion", "revenue"),
            days or self._config.window_days,
        )
        found = measured(
            self._home, _exposures(parts), _NO_CLICKS, question, self._config, self._clock()
        )
        return CampaignResults(_exports(parts), found, _incremental(found))


def _first(parts: Sequence[Campaign]) -> pl.DataFrame:
    """``unit`` and ``at`` of the first export that each customer was in, microseconds."""
    frames = [
        pl.DataFrame({"unit": one.members}).with_columns(
            at=pl.lit(int(one.sent.timestamp() * 1e6), pl.Int64)
        )
        for one in parts
    ]
    return pl.concat(frames).group_by("unit", maintain_order=True).agg(pl.col("at").min())


def _exposures(parts: Sequence[Campaign]) -> pl.DataFrame:
    first, name, share = _first(parts), parts[0].name, parts[0].share
    sides = [HELD if held_out(name, unit, share) else SENT for unit in first["unit"]]
    return first.with_columns(variant=pl.Series(sides, dtype=pl.String))


def _exports(parts: Sequence[Campaign]) -> Exports:
    sent = [one.sent for one in parts]
    audiences = tuple(dict.fromkeys(one.audience for one in parts))
    customers = len(_first(parts))
    return Exports(parts[0].name, audiences, parts[0].share, min(sent), max(sent), customers)


def _incremental(found: Results) -> Interval | None:
    """The difference in revenue of a customer, times all the campaign reached."""
    reached = found.variants[1].units
    for one in found.comparisons:
        if one.metric == "revenue" and one.difference:
            ends = one.difference.value, one.difference.low, one.difference.high
            return Interval(*(reached * end for end in ends))
    return None
