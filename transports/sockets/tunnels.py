"""The handshakes with a proxy for a connection to an origin: HTTP's CONNECT, and SOCKS5. Pure, without I/O.

Sources: RFC 9110, section 9.3.6 (CONNECT); RFC 1928 (SOCKS5) and RFC 1929 (its user and password).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from base64 import b64encode
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from msgspec import structs

from sansio.errors import APIConnectionError, RemoteProtocolError
from sansio.http import Request
from sansio.http.heads import head_end, read_head
from sansio.limits import DEFAULT_LIMITS
from transports.failures import proxy_refusal
from transports.interface import Origin

_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
_LONGEST = 255  # bytes of a name, a user or a password in SOCKS5, whose length has one byte


class Proxy:
    """A proxy, made from its URL. No repr shows its user and password.

    Args:
        url: `http://`, `https://`, `socks5://` or `socks5h://`, a host, and if needed a port, a user and a
            password. The proxy resolves the names of origins, also with `socks5`. `https` is TLS to the proxy
            itself, and HTTP inside it.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.scheme = parts.scheme
        self.host = parts.hostname or ""
        self.port = parts.port or _PORTS[parts.scheme]
        self._user = None
        if parts.username is not None:
            self._user = unquote(parts.username), unquote(parts.password or "")

    @property
    def secure(self) -> bool:
        """Whether the proxy itself is reached over TLS."""
        return self.scheme == "https"

    @property
    def origin(self) -> Origin:
        """The origin of the proxy itself, for errors about the connection to it."""
        return self.scheme, self.host, self.port

    def tunnel(self, origin: Origin) -> Tunnel | None:
        """The handshake for a connection to `origin`; `None` where requests are forwarded without one."""
        if self.scheme.startswith("socks"):
            return SocksTunnel(origin, self._user)
        return None if origin[0] == "http" else ConnectTunnel(origin, self._authorization)

    def forwarded(self, request: Request) -> Request:
        """The request as it is sent: to an HTTP proxy, one for plain http names the origin in its target."""
        if request.scheme != "http" or self.scheme.startswith("socks"):
            return request
        headers = (*request.headers, *self._authorization)
        return structs.replace(request, target=request.url, headers=headers)

    @property
    def _authorization(self) -> tuple[tuple[str, str], ...]:
        if self._user is None:
            return ()
        basic = b64encode(":".join(self._user).encode()).decode()
        # Capitals, since some proxies look for exactly this, and would pass any other on to the origin.
        return (("Proxy-Authorization", f"Basic {basic}"),)

    def __repr__(self) -> str:
        return f"<Proxy {self.scheme}://{self.host}:{self.port}>"


class Tunnel(ABC):
    """The handshake with a proxy, on a fresh connection to it.

    A driver sends the bytes of `data_to_send`, then feeds the bytes that it reads, until it is `open`.

    Attributes:
        open: the handshake is done, and further bytes on the connection are the origin's.
    """

    def __init__(self) -> None:
        self.open = False
        self._outgoing = b""
        self._received = bytearray()

    def data_to_send(self) -> bytes:
        """The next bytes for the proxy, once."""
        data, self._outgoing = self._outgoing, b""
        return data

    def receive_data(self, data: bytes) -> None:
        """Take what the proxy sent; no bytes are the end of the connection.

        Raises:
            APIConnectionError: it refused, closed, or does not speak the protocol.
        """
        if not data:
            raise APIConnectionError("the proxy closed the connection before it had connected to the server")
        self._received += data
        while not self.open and self._step():
            pass
        if self.open and self._received:
            # The origin speaks after the client, in TLS as in HTTP, so that these are not its bytes.
            raise _not_spoken("it sent more than its answer")

    @abstractmethod
    def _step(self) -> bool:
        """Read the next message of the proxy; False if it is not whole yet."""


