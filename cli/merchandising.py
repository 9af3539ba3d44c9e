"""``coterie merchandising``: what the shop itself wants of its lists."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.ask import open_service
from cli.options import DEFAULT_HOME, HomeOption, JsonOption, at_home
from cli.output import emit_json, out, table
from loaders.errors import MerchandisingError
from pipeline.merchandising import MerchandisingDesk
from ranking.merchandising import Mode, Saved, parse

__all__ = ["register"]

HELP = """Pin, boost, bury or exclude products in lists, or give groups their places.

Example: `coterie merchandising put summer.toml`
"""

merchandising = typer.Typer(no_args_is_help=True, help=HELP)

Id = Annotated[str, typer.Argument(help="Id of the rule.")]
File = Annotated[Path, typer.Argument(help="A rule, .toml or .json.")]


def _desk(home: Path) -> MerchandisingDesk:
    return MerchandisingDesk(at_home(home))


def _print(rules: list[Saved]) -> None:
    now = datetime.now(UTC)
    if not rules:
        out.print("there are no merchandising rules; coterie merchandising put FILE makes one")
        return
    rows = [
        (
            *(s.rule.id, s.rule.name, s.rule.effect, s.rule.state(now)),
            *(_time(s.rule.starts), _time(s.rule.ends), str(s.last.version)),
        )
        for s in rules
    ]
    columns = ("id", "name", "effect", "state", "starts", "ends", "version")
    table("Merchandising", columns, rows, ("version",))


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else ""


@merchandising.command("list")
def list_(home: HomeOption = DEFAULT_HOME, json: JsonOption = False) -> None:
    """List all rules, oldest first, and where they stand.

    Example: `coterie merchandising list`
    """
    found = list(_desk(home).all().values())
    if json:
        now = datetime.now(UTC)
        emit_json([{**s.rule.model_dump(mode="json"), "state": s.rule.state(now)} for s in found])
    else:
        _print(found)


@merchandising.command()
def show(rule: Id, home: HomeOption = DEFAULT_HOME, json: JsonOption = False) -> None:
    """Show a rule and its versions.

    Example: `coterie merchandising show summer-drinks`
    """
    saved = _desk(home).get(rule)
    if json:
        emit_json(saved.model_dump(mode="json"))
        return
    _print([saved])
    lines = [(str(v.version), f"{v.at:%Y-%m-%d %H:%M}", v.by or "") for v in saved.versions[::-1]]
    table("Versions", ("version", "saved", "by"), lines, ("version",))
    out.print_json(saved.rule.model_dump_json(exclude_defaults=True))


@merchandising.command()
def put(
    file: File,
    home: HomeOption = DEFAULT_HOME,
    json: JsonOption = False,
) -> None:
    """Save a rule, new or as the next version; servers follow it within a second.

    Example: `coterie merchandising put summer.toml`
    """
    rule = parse(file)
    wrong = open_service(home).rule_problem(rule)
    if wrong:
        raise MerchandisingError([("target", wrong)])
    saved = _desk(home).put(rule)
    if json:
        emit_json(saved.model_dump(mode="json"))
    else:
        _print([saved])


@merchandising.command()
def delete(rule: Id, home: HomeOption = DEFAULT_HOME) -> None:
    """Forget a rule and its versions.

    Example: `coterie merchandising delete summer-drinks`
    """
    _desk(home).delete(rule)
    out.print(f"deleted {rule}")


@merchandising.command()
def preview(
    file: File,
    user: Annotated[str, typer.Argument(help="Id of the customer whose list to try it on.")],
    k: Annotated[int, typer.Option(min=1, max=100, help="Length of the list.")] = 10,
    mode: Annotated[Mode, typer.Option(help="What may be listed.")] = "all",
    home: HomeOption = DEFAULT_HOME,
    json: JsonOption = False,
) -> None:
    """Show a customer's list without a rule and with it; nothing is saved.

    Example: `coterie merchandising preview summer.toml 1228`
    """
    rule = parse(file)
    service = open_service(home)
    others = tuple(s.rule for s in _desk(home).all().values() if s.rule.id != rule.id)
    before, after = (
        service.ruled(rules).recommendations(user, k=k, mode=mode).items
        for rules in (others, (*others, rule.now()))
    )
    if json:
        ids = [[item.product.product_id for item in items] for items in (before, after)]
        emit_json({"user_id": user, "before": ids[0], "after": ids[1]})
        return
    if wrong := service.rule_problem(rule):
        out.print(f"the rule does nothing: {wrong}")
    was = {item.product.product_id: str(item.rank) for item in before}
    rows = [
        (str(i.rank), was.get(i.product.product_id, ""), i.product.product_id, i.product.title)
        for i in after
    ]
    table(f"List of {user} with the rule", ("place", "before", "id", "title"), rows, ("place",))


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(merchandising, name="merchandising")
