"""Merchandising rules: as they are told, with where they stand and what they would change."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from pydantic import ConfigDict, Field

from api.models.base import Answer, Mode, Product, example
from ranking.merchandising import MerchandisingRule, State

__all__ = [
    "DeletedRule",
    "Moved",
    "PreviewRequest",
    "RuleDefinition",
    "RuleHistory",
    "RuleList",
    "RulePreview",
    "RuleStatus",
    "RuleVersion",
]

_RULE: Final[dict[str, Any]] = {
    "id": "summer-drinks",
    "name": "Drinks in summer",
    "note": "The season's campaign.",
    "effect": "boost",
    "target": {"category": ["DRINKS"]},
    "factor": 1.5,
    "starts": "2018-06-01T00:00:00Z",
    "ends": "2018-09-01T00:00:00Z",
}
_STATUS: Final[dict[str, Any]] = {
    "rule": _RULE,
    "state": "scheduled",
    "version": 1,
    "saved": "2018-05-20T09:00:00Z",
    "by": "4f1c77aa",
    "problem": None,
}


class RuleDefinition(MerchandisingRule):
    """A rule as a person writes it."""

    model_config = ConfigDict(json_schema_extra=example(_RULE))


class RuleStatus(Answer):
    """A rule and where it stands."""

    rule: MerchandisingRule
    state: State = Field(description="active, scheduled for later, ended, or off.")
    version: int
    saved: datetime = Field(description="When this version was.")
    by: str | None = Field(default=None, description="Id of the key that saved it.")
    problem: str | None = Field(
        default=None, description="Why it does nothing with what is published; none where it can."
    )

    model_config = ConfigDict(json_schema_extra=example(_STATUS))


class RuleList(Answer):
    """All rules, oldest first, which is the order they are applied in."""

    rules: list[RuleStatus]

    model_config = ConfigDict(json_schema_extra=example({"rules": [_STATUS]}))


class RuleVersion(Answer):
    """A rule as it was saved."""

    version: int
    at: datetime
    by: str | None
    rule: MerchandisingRule


class RuleHistory(Answer):
    """A rule's versions, the one that holds first."""

    versions: list[RuleVersion]

    model_config = ConfigDict(
        json_schema_extra=example(
            {"versions": [{"version": 1, "at": "2018-05-20T09:00:00Z", "by": None, "rule": _RULE}]}
        )
    )


class DeletedRule(Answer):
    """The id of what is no longer there."""

    deleted: str

    model_config = ConfigDict(json_schema_extra=example({"deleted": "summer-drinks"}))


class PreviewRequest(Answer):
    """A rule that is not saved yet, or ``null`` for none, and whose list to try it on."""

    rule: RuleDefinition | None = Field(
        default=None, description="Takes the place of the saved one of its id, whatever its time."
    )
    user_id: str = Field(min_length=1, max_length=1_000, description="Whose list.")
    mode: Mode = "all"
    k: int = Field(default=20, ge=1, le=100, description="Length of the list.")

    model_config = ConfigDict(
        json_schema_extra=example({"rule": _RULE, "user_id": "1228", "mode": "all", "k": 10})
    )


class Moved(Answer):
    """A product and its places; none where it is not listed."""

    product: Product
    before: int | None
    after: int | None


class RulePreview(Answer):
    """A customer's list without the rule and with it; other active rules hold in both."""

    user_id: str
    before: list[str] = Field(description="Product ids in order.")
    after: list[str]
    moved: list[Moved] = Field(description="Products whose place differs, by their new place.")
    problem: str | None = Field(default=None, description="Why the rule does nothing.")

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "user_id": "1228",
                "before": ["981760", "1029743"],
                "after": ["1029743", "981760"],
                "moved": [
                    {
                        "product": {"product_id": "1029743", "title": "Milk"},
                        "before": 2,
                        "after": 1,
                    }
                ],
                "problem": None,
            }
        )
    )
