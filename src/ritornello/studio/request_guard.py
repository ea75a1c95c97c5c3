"""Who may ask: pages of this studio on this machine, and with --lan those that have the token.

Any web page can send requests to 127.0.0.1. So the Host must be ours, or a foreign name that was
made to point here (DNS rebinding) would be as good as ours; the Origin must be ours where there is
one; and browsers must not say that the request comes from another site. Programs that are no
browsers send no Origin, and may ask.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "ritornello_token"
_LOCAL_NAMES = ("127.0.0.1", "localhost", "[::1]")
_POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; worker-src 'self' blob:; "
    "connect-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'"
)
_HEADERS = {
    b"content-security-policy": _POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
}


@dataclass(frozen=True)
class Access:
    """Who may ask.

    Attributes:
        port: ours.
        token: without which nobody else's machine gets anything; empty if only this machine may
            ask.
        names: of this machine, beside its addresses, for other machines.
    """

    port: int
    token: str = ""
    names: tuple[str, ...] = ()

    def is_own_host(self, host: str) -> bool:
        """Whether a Host header names this studio."""
        name, _, port = host.rpartition(":") if re.search(r":\d+$", host) else (host, "", "80")
        if port != str(self.port):
            return False
        name = name.lower()
        if name in _LOCAL_NAMES:
            return True
        # An address cannot be made to point elsewhere; a name can.
        return bool(self.token) and (name in self.names or _is_address(name))


def whole_number(text: str) -> int | None:
    """The number that plain digits write, or None; thousands of digits and other numerals are none.

    >>> whole_number("12"), whole_number("-1"), whole_number("²"), whole_number("9" * 5000)
    (12, None, None, None)
    """
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


class Guard:
    """Middleware that refuses whom `Access` does not name, and adds headers for browsers."""

    def __init__(self, app: App, access: Access, most_bytes: int) -> None:
        """Guard an application; bodies may have so many bytes."""
        self._app, self._access, self._most_bytes = app, access, most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        if problem := self._problem(scope, headers):
            await _refuse(send, *problem)
            return
        if self._access.token and not self._has_token(headers):
            await self._let_in(scope, send)
            return
        await self._app(scope, self._counted(receive), _with_headers(send))

    def _problem(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str, str] | None:
        """Why a request is refused: status, what, and what to do."""
        own = "Open the address that `ritornello studio` printed."
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        host = headers.get("host", "")
        if len(hosts) != 1 or not self._access.is_own_host(host):
            return 403, f"This studio is not called {host[:100]!r}.", own
        origin = headers.get("origin")
        if origin is not None and origin != f"http://{host}":
            return 403, "Other pages may not ask this studio.", own
        is_visit = (
            headers.get("sec-fetch-mode") == "navigate"
            and scope["method"] == "GET"
            and not scope["path"].startswith("/api")
        )
        site = headers.get("sec-fetch-site", "none")
        if site not in ("none", "same-origin") and not is_visit:
            return 403, "Other pages may not ask this studio.", own
        length = whole_number(headers.get("content-length", "0"))
        if length is None or length > self._most_bytes:
            most = self._most_bytes // 2**20
            return 413, f"This is too large; at most {most} MiB were expected.", "Split the file."
        return None

    def _has_token(self, headers: dict[str, str]) -> bool:
        given = headers.get("authorization", "").removeprefix("Bearer ")
        for pair in headers.get("cookie", "").split(";"):
            name, _, value = pair.strip().partition("=")
            given = value if name == COOKIE and not given else given
        return hmac.compare_digest(given.encode(), self._access.token.encode())

    async def _let_in(self, scope: Scope, send: Send) -> None:
        """Give a browser that comes with the token in its address a cookie; refuse all others."""
        asked = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["path"] == "/" and hmac.compare_digest(
            asked.encode(), self._access.token.encode()
        ):
            cookie = f"{COOKIE}={self._access.token}; HttpOnly; SameSite=Strict; Path=/"
            await _answer(send, 303, [(b"location", b"/"), (b"set-cookie", cookie.encode())])
            return
        step = "Open the address with the token that `ritornello studio --lan` printed."
        await _refuse(send, 403, "This studio asks for its token.", step)

    def _counted(self, receive: Receive) -> Receive:
        """Bodies that do not say how long they are end at the limit all the same."""
        got = 0

        async def counted() -> Message:
            nonlocal got
            message = await receive()
            got += len(message.get("body", b""))
            if got > self._most_bytes:
                return {"type": "http.disconnect"}
            return message

        return counted


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message.get("headers", ())}
            message = {**message, "headers": [*message.get("headers", ()), *_missing(present)]}
        await send(message)

    return sending


def _missing(present: Iterable[bytes]) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in _HEADERS.items() if name not in present]


async def _refuse(send: Send, status: int, what: str, next_step: str) -> None:
    error = {"error": {"what": what, "where": "", "next_step": next_step}}
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await _answer(send, status, headers, json.dumps(error).encode())


async def _answer(
    send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes = b""
) -> None:
    length = (b"content-length", str(len(body)).encode())
    sent = [*headers, length, *_HEADERS.items()]
    await send({"type": "http.response.start", "status": status, "headers": sent})
    await send({"type": "http.response.body", "body": body})
