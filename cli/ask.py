"""``coterie recommend | similar``: ask the published snapshot."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from api.languages import language_of
from api.merchandising import House
from api.models.base import Mode
from api.models.lists import Recommendations
from api.models.options import ListOptions
from api.provider import SnapshotProvider
from api.service import Service
from cli.options import DEFAULT_HOME, HomeOption, JsonOption, at_home
from cli.output import emitted, err, table
from pipeline.merchandising import MerchandisingDesk
from ranking.scorer import Bought

__all__ = ["open_service", "print_recommendations", "register"]


def _help(name: str) -> str:
    """What an option of a list means, as the API tells it."""
    return ListOptions.model_fields[name].description or ""


MODES = "all: anything; repeat: only what they bought before; discover: only what they never did."


def open_service(home: Any) -> Service:
    """The service of the published snapshot.

    Raises:
        SnapshotMissing: nothing is published.
    """
    place = at_home(home)
    provider = SnapshotProvider(place, place.name, rules=House(MerchandisingDesk(place)))
    provider.refresh()
    return provider()


def print_recommendations(answer: Recommendations) -> None:
    """Show a customer's list with its reasons."""
    if answer.fallback:
        err.print(answer.fallback)
    rows = [
        (i.rank, i.product.product_id, i.product.title, "; ".join(r.text for r in i.reasons[:2]))
        for i in answer.items
    ]
    title = f"For customer {answer.user_id} (mode {answer.mode}, by {answer.method})"
    table(title, ("rank", "product", "title", "why"), rows, ("rank",))


def recommend(
    user_id: Annotated[str, typer.Argument(help="The customer's id.")],
    k: Annotated[int, typer.Option(min=1, max=1000, help="Length of the list.")] = 10,
    mode: Annotated[Mode, typer.Option(help=MODES)] = "all",
    category: Annotated[list[str] | None, typer.Option(help=_help("category"))] = None,
    brand: Annotated[list[str] | None, typer.Option(help=_help("brand"))] = None,
    min_price: Annotated[float | None, typer.Option(min=0, help=_help("min_price"))] = None,
    max_price: Annotated[float | None, typer.Option(min=0, help=_help("max_price"))] = None,
    in_stock: Annotated[bool, typer.Option("--in-stock", help=_help("in_stock"))] = False,
    exclude: Annotated[list[str] | None, typer.Option(help=_help("exclude"))] = None,
    min_novelty: Annotated[float, typer.Option(min=0, help=_help("min_novelty"))] = 0.0,
    bought: Annotated[Bought | None, typer.Option(help=_help("bought"))] = None,
    per_category: Annotated[int | None, typer.Option(min=1, help=_help("per_category"))] = None,
    diversity: Annotated[float, typer.Option(min=0, max=1, help=_help("diversity"))] = 0.0,
    new: Annotated[int, typer.Option(min=0, help=_help("new"))] = 0,
    lang: Annotated[
        str | None, typer.Option(help="Language of the reasons: en or zh; else English.")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    json: JsonOption = False,
) -> None:
    """Recommend products to a customer, with reasons.

    A customer nobody knows gets what is popular lately, and is told so.

    Example: `coterie recommend 1228 --k 5 --mode discover`

    Example: `coterie recommend 1228 --max-price 5 --per-category 2 --diversity 0.3 --lang zh`
    """
    options = ListOptions(
        category=tuple(category or ()),
        brand=tuple(brand or ()),
        min_price=min_price,
        max_price=max_price,
        in_stock=in_stock,
        exclude=tuple(exclude or ()),
        min_novelty=min_novelty,
        bought=bought,
        per_category=per_category,
        diversity=diversity,
        new=new,
    )
    answer = open_service(home).recommendations(
        user_id, k=k, mode=mode, options=options, language=language_of(lang)
    )
    if not emitted(answer, json):
        print_recommendations(answer)


def similar(
    product_id: Annotated[str, typer.Argument(help="The product's id.")],
    k: Annotated[int, typer.Option(min=1, max=50, help="Length of the list; builds keep 20.")] = 10,
    home: HomeOption = DEFAULT_HOME,
    json: JsonOption = False,
) -> None:
    """List the products that the same kind of customers buy.

    Example: `coterie similar 1029743`
    """
    answer = open_service(home).similar(product_id, k)
    if not emitted(answer, json):
        rows = [
            (f"{i.score:.3f}", i.product.product_id, i.product.title, i.product.category)
            for i in answer.items
        ]
        title = f"Like {answer.product.title} ({product_id})"
        table(title, ("similarity", "product", "title", "category"), rows, ("similarity",))


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (recommend, similar):
        app.command()(command)
