"""``HoldOut``: a share of an audience that a campaign leaves alone, to see what it changes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl

from audiences.definition import NAME
from loaders.errors import OptionError

__all__ = ["COLUMN", "Campaign", "HoldOut"]

COLUMN: Final = "held_out"
"""The column that marks who is held out."""


@dataclass(frozen=True)
class HoldOut:
    """What an export is for, and who is left out of it.

    Attributes:
        campaign: its name, as an audience's; in every export of it the same customers are held out.
        share: of its customers, held out.
        mark: the held out are in the export too, marked, in place of being left out.
        sent: when it reaches customers; what they buy counts from then on.

    Raises:
        OptionError: the name, the share or the time cannot be used.
    """

    campaign: str
    share: float
    mark: bool
    sent: datetime

    def __post_init__(self) -> None:
        if not re.fullmatch(NAME, self.campaign):
            told = f"{self.campaign!r} is no name; use a-z, 0-9, - and _"
            raise OptionError("campaign", told)
        if not 0 < self.share < 1:
            raise OptionError("holdout", f"expected a share between 0 and 1; got {self.share:g}")
        if not 1970 < self.sent.year < 2200:
            raise OptionError("sent", f"expected a time of this age; got {self.sent}")

    def apply(
        self, frame: pl.DataFrame, ids: pl.Series, is_held: Callable[[str], bool], least: int
    ) -> pl.DataFrame:
        """The members that an export is of.

        Args:
            frame: all members.
            ids: of them, row by row.
            is_held: whether a customer is held out.
            least: fewest customers that may be told of.

        Raises:
            OptionError: too few are held out, or too few are not.
        """
        held = pl.Series(COLUMN, [is_held(user_id) for user_id in ids], pl.Boolean)
        if min(int(held.sum()), int((~held).sum())) < least:
            raise OptionError(
                "holdout",
                f"fewer than {least} customers would be held out, or be left; take another share, "
                "or a larger audience (setting audiences.minimum)",
            )
        return frame.with_columns(held) if self.mark else frame.filter(~held)


@dataclass(frozen=True)
class Campaign:
    """An export that was made for a campaign.

    Attributes:
        name: of the campaign.
        audience, version, build: of whom, as of which build.
        sent: when it reached them.
        share: held out.
        members: ids of all, the held out among them.
    """

    name: str
    audience: str
    version: int
    build: str
    sent: datetime
    share: float
    members: pl.Series
