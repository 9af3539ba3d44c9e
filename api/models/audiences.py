"""Audiences: who is wanted, how many they are, who they are and why."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from pydantic import ConfigDict, Field

from api.models.base import Answer, example

__all__ = [
    "AudienceChange",
    "AudienceChanges",
    "AudienceEstimate",
    "AudienceExplained",
    "AudienceList",
    "AudienceMembers",
    "AudienceProfile",
    "AudienceQuery",
    "AudienceRequest",
    "AudienceSummary",
    "DeletedAudience",
    "RefreshRequest",
    "SavedAudience",
]

_DEFINITION: Final[dict[str, Any]] = {
    "name": "lapsed",
    "title": "Lapsed coffee drinkers",
    "where": {
        "kind": "all",
        "of": [
            {"kind": "bought", "category": ["COFFEE"], "times": 2},
            {"kind": "not_bought", "category": ["COFFEE"], "days": 30},
        ],
    },
}
_OVERLAP = {"id": "segment-3", "name": "Baby food and nappies", "size": 61, "share": 0.1954}
_ESTIMATE: Final[dict[str, Any]] = {
    "size": 312,
    "minimum": 20,
    "coarse": False,
    "share": 0.1262,
    "spend": 402113.7,
    "expected_value": None,
    "segments": [_OVERLAP],
    "audiences": [],
}
_REFRESH: Final[dict[str, Any]] = {
    "version": 1,
    "build": "20180101T020500-4f1c",
    "at": "2018-01-01T02:11:40Z",
    "size": 312,
    "spend": 402113.7,
    "added": 14,
    "removed": 9,
    "net": 5,
    "problem": "",
}
_SUMMARY: Final[dict[str, Any]] = {
    "name": "lapsed",
    "title": "Lapsed coffee drinkers",
    "version": 1,
    "last": _REFRESH,
    "used_by": [],
}


class AudienceRequest(Answer):
    """A definition, as `docs/audiences.md` tells."""

    definition: Any = Field(
        description="`name`, `title` and the condition `where`.",
        json_schema_extra={"type": "object", "additionalProperties": True},
    )

    model_config = ConfigDict(json_schema_extra=example({"definition": _DEFINITION}))


class RefreshRequest(Answer):
    """Which audiences to evaluate anew."""

    names: list[str] = Field(default_factory=list, max_length=1_000, description="Empty: all.")

    model_config = ConfigDict(json_schema_extra=example({"names": ["lapsed"]}))


class SharedCustomers(Answer):
    """What an audience shares with a segment or another audience."""

    id: str
    name: str
    size: int | None = Field(description="Customers in both; null where that tells of too few.")
    share: float | None = Field(description="Of the audience, 0..1.")


class AudienceEstimate(Answer):
    """Size, value and overlap."""

    size: int | None = Field(description="Customers; null where fewer than `minimum`.")
    minimum: int = Field(description="The fewest that are told of.")
    coarse: bool = Field(
        description="The size is in steps of `minimum`: it differs from another by fewer."
    )
    share: float | None = Field(description="Of all customers who may be in an audience, 0..1.")
    spend: float | None = Field(description="Of all members so far, shop's currency.")
    expected_value: float | None = Field(description="Expected of all members.")
    segments: list[SharedCustomers] = Field(description="Largest first.")
    audiences: list[SharedCustomers] = Field(description="Largest first.")

    model_config = ConfigDict(json_schema_extra=example(_ESTIMATE))


class SavedAudience(Answer):
    """What was saved, and what it holds."""

    name: str
    version: int = Field(description="As before where nothing changed.")
    estimate: AudienceEstimate

    model_config = ConfigDict(
        json_schema_extra=example({"name": "lapsed", "version": 1, "estimate": _ESTIMATE})
    )


class AudienceRefresh(Answer):
    """An audience as it was over one build."""

    version: int
    build: str
    at: datetime
    size: int | None = Field(description="Null where too few, or not evaluated.")
    spend: float | None
    added: int | None = Field(description="Since the refresh before.")
    removed: int | None
    net: int | None
    problem: str = Field(description="Why it could not be evaluated; empty where it was.")


class AudienceSummary(Answer):
    """A saved audience and its last refresh."""

    name: str
    title: str
    version: int
    last: AudienceRefresh | None
    used_by: list[str] = Field(description="Audiences that change with this one.")

    model_config = ConfigDict(json_schema_extra=example(_SUMMARY))


class AudienceList(Answer):
    """Saved audiences by name."""

    audiences: list[AudienceSummary]

    model_config = ConfigDict(json_schema_extra=example({"audiences": [_SUMMARY]}))


class AudienceVersion(Answer):
    """A definition as it was saved."""

    version: int
    created: datetime
    definition: dict[str, Any]


class AudienceProfile(AudienceSummary):
    """A saved audience in full."""

    definition: dict[str, Any]
    versions: list[AudienceVersion] = Field(description="Oldest first.")
    history: list[AudienceRefresh] = Field(description="Oldest first.")

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                **_SUMMARY,
                "definition": _DEFINITION,
                "versions": [
                    {
                        "version": 1,
                        "created": "2018-01-01T01:00:00Z",
                        "definition": _DEFINITION,
                    }
                ],
                "history": [_REFRESH],
            }
        )
    )


class AudienceQuery(Answer):
    """An audience as a query that an analyst can run."""

    cypher: str

    model_config = ConfigDict(
        json_schema_extra=example({"cypher": "MATCH (u:User) ... RETURN u.id AS user_id"})
    )


class AudienceChange(Answer):
    """What becomes of one audience."""

    name: str
    before: int | None
    after: int | None
    added: int | None = Field(description="Null where some, but too few to be told of.")
    removed: int | None


class AudienceChanges(Answer):
    """What a definition changes: its audience first, then those that refer to it."""

    changes: list[AudienceChange]

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "changes": [
                    {"name": "lapsed", "before": 312, "after": 355, "added": 43, "removed": 0}
                ]
            }
        )
    )


class AudienceMembers(Answer):
    """Some members, in the order of the build's customers."""

    total: int
    members: list[dict[str, Any]] = Field(description="The columns that were asked for.")
    next_cursor: str | None = Field(
        default=None, description="Pass it as cursor; none on the last page."
    )

    model_config = ConfigDict(
        json_schema_extra=example(
            {"total": 312, "members": [{"user_id": "1228", "spend": 3120.5}], "next_cursor": None}
        )
    )


class AudienceCondition(Answer):
    """A condition for one customer: thresholds beside true values."""

    path: str = Field(description="Where it is in the definition.")
    text: str
    met: bool
    wanted: dict[str, Any]
    found: dict[str, Any]
    inner: list[AudienceCondition]


class AudienceExplained(Answer):
    """Why a customer is in an audience, or is not."""

    user_id: str
    member: bool
    barred: str = Field(description="Why they can be in none; empty where they can.")
    tree: AudienceCondition

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "user_id": "1228",
                "member": False,
                "barred": "",
                "tree": {
                    "path": "where",
                    "text": "never bought category COFFEE in the last 30 days",
                    "met": False,
                    "wanted": {"category": ["COFFEE"], "days": 30.0},
                    "found": {"times": 2, "last": "2017-12-30T18:20:00+00:00"},
                    "inner": [],
                },
            }
        )
    )


class DeletedAudience(Answer):
    """What was deleted."""

    deleted: str

    model_config = ConfigDict(json_schema_extra=example({"deleted": "lapsed"}))
