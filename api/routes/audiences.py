"""Audiences: estimate, save, list, compare, explain, and hand out as pages or files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from pydantic import AwareDatetime
from starlette.responses import Response, StreamingResponse

from api import cursors
from api.downloads import preferred
from api.models.audiences import (
    AudienceChanges,
    AudienceEstimate,
    AudienceExplained,
    AudienceList,
    AudienceMembers,
    AudienceProfile,
    AudienceQuery,
    AudienceRequest,
    AudienceSummary,
    DeletedAudience,
    RefreshRequest,
    SavedAudience,
)
from api.models.base import SegmentRef
from api.models.choices import AttributeValues, AudienceChoices
from api.problems import responses
from api.routes.common import MARKETER, SEGMENTS, answer
from audiences.cypher import Dialect
from audiences.definition import Definition, parse
from audiences.export import FORMS, Form
from audiences.holdout import HoldOut
from audiences.vault import Refresh
from loaders.errors import AudienceError, OptionError, SnapshotMissing
from pipeline.audiences import Desk, Listed

__all__ = ["router"]

router = APIRouter(tags=["audiences"])
JSON: Final = "application/json"


async def _desk(request: Request) -> Desk:
    desk: Desk | None = request.app.state.audiences
    if desk is None:
        raise SnapshotMissing("this server was given one snapshot, and keeps no audiences")
    return desk


Audiences = Annotated[Desk, Depends(_desk)]
Name = Annotated[str, Path(description="Name of the audience.", examples=["lapsed"])]
Columns = Annotated[
    list[str] | None, Query(max_length=200, description="What to tell of each; default: user_id.")
]


async def _held(
    campaign: Annotated[
        str | None, Query(max_length=63, description="Campaign that the file is for.")
    ] = None,
    holdout: Annotated[
        float, Query(gt=0, lt=1, description="Share of a campaign's customers held out.")
    ] = 0.1,
    mark: Annotated[
        bool, Query(description="Mark the held out in a column in place of leaving them out.")
    ] = False,
    sent: Annotated[
        AwareDatetime | None, Query(description="When it reaches customers; now by default.")
    ] = None,
) -> HoldOut | None:
    if campaign is None:
        return None
    return HoldOut(campaign, holdout, mark, sent or datetime.now(UTC))


Held = Annotated[HoldOut | None, Depends(_held)]
_FILES: Final[dict[str, Any]] = {
    "text/csv": {"schema": {"type": "string"}, "example": "user_id,spend\n1228,3120.5\n"},
    "application/x-ndjson": {
        "schema": {"type": "string"},
        "example": '{"user_id":"1228","spend":3120.5}\n',
    },
    "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
}


@router.get("/audiences", response_model=AudienceList, dependencies=SEGMENTS)
def audiences(
    desk: Audiences,
    segment: Annotated[
        str | None, Query(description="Only those that would change with this segment.")
    ] = None,
) -> Response:
    """Saved audiences with their size at the last refresh."""
    return answer(AudienceList(audiences=_summaries(desk.listed(segment))))


@router.get("/audience-choices", response_model=AudienceChoices, dependencies=SEGMENTS)
def audience_choices(desk: Audiences) -> Response:
    """What conditions may ask of this shop, for a form that builds one."""
    found = desk.choices()
    return answer(
        AudienceChoices(
            **{
                **asdict(found),
                "attributes": [AttributeValues(**asdict(a)) for a in found.attributes],
            }
            | {"segments": [SegmentRef(segment_id=id_, name=name) for id_, name in found.segments]}
        )
    )


@router.post(
    "/audiences/estimate",
    response_model=AudienceEstimate,
    responses=responses(400, 413),
    dependencies=SEGMENTS,
)
def estimate_audience(desk: Audiences, body: AudienceRequest) -> Response:
    """Size, value and overlap of a definition, before it is saved."""
    return answer(AudienceEstimate.model_validate(_plain(desk.estimate(_definition(body)))))


@router.post(
    "/audiences/diff",
    response_model=AudienceChanges,
    responses=responses(400, 404, 413),
    dependencies=SEGMENTS,
)
def diff_audiences(
    desk: Audiences,
    body: AudienceRequest,
    version: Annotated[
        int | None, Query(ge=1, description="Compare with this version, not the latest.")
    ] = None,
) -> Response:
    """What a changed definition changes: its audience, and those that refer to it."""
    changes = desk.diff(_definition(body), version)
    return answer(AudienceChanges.model_validate({"changes": [asdict(c) for c in changes]}))


@router.post(
    "/audiences/refresh",
    response_model=AudienceList,
    responses=responses(400, 404, 413),
    dependencies=SEGMENTS,
)
def refresh_audiences(desk: Audiences, body: RefreshRequest) -> Response:
    """Evaluate saved audiences over the published build, as each build does at its end."""
    return answer(AudienceList(audiences=_summaries(desk.refresh(body.names))))


@router.put(
    "/audiences/{name}",
    response_model=SavedAudience,
    responses=responses(400, 413),
    dependencies=SEGMENTS,
)
def save_audience(desk: Audiences, name: Name, body: AudienceRequest) -> Response:
    """Save a definition, as the next version where there is an audience of this name."""
    wanted = _definition(body)
    if wanted.name != name:
        raise AudienceError([("name", f"is {wanted.name!r}, but the path says {name!r}")])
    saved, told = desk.save(wanted)
    estimated = AudienceEstimate.model_validate(_plain(told))
    return answer(SavedAudience(name=saved.name, version=saved.version, estimate=estimated))


@router.get(
    "/audiences/{name}",
    response_model=AudienceProfile,
    responses=responses(404),
    dependencies=SEGMENTS,
)
def audience(desk: Audiences, name: Name) -> Response:
    """A saved audience: its definition, versions, and history of size."""
    one, versions = desk.show(name), desk.vault.versions(name)
    return answer(
        AudienceProfile(
            **_summary(one).model_dump(),
            definition=_written(one.saved.definition),
            versions=[
                {"version": v.version, "created": v.created, "definition": _written(v.definition)}
                for v in versions
            ],
            history=[_refresh(line) for line in desk.history(name)],
        )
    )


@router.delete(
    "/audiences/{name}",
    response_model=DeletedAudience,
    responses=responses(404),
    dependencies=SEGMENTS,
)
def delete_audience(desk: Audiences, name: Name) -> Response:
    """Forget an audience with its versions, history and exports."""
    desk.delete(name)
    return answer(DeletedAudience(deleted=name))


@router.get(
    "/audiences/{name}/cypher",
    response_model=AudienceQuery,
    responses=responses(404),
    dependencies=SEGMENTS,
)
def audience_cypher(
    desk: Audiences,
    name: Name,
    dialect: Annotated[Dialect, Query(description="Engine of the query.")] = "embedded",
) -> Response:
    """The audience as a query that finds its members in the graph."""
    definition = desk.vault.versions(name)[-1].definition
    return answer(AudienceQuery(cypher=desk.cypher(definition, dialect)))


@router.get(
    "/audiences/{name}/explain",
    response_model=AudienceExplained,
    responses=responses(404),
    dependencies=MARKETER,
)
def explain_audience(
    desk: Audiences,
    name: Name,
    user_id: Annotated[str, Query(max_length=200, description="The customer's id.")],
) -> Response:
    """Why a customer is in the audience or not: thresholds beside true values."""
    return answer(AudienceExplained.model_validate(_plain(desk.explain(name, user_id))))


@router.get(
    "/audiences/{name}/members",
    response_model=AudienceMembers,
    responses={**responses(404, 409), 200: {"content": _FILES}},
    dependencies=MARKETER,
)
def audience_members(
    desk: Audiences,
    name: Name,
    held: Held,
    column: Columns = None,
    limit: Annotated[int, Query(ge=1, le=1_000, description="Members on a page.")] = 100,
    cursor: Annotated[
        str | None, Query(max_length=500, description="next_cursor of the page before.")
    ] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response:
    """Members of a saved audience.

    JSON pages by cursor. With `Accept: text/csv`, `application/x-ndjson` or
    `application/vnd.apache.parquet` all members come as one file. Fewer than the settings allow
    are refused. A file for a `campaign` leaves a share of them out, always the same ones, or marks
    them; `/v1/campaigns` then tells what the campaign changed.
    """
    columns = column or ["user_id"]
    media = preferred(accept, (JSON, *FORMS.values()))
    for form, known in FORMS.items():
        if media == known:
            return _file(desk, name, form, columns, held)
    if held:
        raise OptionError("campaign", "ask for a file: Accept: text/csv, for one")
    build = desk.evaluator().tables.build
    offset = cursors.decode(cursor, build)
    page = desk.members(name, offset, limit, columns)
    end = offset + len(page.rows)
    following = cursors.encode(build, end) if end < page.total and len(page.rows) else None
    found = AudienceMembers(total=page.total, members=page.rows.to_dicts(), next_cursor=following)
    reply = answer(found)
    reply.headers["Vary"] = "Accept"
    return reply


def _file(
    desk: Desk, name: str, form: Form, columns: Sequence[str], held: HoldOut | None
) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"', "Vary": "Accept"}
    pieces = desk.export(name, form, columns, held)
    return StreamingResponse(pieces, media_type=FORMS[form], headers=headers)


def _definition(body: AudienceRequest) -> Definition:
    return parse(body.definition)


def _written(definition: Definition) -> dict[str, Any]:
    return definition.model_dump(mode="json", exclude_defaults=True)


def _summaries(found: Sequence[Listed]) -> list[AudienceSummary]:
    return [_summary(one) for one in found]


def _summary(one: Listed) -> AudienceSummary:
    return AudienceSummary(
        name=one.saved.name,
        title=one.saved.definition.title,
        version=one.saved.version,
        last=_refresh(one.last) if one.last else None,
        used_by=list(one.used_by),
    )


def _refresh(line: Refresh) -> Any:
    return {**asdict(line), "net": line.net}


def _plain(value: Any) -> dict[str, Any]:
    """A dataclass as keys and values, numbers that JSON lacks as none."""
    found: dict[str, Any] = asdict(value)
    return found
