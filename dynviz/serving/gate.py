"""Who is let in: those who know the address, from pages of this server alone."""

import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

from dynviz.frozen import frozen

LOOPBACK = ("127.0.0.1", "::1", "localhost")
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    # The address holds the token.
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Server": "dynviz",
}
"""Of every response: a page loads from this server only, and is shown in no other."""


@frozen
class Gate:
    """Decides which requests are answered.

    Attributes:
        host: The address that the server listens on.
        token: The first part of every path.
    """

    host: str
    token: str

    @classmethod
    def with_new_token(cls, host: str) -> "Gate":
        """A gate whose token nobody can guess."""
        return cls(host, secrets.token_urlsafe(24))

    @property
    def open(self) -> bool:
        """Whether other machines can reach the server."""
        return self.host not in LOOPBACK

    def name(self, path: str) -> str | None:
        """What a path asks for: all that follows the token; None without it.

        >>> gate = Gate("127.0.0.1", "secret")
        >>> gate.name("/secret/page.css"), gate.name("/secret/"), gate.name("/page.css"), gate.name("/secret")
        ('page.css', '', None, None)
        """
        token, slash, name = path.removeprefix("/").partition("/")
        # Compared in constant time, or the token could be guessed sign by sign.
        known = secrets.compare_digest(token.encode(errors="replace"), self.token.encode())
        return name if known and slash else None

    def knows(self, host: str) -> bool:
        """Whether a request's `Host` may be ours: on loopback no other name, to which an attacker's may be rebound.

        >>> [Gate("127.0.0.1", "").knows(host) for host in ("localhost:8000", "[::1]:80", "evil.example", "")]
        [True, True, False, False]
        """
        try:
            name = urlsplit(f"//{host}").hostname
        except ValueError:
            return False
        return bool(name) and (self.open or name in LOOPBACK)

    @staticmethod
    def is_own(origin: str, host: str) -> bool:
        """Whether a page of this server opens a websocket: its `Origin` is where the request goes.

        >>> Gate.is_own("http://localhost:8000", "localhost:8000"), Gate.is_own("http://evil.example", "localhost:8000")
        (True, False)
        """
        scheme, separator, place = origin.partition("://")
        return bool(separator) and scheme in ("http", "https") and place == host
