"""``Client``: Coterie's API as methods, for threads."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from coterie_client import answers, calls
from coterie_client.calls import NDJSON, Call
from coterie_client.changes import ChangesResult
from coterie_client.errors import CoterieError, InvalidRequest, Unreachable, problem_of
from coterie_client.events import BATCH, EventsResult, batches
from coterie_client.experiments import ExperimentMethods
from coterie_client.retries import Retries

__all__ = ["Client"]

T = TypeVar("T")


class Client(ExperimentMethods):
    """Talks to one server; may be shared by threads. Close it, or use it in a ``with`` block.

    Args:
        url: of the server, such as ``http://127.0.0.1:8000``.
        key: the shop's key; none for a server on this machine that needs none.
        timeout: seconds for each try.
        retries: how often what may be repeated is tried again.
        transport: instead of the network, for tests.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout: float = 10.0,
        retries: Retries | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(
            base_url=url, headers=headers, timeout=timeout, transport=transport
        )
        self._retries, self._sleep = retries or Retries(), sleep

    def send(self, call: Call[T]) -> T:
        """The answer to a call of ``coterie_client.calls``.

        Raises:
            Problem: the server says why it does not do it.
            Unreachable: it did not answer.
        """
        tried = 0
        while True:
            tried += 1
            try:
                found: T = self._once(call).json()
                return found
            except CoterieError as error:
                wait = self._retries.wait(call, error, tried)
                if wait is None:
                    raise
                self._sleep(wait)

    def _once(self, call: Call[Any]) -> httpx.Response:
        try:
            reply = self._http.send(self._request(call))
        except httpx.TransportError as error:
            raise Unreachable(f"{call.method} {call.path}: {error!r}") from error
        if not reply.is_success:
            raise problem_of(reply)
        return reply

    def _request(self, call: Call[Any]) -> httpx.Request:
        return self._http.build_request(
            call.method,
            call.path,
            params=call.query or None,
            json=call.json,
            headers={"Accept": call.accept},
        )

    def lines(self, call: Call[Any]) -> Iterator[dict[str, Any]]:
        """The answer to a call as NDJSON, an object at a time, however long it is.

        Raises:
            Problem: the server says why it does not do it; before the first line.
            Unreachable: it did not answer, or broke off amid the answer.
        """
        request = self._request(call)
        request.headers["Accept"] = NDJSON
        try:
            reply = self._http.send(request, stream=True)
            try:
                if not reply.is_success:
                    reply.read()
                    raise problem_of(reply)
                yield from (json.loads(line) for line in reply.iter_lines() if line)
            finally:
                reply.close()
        except httpx.TransportError as error:
            raise Unreachable(f"{call.path} broke off: {error!r}") from error

    # For storefronts.

    def recommend(
        self, user_id: str, *, k: int = 20, mode: str = "all", **options: Any
    ) -> answers.Recommendations:
        """Products for a customer, each with its reasons.

        ``options`` are the query parameters of the API, such as ``category=["milk"]``,
        ``max_price=5``, ``diversity=0.3`` or ``lang="zh"``.
        """
        return self.send(calls.recommend(user_id, k=k, mode=mode, **options))

    def session(
        self,
        events: Sequence[Mapping[str, Any]] = (),
        *,
        session_id: str | None = None,
        attributes: Mapping[str, Any] | None = None,
        k: int = 20,
        **options: Any,
    ) -> answers.SessionRecommendations:
        """Products for a visitor nobody knows, by what they just did."""
        call = calls.session(events, session_id=session_id, attributes=attributes, k=k, **options)
        return self.send(call)

    def basket(
        self, product_ids: Sequence[str], *, k: int = 10, **filters: Any
    ) -> answers.BasketSuggestions:
        """What completes a basket."""
        return self.send(calls.basket(product_ids, k=k, **filters))

    def similar(self, product_id: str, *, k: int = 10, **filters: Any) -> answers.SimilarProducts:
        """Products that the same kind of customers buy."""
        return self.send(calls.similar(product_id, k=k, **filters))

    def bought_together(self, product_id: str, *, k: int = 10) -> answers.BoughtTogether:
        """Products that orders with this one also hold."""
        return self.send(calls.bought_together(product_id, k=k))

    def product(self, product_id: str) -> dict[str, Any]:
        """A product in full."""
        return self.send(calls.product(product_id))

    def products(self, search: str = "") -> Iterator[answers.Product]:
        """Products whose title or id holds ``search``, the most bought first, page by page."""
        return _paged(
            lambda cursor: self.send(calls.products(search, limit=100, cursor=cursor)), "products"
        )

    def send_events(self, events: Iterable[Mapping[str, Any]]) -> EventsResult:
        """Keep events on the server's disk; those without an ``event_id`` get one.

        Any number of them, sent in batches. A batch whose answer is lost is sent again, and
        nothing is kept twice. Where this raises, batches before may have been kept; sending all
        again is safe if they had ids of their own.

        Raises:
            Problem, Unreachable: as ``send``; what the server finds wrong with single events is
                told in the result instead.
        """
        result = EventsResult()
        for batch in batches(events):
            try:
                result.add(batch, self.send(calls.events(batch)))
            except InvalidRequest as problem:
                result.add_refusal(batch, problem)
        return result

    # For a shop's own systems.

    def put_user(self, user_id: str, properties: Mapping[str, Any]) -> None:
        """Add a customer, or set what ``properties`` say of them; the rest stays."""
        self.send(calls.put_user(user_id, properties))

    def put_product(self, product_id: str, properties: Mapping[str, Any]) -> None:
        """Add a product, or set what ``properties`` say of it; the rest stays.

        Such as ``{"title": ..., "price": 2.5, "category_id": ..., "brand": ..., "attributes":
        {"stock": 3}}``.
        """
        self.send(calls.put_product(product_id, properties))

    def put_users(self, users: Iterable[Mapping[str, Any]]) -> ChangesResult:
        """Any number of customers, each with its ``user_id``, in batches.

        Raises:
            Problem, Unreachable: as ``send``; what the server finds wrong with single ones is
                told in the result instead. Batches before may have been kept.
        """
        return self._put(users, calls.put_users, "users")

    def put_products(self, products: Iterable[Mapping[str, Any]]) -> ChangesResult:
        """Any number of products, each with its ``product_id``; as ``put_users``."""
        return self._put(products, calls.put_products, "products")

    def _put(
        self,
        items: Iterable[Mapping[str, Any]],
        call: Callable[[Sequence[Mapping[str, Any]]], Call[answers.ChangesAnswer]],
        name: str,
    ) -> ChangesResult:
        result, waiting = ChangesResult(), iter(items)
        while batch := list(islice(waiting, BATCH)):
            try:
                result.add(batch, self.send(call(batch)))
            except InvalidRequest as problem:
                result.add_refusal(batch, problem, name)
        return result

    # For marketers.

    def user(self, user_id: str, *, history: int = 50) -> dict[str, Any]:
        """A customer: attributes, totals, segment, what they bought."""
        return self.send(calls.user(user_id, history=history))

    def customer(self, user_id: str) -> dict[str, Any]:
        """Where a customer stands: stage, RFM, value, risk of churn."""
        return self.send(calls.customer(user_id))

    def users(self, search: str = "") -> Iterator[dict[str, Any]]:
        """Customers whose id holds ``search``, all of them."""
        return self.lines(calls.users(search))

    def segments(self) -> answers.Segments:
        """All segments, largest first."""
        return self.send(calls.segments())

    def segment(self, segment_id: str) -> dict[str, Any]:
        """A segment in full."""
        return self.send(calls.segment(segment_id))

    def segment_members(self, segment_id: str) -> Iterator[dict[str, Any]]:
        """All members of a segment, firmest first."""
        return self.lines(calls.segment_members(segment_id))

    def audiences(self, *, segment: str | None = None) -> answers.Audiences:
        """Saved audiences."""
        return self.send(calls.audiences(segment=segment))

    def audience(self, name: str) -> answers.Audience:
        """A saved audience with its versions and history."""
        return self.send(calls.audience(name))

    def estimate_audience(self, definition: Mapping[str, Any]) -> dict[str, Any]:
        """Size, value and overlap of a definition that need not be saved."""
        return self.send(calls.estimate_audience(definition))

    def save_audience(self, definition: Mapping[str, Any]) -> dict[str, Any]:
        """Save a definition under the name it has, as the next version."""
        return self.send(calls.save_audience(definition))

    def delete_audience(self, name: str) -> None:
        """Forget an audience."""
        self.send(calls.delete_audience(name))

    def explain_audience(self, name: str, user_id: str) -> dict[str, Any]:
        """Why a customer is in an audience or not."""
        return self.send(calls.explain_audience(name, user_id))

    def audience_members(
        self, name: str, columns: Sequence[str] = ("user_id",)
    ) -> Iterator[dict[str, Any]]:
        """All members of an audience, with the columns asked for."""
        return self.lines(calls.audience_members(name, columns))

    # For analysts.

    def cypher(
        self, query: str, parameters: Mapping[str, Any] | None = None, **limits: Any
    ) -> answers.QueryAnswer:
        """The answer to a read-only query, whole; ``rows`` and ``seconds`` limit it."""
        return self.send(calls.cypher(query, parameters, **limits))

    def cypher_lines(
        self, query: str, parameters: Mapping[str, Any] | None = None, **limits: Any
    ) -> Iterator[dict[str, Any]]:
        """Its rows as they are read, up to a million of them."""
        return self.lines(calls.cypher(query, parameters, **limits))

    def schema(self) -> dict[str, Any]:
        """What there is to ask about."""
        return self.send(calls.schema())

    def build(self) -> answers.Build:
        """The snapshot that answers."""
        return self.send(calls.build())

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _paged(page: Callable[[str | None], Any], key: str) -> Iterator[Any]:
    cursor: str | None = None
    while True:
        found = page(cursor)
        yield from found[key]
        cursor = found["next_cursor"]
        if cursor is None:
            return
