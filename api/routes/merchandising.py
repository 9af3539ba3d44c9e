"""Merchandising: what the shop itself wants of its lists, tried before it is saved."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from api.merchandising import House
from api.models.lists import RecommendedProduct
from api.models.merchandising import (
    DeletedRule,
    Moved,
    PreviewRequest,
    RuleDefinition,
    RuleHistory,
    RuleList,
    RulePreview,
    RuleStatus,
    RuleVersion,
)
from api.observe.told import told_of
from api.problems import responses
from api.routes.common import TRIED, TRYING, Current, answer
from api.service import Service
from loaders.errors import MerchandisingError, SnapshotMissing
from ranking.merchandising import MerchandisingRule, Saved

__all__ = ["router"]

router = APIRouter(tags=["merchandising"])


async def _house(request: Request) -> House:
    house: House | None = request.app.state.merchandising
    if house is None:
        raise SnapshotMissing("this server was given one snapshot, and keeps no merchandising")
    return house


async def _who(request: Request) -> str | None:
    return told_of(request.scope).key


Held = Annotated[House, Depends(_house)]
Who = Annotated[str | None, Depends(_who)]
Id = Annotated[str, Path(description="Id of the rule.", examples=["summer-drinks"])]


@router.get("/merchandising", response_model=RuleList, dependencies=TRIED)
def merchandising_rules(house: Held, service: Current) -> Response:
    """All rules, oldest first, and where they stand."""
    found = [_status(saved, service) for saved in house.desk.all().values()]
    return answer(RuleList(rules=found))


@router.post(
    "/merchandising",
    response_model=RuleStatus,
    responses=responses(400, 413),
    dependencies=TRYING,
)
def create_rule(house: Held, service: Current, who: Who, body: RuleDefinition) -> Response:
    """Save a rule of a new id; lists follow it within a second, in every process."""
    if body.id in house.desk.all():
        raise MerchandisingError([("id", f"there is a rule {body.id!r} already; change it by PUT")])
    return _saved(house, service, body, who)


@router.post(
    "/merchandising/preview",
    response_model=RulePreview,
    responses=responses(400, 404, 413),
    dependencies=TRYING,
)
def preview_rules(house: Held, service: Current, body: PreviewRequest) -> Response:
    """A customer's list without a rule and with it, as if the rule held now; nothing is saved."""
    held = [saved.rule for saved in house.desk.all().values()]
    rule = body.rule
    others = [r for r in held if rule is None or r.id != rule.id]
    trial = [] if rule is None else [rule.now()]
    before, after = (
        service.ruled(tuple(chosen)).recommendations(body.user_id, k=body.k, mode=body.mode).items
        for chosen in (others, [*others, *trial])
    )
    return answer(
        RulePreview(
            user_id=body.user_id,
            before=[item.product.product_id for item in before],
            after=[item.product.product_id for item in after],
            moved=_moved(before, after),
            problem=service.rule_problem(rule) if rule else None,
        )
    )


@router.get(
    "/merchandising/{rule}",
    response_model=RuleStatus,
    responses=responses(404),
    dependencies=TRIED,
)
def merchandising_rule(house: Held, service: Current, rule: Id) -> Response:
    """A rule and where it stands."""
    return answer(_status(house.desk.get(rule), service))


@router.put(
    "/merchandising/{rule}",
    response_model=RuleStatus,
    responses=responses(400, 413),
    dependencies=TRYING,
)
def put_rule(house: Held, service: Current, who: Who, rule: Id, body: RuleDefinition) -> Response:
    """Save a rule, new or as the next version of the one of its id."""
    if body.id != rule:
        raise MerchandisingError([("id", f"is {body.id!r}, but the path says {rule!r}")])
    return _saved(house, service, body, who)


@router.delete(
    "/merchandising/{rule}",
    response_model=DeletedRule,
    responses=responses(404),
    dependencies=TRYING,
)
def delete_rule(house: Held, rule: Id) -> Response:
    """Forget a rule and its versions."""
    house.desk.delete(rule)
    house.follow()
    return answer(DeletedRule(deleted=rule))


@router.get(
    "/merchandising/{rule}/history",
    response_model=RuleHistory,
    responses=responses(404),
    dependencies=TRIED,
)
def rule_history(house: Held, rule: Id) -> Response:
    """A rule's versions, the one that holds first, and who saved each."""
    found = house.desk.get(rule).versions
    told = [RuleVersion(version=v.version, at=v.at, by=v.by, rule=v.rule) for v in found[::-1]]
    return answer(RuleHistory(versions=told))


def _saved(house: House, service: Service, body: RuleDefinition, who: str | None) -> Response:
    rule = MerchandisingRule(**body.model_dump())
    wrong = service.rule_problem(rule)
    if wrong:
        raise MerchandisingError([("target", wrong)])
    saved = house.desk.put(rule, who)
    house.follow()
    return answer(_status(saved, service))


def _status(saved: Saved, service: Service) -> RuleStatus:
    return RuleStatus(
        rule=saved.rule,
        state=saved.rule.state(datetime.now(UTC)),
        version=saved.last.version,
        saved=saved.last.at,
        by=saved.last.by,
        problem=service.rule_problem(saved.rule),
    )


def _moved(before: list[RecommendedProduct], after: list[RecommendedProduct]) -> list[Moved]:
    was = {item.product.product_id: item.rank for item in before}
    now = {item.product.product_id: item.rank for item in after}
    products = {item.product.product_id: item.product for item in (*before, *after)}
    differs = [id_ for id_ in products if was.get(id_) != now.get(id_)]
    differs.sort(key=lambda id_: (now.get(id_, len(now) + 1), was.get(id_, 0)))
    return [Moved(product=products[i], before=was.get(i), after=now.get(i)) for i in differs]
