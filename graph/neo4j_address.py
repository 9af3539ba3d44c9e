"""Where a Neo4j server is and who asks: address, encryption, user, database, from one URI.

The password comes from the URI or the environment and never shows in text or errors.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import unquote, urlsplit

from loaders.errors import ConfigError

__all__ = ["SCHEMES", "Address", "is_address"]

SCHEMES: Final = (
    "neo4j",
    "neo4j+s",
    "neo4j+ssc",
    "bolt",
    "bolt+s",
    "bolt+ssc",
)
"""``neo4j`` routes in a cluster, ``bolt`` talks to one server; ``+s`` encrypts and checks the
certificate, ``+ssc`` encrypts and trusts any."""

USER_VARIABLE: Final = "COTERIE_NEO4J_USER"
PASSWORD_VARIABLE: Final = "COTERIE_NEO4J_PASSWORD"
DEFAULT_USER: Final = "neo4j"


def is_address(text: object) -> bool:
    """Whether ``text`` names a Neo4j server rather than a file."""
    return str(text).partition("://")[0] in SCHEMES and "://" in str(text)


@dataclass(frozen=True)
class Address:
    """A server, a database on it and a login.

    Attributes:
        uri: address for the driver, without login and database.
        user: who asks; empty where the server wants no login.
        password: their password; not shown.
        database: which database; the server's default where empty.
    """

    uri: str
    user: str = ""
    password: str = field(default="", repr=False)
    database: str = ""

    @classmethod
    def parse(cls, uri: str) -> Self:
        """Read ``scheme://[user:password@]host[:port][/database]``; the rest by environment.

        Raises:
            ConfigError: the address cannot be read.
        """
        try:
            parts = urlsplit(uri)
            port = f":{parts.port}" if parts.port else ""
        except ValueError:
            raise ConfigError("the address of the store has a port that is no number") from None
        if parts.scheme not in SCHEMES or not parts.hostname or parts.query:
            raise ConfigError(
                "expected the address of a Neo4j server as neo4j://host:7687 or "
                f"neo4j://host:7687/database; schemes are {', '.join(SCHEMES)}"
            )
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        password = unquote(parts.password or "") or os.environ.get(PASSWORD_VARIABLE, "")
        user = unquote(parts.username or "") or os.environ.get(USER_VARIABLE, "")
        return cls(
            uri=f"{parts.scheme}://{host}{port}",
            user=user or (DEFAULT_USER if password else ""),
            password=password,
            database=parts.path.strip("/"),
        )

    @property
    def login(self) -> tuple[str, str] | None:
        """User and password, or nothing."""
        return (self.user, self.password) if self.user else None

    def __str__(self) -> str:
        return f"{self.uri}/{self.database}" if self.database else self.uri
