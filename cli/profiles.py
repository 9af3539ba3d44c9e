"""``coterie segments profile | actions`` and ``coterie profile``: who they are, and what to do."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from api.languages import language_of
from api.models.profiles import Actions
from cli.ask import open_service
from cli.options import DEFAULT_HOME, HomeOption, JsonOption
from cli.output import emitted, out, table
from loaders.errors import ConfigError

__all__ = ["register", "register_segments"]

GROUPS = ("basics", "behaviour", "preference", "risk")
LangOption = Annotated[str, typer.Option(help="Language of sentences: en or zh.")]
SegmentArgument = Annotated[str, typer.Argument(help="Id of the segment, or of a part of one.")]


def segment_profile(
    segment_id: SegmentArgument,
    lang: LangOption = "en",
    home: HomeOption = DEFAULT_HOME,
    json: JsonOption = False,
) -> None:
    """Tell what sets a segment apart: attributes, behaviour, preference, risk.

    Each claim with lift, counts and a p-value corrected over everything that was tested on all
    segments; what is not significant is not claimed.

    Example: `coterie segments profile segment-2`
    """
    found = open_service(home).segment_claims(segment_id, language_of(lang))
    if emitted(found, json):
        return
    rows = [
        (group, claim.text, f"{claim.p_value:.1g}")
        for group in GROUPS
        for claim in getattr(found, group)
    ]
    table(f"{found.name}: {found.size:,} customers", ("group", "claim", "p-value"), rows)
    if found.description:
        out.print(found.description)
    out.print(f"{found.tested:,} tests on all segments, corrected together")


def actions(
    segment_id: Annotated[
        str | None, typer.Argument(help="Id of the segment, or of a part of one.")
    ] = None,
    stage: Annotated[str | None, typer.Option(help="A stage instead, such as 'at risk'.")] = None,
    lang: LangOption = "en",
    home: HomeOption = DEFAULT_HOME,
    json: JsonOption = False,
) -> None:
    """Suggest what to do for the customers of a segment or a stage, with which products.

    Example: `coterie segments actions segment-2`

    Example: `coterie segments actions --stage 'at risk'`
    """
    if (segment_id is None) == (stage is None):
        raise ConfigError("name a segment or a --stage, one of them")
    service, language = open_service(home), language_of(lang)
    if segment_id is not None:
        found = service.segment_actions(segment_id, language)
    else:
        found = service.stage_actions(stage or "", language)
    if not emitted(found, json):
        _print_actions(found)


def _print_actions(found: Actions) -> None:
    for action in found.actions:
        rows = [
            (
                offer.product.product_id,
                offer.product.title,
                f"{offer.liking:.2f}",
                f"{offer.lift:.1f}",
                offer.bought_with.product.title if offer.bought_with else "",
            )
            for offer in action.products
        ]
        columns = ("product", "title", "liking", "lift", "goes with")
        table(action.text, columns, rows, ("liking", "lift"))
        out.print(action.discount.text)
    out.print(found.estimate if found.actions else "too few customers here to approach")


def profile(
    user_id: Annotated[str, typer.Argument(help="The shop's own id of the customer.")],
    lang: LangOption = "en",
    home: HomeOption = DEFAULT_HOME,
    json: JsonOption = False,
) -> None:
    """Hold one customer against the shop: attributes, behaviour, preference, risk.

    Example: `coterie profile 1228`
    """
    found = open_service(home).customer_profile(user_id, language_of(lang))
    if emitted(found, json):
        return
    rows = [(group, fact.text) for group in GROUPS for fact in getattr(found, group)]
    name = found.segment.name if found.segment else "in no segment"
    table(f"{user_id}: {name}", ("group", "what"), rows)


def register_segments(app: Any) -> None:
    """Add the commands below ``coterie segments``."""
    app.command("profile")(segment_profile)
    app.command("actions")(actions)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(profile)