class ConnectTunnel(Tunnel):
    """CONNECT of HTTP/1.1.

    Args:
        origin: the server to reach.
        headers: further request headers.
    """

    def __init__(self, origin: Origin, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__()
        _, host, port = origin
        name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        lines = [f"CONNECT {name} HTTP/1.1", f"Host: {name}", *(f"{key}: {value}" for key, value in headers)]
        self._outgoing = "\r\n".join((*lines, "", "")).encode()
        self._searched = 0
        self._left = DEFAULT_LIMITS.max_header_bytes

    def _step(self) -> bool:
        within = min(len(self._received), len(b"HTTP/1."))
        if self._received[:within] != b"HTTP/1."[:within]:
            raise _not_spoken("it does not speak HTTP/1.x")
        end = head_end(self._received, self._searched)
        if (end or len(self._received)) > self._left:
            raise _not_spoken(f"its answer is longer than {DEFAULT_LIMITS.max_header_bytes} bytes")
        if end is None:
            self._searched = len(self._received)
            return False
        self._left -= end
        self._searched = 0
        whole = bytes(self._received[:end])
        del self._received[:end]
        fault = None
        try:
            head = read_head(whole, "CONNECT")
        except RemoteProtocolError as error:
            fault = _not_spoken(error.message)
        if fault is not None:
            raise fault
        if head is None:  # informational: the answer follows
            return True
        if not 200 <= head.status < 300:
            reason = whole.split(b"\n", 1)[0].strip().decode("latin-1").split(" ", 2)[2:]
            raise proxy_refusal(" ".join((str(head.status), *reason)))
        self.open = True
        return True


_REPLIES = {
    1: "it failed",
    2: "its rules do not allow it",
    3: "the network cannot be reached",
    4: "the host cannot be reached",
    5: "nothing listens there",
    6: "the way is too long",
    7: "it does not support CONNECT",
    8: "it does not accept this kind of address",
}
"""RFC 1928, section 6."""
_LASTING_REPLIES = (2, 7, 8)
_ADDRESS_SIZES = {1: 4, 4: 16}


class SocksTunnel(Tunnel):
    """CONNECT of SOCKS5.

    Args:
        origin: the server to reach; the proxy resolves its name.
        user: user and password, if there are any.

    Raises:
        APIConnectionError: a name or the password is longer than SOCKS5 allows.
    """

    def __init__(self, origin: Origin, user: tuple[str, str] | None = None) -> None:
        super().__init__()
        _, host, port = origin
        try:
            address = ip_address(host)
            where = bytes((1 if address.version == 4 else 4,)) + address.packed
        except ValueError:
            where = b"\x03" + _counted("the host's name", host)
        self._connect = b"\x05\x01\x00" + where + port.to_bytes(2, "big")
        self._login = None
        if user is not None:
            self._login = b"\x01" + _counted("the user", user[0]) + _counted("the password", user[1])
        self._outgoing = b"\x05\x01\x00" if user is None else b"\x05\x02\x00\x02"
        self._message = SocksTunnel._choose  # what reads the next message

    def _step(self) -> bool:
        return self._message(self)

    def _choose(self) -> bool:
        answer = self._take(2)
        if answer is None:
            return False
        version, method = answer
        if version == 5 and method == 0:
            self._ask()
        elif version == 5 and method == 2 and self._login is not None:
            self._outgoing += self._login
            self._message = SocksTunnel._log_in
        elif version == 5 and method == 0xFF:
            raise proxy_refusal("it requires another method to log in", lasting=True)
        else:
            raise _not_spoken("it does not speak SOCKS5")
        return True

    def _log_in(self) -> bool:
        answer = self._take(2)
        if answer is None:
            return False
        if answer[1] != 0:
            raise proxy_refusal("the user or the password is wrong", lasting=True)
        self._ask()
        return True

    def _ask(self) -> None:
        self._outgoing += self._connect
        self._message = SocksTunnel._answer

    def _answer(self) -> bool:
        if len(self._received) < 5:
            return False
        version, reply, _, kind, size = self._received[:5]
        if version != 5:
            raise _not_spoken("it does not speak SOCKS5")
        if reply != 0:
            said = _REPLIES.get(reply, f"with the code {reply}")
            raise proxy_refusal(said, lasting=reply in _LASTING_REPLIES)
        if kind not in (1, 3, 4):
            raise _not_spoken("it does not speak SOCKS5")
        if self._take(4 + _ADDRESS_SIZES.get(kind, size + 1) + 2) is None:
            return False
        self.open = True
        return True

    def _take(self, size: int) -> bytes | None:
        if len(self._received) < size:
            return None
        taken = bytes(self._received[:size])
        del self._received[:size]
        return taken


def _counted(what: str, text: str) -> bytes:
    data = text.encode()
    if len(data) > _LONGEST:
        raise APIConnectionError(
            f"{what} has more than {_LONGEST} bytes, which SOCKS5 cannot send", should_retry=False
        )
    return bytes((len(data),)) + data


def _not_spoken(why: str) -> APIConnectionError:
    return APIConnectionError(f"the proxy cannot be used: {why}", should_retry=False)
