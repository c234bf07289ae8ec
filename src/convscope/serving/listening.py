"""The address that the server listens on. It imports little, so that the address can be said at once."""

import errno
import ipaddress
import socket
from urllib.parse import quote

from convscope.errors import ConvscopeError, UsageError
from convscope.wording import shown

EVERYWHERE = ("0.0.0.0", "::")
"""All addresses of this machine; no browser opens them as they stand."""

BACKLOG = 256
"""Connections that wait to be taken."""


class AddressError(ConvscopeError):
    """The server cannot listen there."""


def listen(host: str, port: int) -> socket.socket:
    """A socket on which connections wait from now on.

    Args:
        host: an address of this machine, or a name that leads to one.
        port: 0 for any that is free.

    Raises:
        UsageError: there is no such port.
        AddressError: it is taken, not allowed, or the address is not one of this machine.
    """
    if not 0 <= port <= 65_535:
        raise UsageError(f"--port: {port} is none; ports go from 0, for any that is free, to 65535")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError):
        raise AddressError(f"--host: there is no address '{shown(host)}'") from None
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise AddressError(_why(error, host, port)) from None
    return listening


def is_of_this_machine(host: str) -> bool:
    """Whether only programs on this machine reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def address_of(listening: socket.socket, host: str, token: str = "") -> str:
    """What to open in a browser."""
    port = listening.getsockname()[1]
    name = "localhost" if host in EVERYWHERE else f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/" + (f"?token={quote(token, safe='')}" if token else "")


def _why(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        other = port % 65_535 + 1
        return f"port {port} is taken by another program. Choose another: --port {other}, or --port 0"
    if error.errno == errno.EACCES:
        return f"port {port} needs rights that you do not have. Choose another: --port 8765"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"--host: {shown(host)} is not an address of this machine"
    return f"{shown(host)}:{port} cannot be listened on: {error.strerror or error}"
