"""``Access`` lets a request in or not; ``Needs`` says, beside each route, what it takes.

With keys, each request to /v1 needs one of a fitting scope. Without any, a server that listens on
this machine only is open to it, so that a first look needs no set-up, and any other is closed.
"""

from __future__ import annotations

import ipaddress
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.access.audit import Audit
from api.access.keys import Key, KeyFile, Scope
from api.access.rate import Rates
from api.observe.told import told_of
from loaders.errors import CoterieError

__all__ = ["Access", "KeyForbidden", "KeyMissing", "Needs", "TooManyRequests", "is_loopback"]

FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
"""Headers of proxies: whoever sent the request is not on this machine for sure."""
BEARER: Final = HTTPBearer(
    auto_error=False,
    scheme_name="key",
    description="A key of this shop: `coterie keys create`. A server on loopback without keys "
    "needs none.",
)


class KeyMissing(CoterieError):
    """The request brings no key, or one that opens nothing."""

    slug = "key-missing"


class KeyForbidden(CoterieError):
    """The key is not for this."""

    slug = "key-forbidden"


class TooManyRequests(CoterieError):
    """The key has used up its requests.

    Args:
        message: what is used up.
        seconds: until there is one again.
    """

    slug = "too-many-requests"
    retryable = True

    def __init__(self, message: str, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(message)


class Access:
    """The keys of one server, and what they were used for.

    Args:
        keys: the shop's keys.
        audit: where reading about customers is noted.
        local: the server listens on loopback only.
    """

    def __init__(self, keys: KeyFile, audit: Audit, *, local: bool) -> None:
        self.keys, self._audit, self._local = keys, audit, local
        self._rates = Rates()

    def admit(self, request: Request, token: str | None, needed: Needs) -> None:
        """Let a request pass.

        Raises:
            KeyMissing: it has no key that opens.
            KeyForbidden: its key lacks the scope, or is for other origins.
            TooManyRequests: its key has used up its requests.
            StoreUnavailable: it is to be noted and cannot be.
        """
        key = None if self._open(request) else self._checked(request, token, needed)
        if key is not None:
            told_of(request.scope).key = key.id
        if needed.audited:
            self._audit.note(
                key=key.id if key else None,
                name=key.name if key else "this machine",
                client=request.client.host if request.client else None,
                method=request.method,
                path=request.url.path,
                query=request.url.query,
                accept=request.headers.get("accept", ""),
            )

    def _open(self, request: Request) -> bool:
        return self._local and not self.keys.all() and _from_here(request)

    def _checked(self, request: Request, token: str | None, needed: Needs) -> Key:
        if token is None:
            raise KeyMissing(
                "send a key of this shop as 'Authorization: Bearer KEY'; whoever runs the server "
                "makes one by: coterie keys create"
            )
        key = self.keys.find(token)
        if key is None:
            raise KeyMissing("this key opens nothing: it is mistyped, revoked or has expired")
        if needed.scopes and not set(needed.scopes) & set(key.scopes):
            raise KeyForbidden(
                f"this takes a key of scope {' or '.join(needed.scopes)}; key {key.id} has "
                f"{', '.join(key.scopes)}"
            )
        _check_origin(request, key)
        if wait := self._rates.wait(key.id, key.per_minute):
            raise TooManyRequests(
                f"key {key.id} may make {key.per_minute:,} requests a minute", wait
            )
        return key


class Needs:
    """What a route takes, as a dependency of it.

    Args:
        scopes: any of these; none for any key.
        audited: it hands out what is known of customers, so its use is noted.
    """

    def __init__(self, *scopes: Scope, audited: bool = False) -> None:
        self.scopes, self.audited = scopes, audited

    async def __call__(
        self,
        request: Request,
        given: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)],
    ) -> None:
        """Let the request pass or raise."""
        access: Access | None = request.app.state.access
        if access is not None:
            access.admit(request, given.credentials if given else None, self)


def _check_origin(request: Request, key: Key) -> None:
    """A key for some origins is refused from any other; it is public, and others may copy it."""
    origin = request.headers.get("origin")
    if key.origins and (origin is None or origin.lower() not in key.origins):
        raise KeyForbidden(f"key {key.id} is for pages of {', '.join(key.origins)} only")


def _from_here(request: Request) -> bool:
    """Whether a program on this machine sent this, for this machine.

    A page of elsewhere whose name was made to lead here still names itself in ``Host``, and in
    ``Origin``.
    """
    if any(name in request.headers for name in FORWARDED):
        return False
    names = [request.client.host if request.client else None, request.url.hostname]
    if "origin" in request.headers:
        names.append(_host(request.headers["origin"]))
    return all(name is not None and is_loopback(name) for name in names)


def _host(origin: str) -> str | None:
    try:
        return urlsplit(origin).hostname
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Whether ``host``, a name or an address, is this machine to itself."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
