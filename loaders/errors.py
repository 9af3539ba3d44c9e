"""Every error a reader can meet, grouped by what the reader can do about it.

CoterieError
├── DataError          fix the input: the message names file, row and column
├── ConfigError        fix the setting, path or address that the message names
│   ├── OptionError
│   ├── AudienceError
│   │   └── AudienceTooSmall
│   ├── ExperimentError
│   └── MerchandisingError
├── QueryError         fix the Cypher query
├── StoreUnavailable   try again: the same may work later
│   └── EventQueueUnavailable
├── SnapshotMissing    run ``coterie build`` first
└── NotFound           ask for something that exists
    ├── UnknownUser
    ├── UnknownProduct
    ├── UnknownCategory
    ├── UnknownBrand
    ├── UnknownBuild
    ├── UnknownSegment
    ├── UnknownAudience
    ├── UnknownExperiment
    ├── UnknownMerchandising
    └── UnknownCampaign
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "AudienceError",
    "AudienceTooSmall",
    "ConfigError",
    "CoterieError",
    "DataError",
    "EventQueueUnavailable",
    "ExperimentError",
    "MerchandisingError",
    "NotFound",
    "OptionError",
    "QueryError",
    "SnapshotMissing",
    "StoreUnavailable",
    "UnknownAudience",
    "UnknownBrand",
    "UnknownBuild",
    "UnknownCampaign",
    "UnknownCategory",
    "UnknownExperiment",
    "UnknownMerchandising",
    "UnknownProduct",
    "UnknownSegment",
    "UnknownUser",
]


class CoterieError(Exception):
    """Base of all errors that are meant to be read by a person.

    ``slug`` names the kind in HTTP problem bodies; ``exit_code`` is the command line's status;
    ``retryable`` says that the same call may succeed later.
    """

    slug = "error"
    exit_code = 1
    retryable = False


class DataError(CoterieError):
    """The input cannot be used as it is.

    Args:
        message: what was expected and what was found, and how to mend it.
        file: path of the offending file, if there is one.
        row: 1-based line or record number in the file, if known.
        column: the column concerned, if one is.
    """

    slug = "data"
    exit_code = 3

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        row: int | None = None,
        column: str | None = None,
    ) -> None:
        self.file, self.row, self.column = file, row, column
        place = [str(file)] if file else []
        place += [f"row {row}"] if row is not None else []
        place += [f"column '{column}'"] if column else []
        super().__init__(f"{', '.join(place)}: {message}" if place else message)


class ConfigError(CoterieError):
    """A setting, path or address is missing, unknown or out of range."""

    slug = "config"
    exit_code = 4


class OptionError(ConfigError):
    """An option contradicts another, or asks for what the shop's data cannot tell.

    Args:
        option: its name.
        message: what is wrong with it and what to do.
    """

    slug = "invalid-request"

    def __init__(self, option: str, message: str) -> None:
        self.option = option
        super().__init__(f"{option}: {message}")


class _Mistakes(ConfigError):
    """What a person defined cannot be used, with all that is wrong with it.

    Args:
        problems: each with the path of the part concerned and what to do about it.
    """

    _head = ""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        lines = [f"{path}: {message}" for path, message in self.problems]
        super().__init__("\n  ".join([self._head, *lines]))


class AudienceError(_Mistakes):
    """A definition of an audience cannot be used as it is."""

    slug = "invalid-audience"
    _head = "the audience cannot be used:"


class AudienceTooSmall(AudienceError):
    """Too few customers to be told of, or to be told apart from others."""

    slug = "audience-too-small"


class ExperimentError(_Mistakes):
    """An experiment cannot be defined, changed or started so."""

    slug = "invalid-experiment"
    _head = "the experiment cannot be used so:"


class MerchandisingError(_Mistakes):
    """A merchandising rule cannot be used."""

    slug = "invalid-merchandising"
    _head = "the merchandising rule cannot be used:"


class QueryError(CoterieError):
    """A Cypher query is refused or wrong; the message names the clause."""

    slug = "query"
    exit_code = 5


class StoreUnavailable(CoterieError):
    """The store cannot be reached or is locked just now."""

    slug = "store-unavailable"
    exit_code = 6
    retryable = True


class EventQueueUnavailable(StoreUnavailable):
    """Live events cannot be kept just now, so none is acknowledged."""

    slug = "event-queue-unavailable"


class SnapshotMissing(CoterieError):
    """Nothing has been built yet, or the snapshot named does not exist."""

    slug = "snapshot-missing"
    exit_code = 7


class NotFound(CoterieError):
    """The thing asked for is not in the shop."""

    slug = "not-found"
    exit_code = 8


class UnknownUser(NotFound):
    """No user has this id."""

    slug = "unknown-user"


class UnknownProduct(NotFound):
    """No product has this id."""

    slug = "unknown-product"


class UnknownCategory(NotFound):
    """No category has this id."""

    slug = "unknown-category"


class UnknownBrand(NotFound):
    """No product is of this brand."""

    slug = "unknown-brand"


class UnknownBuild(NotFound):
    """No finished build has this id."""

    slug = "unknown-build"


class UnknownSegment(NotFound):
    """No segment has this id."""

    slug = "unknown-segment"


class UnknownAudience(NotFound):
    """No audience has this name."""

    slug = "unknown-audience"


class UnknownExperiment(NotFound):
    """No experiment has this id."""

    slug = "unknown-experiment"


class UnknownMerchandising(NotFound):
    """No merchandising rule has this id."""

    slug = "unknown-merchandising"


class UnknownCampaign(NotFound):
    """No export of this campaign was made."""

    slug = "unknown-campaign"
