"""Members sent to another system's address in signed batches, each taken once.

Every request is a JSON body and these headers::

    X-Coterie-Timestamp: 1712745600
    X-Coterie-Signature: v1=HEX      HMAC-SHA256 of "TIMESTAMP.BODY" with the shared secret
    Idempotency-Key: HEX             the same for a batch however often it is sent

The receiver checks the signature over the bytes it got, refuses timestamps that are minutes old,
and takes a key it has seen for done. See https://datatracker.ietf.org/doc/html/rfc2104.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import polars as pl

from loaders.errors import ConfigError, StoreUnavailable

__all__ = ["Hook", "Sent", "is_safe", "opener", "send", "signature"]

BATCH: Final = 1_000
RETRIED: Final = (408, 425, 429, 500, 502, 503, 504)
LOCAL: Final = ("localhost", "127.0.0.1", "::1")


def is_safe(url: str) -> bool:
    """Whether nobody on the way can read what is sent: https, or http to this machine."""
    parts = urlsplit(url)
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOCAL)
    return safe and bool(parts.hostname)


@dataclass(frozen=True)
class Hook:
    """Where to send members, and how stubbornly.

    Attributes:
        url: an https address; http only on this machine.
        secret: shared with the receiver.
        attempts: tries of each batch.
        wait_seconds: before the second try; doubled before each further one.
        timeout_seconds: of one request.

    Raises:
        ConfigError: the address or the secret cannot be used.
    """

    url: str
    secret: str
    attempts: int = 5
    wait_seconds: float = 1.0
    timeout_seconds: float = 30.0

    def __post_init__(self) -> None:
        if not is_safe(self.url):
            raise ConfigError("a webhook needs an https:// address; http:// is for this machine")
        if len(self.secret) < 16:
            raise ConfigError("a webhook's secret needs 16 characters or more")


@dataclass(frozen=True)
class Sent:
    """What was delivered: batches, rows, and how many tries failed on the way."""

    batches: int
    rows: int
    retries: int


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """``v1=`` and the HMAC-SHA256 of ``timestamp.body`` in hexadecimal."""
    text = f"{timestamp}.".encode() + body
    return f"v1={hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()}"


def send(
    hook: Hook,
    frame: pl.DataFrame,
    about: dict[str, Any],
    sleep: Callable[[float], None] = time.sleep,
) -> Sent:
    """Send the rows of ``frame`` in batches, in order; stops at the first that is not taken.

    Args:
        hook: where to.
        frame: members, a row each.
        about: goes with every batch: audience, version, build.
        sleep: waits between two tries.

    Raises:
        ConfigError: the receiver refuses a batch for good.
        StoreUnavailable: it did not take a batch after all attempts; sending again is safe, as it
            knows the batches it took by their keys.
    """
    batches = max(1, -(-len(frame) // BATCH))
    retries = 0
    for number in range(batches):
        rows = frame.slice(number * BATCH, BATCH).to_dicts()
        head = {**about, "batch": number + 1, "batches": batches}
        body = json.dumps({**head, "members": rows}, default=str, ensure_ascii=False).encode()
        retries += _deliver(hook, body, sleep, f"batch {number + 1} of {batches}")
    return Sent(batches, len(frame), retries)


def _deliver(hook: Hook, body: bytes, sleep: Callable[[float], None], what: str) -> int:
    """Send one batch until it is taken; returns how many tries failed."""
    said = ""
    for attempt in range(hook.attempts):
        if attempt:
            sleep(hook.wait_seconds * 2 ** (attempt - 1))
        try:
            _post(hook, body)
            return attempt
        except urllib.error.HTTPError as error:
            said = f"status {error.code}"
            error.close()
            if error.code not in RETRIED:
                raise ConfigError(f"the webhook refused {what} with {said}") from error
        except OSError as error:  # no connection, or none in time
            said = str(error)
    raise StoreUnavailable(f"the webhook did not take {what}: {said}; export again to go on")


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Customers' data goes to the address that was given and nowhere else."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Refuse; the answer is then an error of its status."""
        return None


def opener() -> urllib.request.OpenerDirector:
    """Opens an address, and follows it nowhere else."""
    return urllib.request.build_opener(_NoRedirects)


def _post(hook: Hook, body: bytes) -> None:
    now = int(time.time())
    headers = {
        "Content-Type": "application/json",
        "X-Coterie-Timestamp": str(now),
        "X-Coterie-Signature": signature(hook.secret, now, body),
        "Idempotency-Key": hashlib.sha256(body).hexdigest(),
    }
    request = urllib.request.Request(hook.url, body, headers, method="POST")
    with opener().open(request, timeout=hook.timeout_seconds) as answer:
        answer.read(1)
