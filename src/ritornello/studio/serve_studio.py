"""Opening the studio: a library, a port, a server, and the page in a browser."""

from __future__ import annotations

import secrets
import socket
import threading
import webbrowser
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import uvicorn

from ritornello.errors import ConfigError, OutputError
from ritornello.studio.first_piece import add_first_piece
from ritornello.studio.http_api import create_app
from ritornello.studio.open_studio import Studio
from ritornello.studio.request_guard import Access

USUAL_PORT = 8340
_NEXT_PORTS = 20
_MOST_PORT = 65_535


def serve_studio(
    folder: Path,
    *,
    port: int | None = None,
    lan: bool = False,
    browser: bool = True,
    say: Callable[[str], None] = lambda sentence: None,
) -> None:
    """Open the studio and serve it until it is interrupted.

    Args:
        folder: of the library.
        port: to listen at; the first free one from `USUAL_PORT` on where None, any with 0.
        lan: whether other machines may open it, which have the token.
        browser: whether to open the page.
        say: called with what a person has to know.

    Raises:
        ConfigError: if there is no such port.
        OutputError: if the port is in use or the library cannot be opened.
        InputError: if the library is damaged or newer.
    """
    with closing(_bound(port, "0.0.0.0" if lan else "127.0.0.1")) as listener:
        access = _access(listener.getsockname()[1], lan)
        studio = Studio.open(folder)
        try:
            add_first_piece(studio)
            address = f"http://127.0.0.1:{access.port}/"
            query = f"?token={access.token}" if lan else ""
            say(f"The studio is open at {address}{query}")
            if lan:
                say(f"From other machines: http://{_own_address()}:{access.port}/{query}")
            say(f"Your library is {studio.library.folder}. Ctrl-C closes the studio.")
            settings = uvicorn.Config(
                create_app(studio, access),
                log_level="warning",
                lifespan="off",
                timeout_graceful_shutdown=1,
                server_header=False,
                proxy_headers=False,
                ws="none",
            )
            if browser:
                threading.Timer(0.5, webbrowser.open, [address + query]).start()
            uvicorn.Server(settings).run(sockets=[listener])
        finally:
            studio.close()


def _access(port: int, lan: bool) -> Access:
    if not lan:
        return Access(port)
    name = socket.gethostname().lower()
    return Access(port, secrets.token_urlsafe(24), (name, f"{name}.local"))


def _bound(port: int | None, address: str) -> socket.socket:
    """A socket at a port.

    Raises:
        OutputError: if it is in use. ConfigError: if there is no such port.
    """
    if port is not None and not 0 <= port <= _MOST_PORT:
        raise ConfigError(f"There is no port {port}; ports are 0 (any free one) to {_MOST_PORT}.")
    ports = range(USUAL_PORT, USUAL_PORT + _NEXT_PORTS) if port is None else [port]
    for each in ports:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((address, each))
            return listener
        except OSError:
            listener.close()
    names = f"The ports {ports[0]} to {ports[-1]} are" if len(ports) > 1 else f"Port {port} is"
    raise OutputError(
        f"{names} in use, perhaps by a studio that is open already.",
        next_step="Use the page that is open, or choose another port with --port (0 for any).",
    )


def _own_address() -> str:
    """The address that other machines of the network know this one by; no packet is sent."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()
