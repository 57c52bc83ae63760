"""The addon: mitmproxy's events on one side, verdicts on the other.

Every hook that could let bytes pass starts from a refusal and only a recorded trusted verdict takes it away,
because mitmproxy logs an exception in a hook and goes on. Behind the hooks stand two things that do not
depend on them: ``GuardedConnection`` for what goes through TLS, ``VerdictStream`` for what is answered.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from mitmproxy import connection, ctx, exceptions, http, tcp, tls, udp
from mitmproxy.addonmanager import Loader
from mitmproxy.addons.tlsconfig import TlsConfig
from mitmproxy.proxy import server_hooks

from proxy_addon.client import compat, pages
from proxy_addon.client.desk import Desk
from proxy_addon.client.guard import GuardedConnection
from proxy_addon.client.local_ca import load_local_ca
from proxy_addon.client.maintenance import Maintenance
from proxy_addon.client.stream import bind
from proxy_addon.connect.engine import Engine
from proxy_addon.connect.handshake import UpstreamHandshake
from proxy_addon.errors import ProxyError
from proxy_addon.store import ProxyStore
from verifier.errors import VerifierError

logger = logging.getLogger("mingjing")
_ctx: Any = ctx  # mitmproxy's own calls are partly untyped

OPTION: Final = "mingjing_data"
NO_VERDICT: Final = "no trusted verdict is on record for this connection"
HANDSHAKE_SECONDS: Final = 8.0
SWITCHING_PROTOCOLS: Final = 101
STREAM_ABOVE: Final = 1024 * 1024  # bytes; larger and unbounded bodies are passed on as they come


def _options_error(reason: str) -> Exception:
    make: Any = exceptions.OptionsError
    error: Exception = make(reason)
    return error


class ClientAddon:
    """One verifying proxy. mitmproxy calls the methods below by their names."""

    def __init__(self, data: Path | None = None) -> None:
        self._data = data
        self._desk: Desk | None = None
        self._maintenance: Maintenance | None = None
        self._addresses: dict[str, connection.Address] = {}  # of servers, while theirs is rewritten
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def desk(self) -> Desk:
        """Return where verdicts are made; without one nothing is trusted."""
        if self._desk is None:
            raise ProxyError("the verifier is not set up: no data directory was loaded")
        return self._desk

    # -- setting up ----------------------------------------------------------------------------------

    def load(self, loader: Loader) -> None:
        """Close every way before anything else: what is not set up lets nothing pass."""
        compat.make_certificates_readable()
        compat.mark_early_errors(pages.CHECK_FAILED)
        compat.use_stream(bind(self._admits, self._answer, self._header))
        default = os.environ.get("MINGJING_DATA") or "data"
        loader.add_option(OPTION, str, str(self._data or default), "The data directory of mingjing.")

    def configure(self, updated: Iterable[str]) -> None:
        if OPTION not in updated and self._desk is not None:
            return
        config = _ctx.master.addons.get("tlsconfig")
        if not isinstance(config, TlsConfig):
            raise _options_error("mingjing needs mitmproxy's TLS addon, which is not loaded")
        config.__class__ = compat.GuardedTlsConfig
        data = Path(getattr(_ctx.options, OPTION)).expanduser()
        try:
            engine = Engine.open(data)
            store = ProxyStore(data / "proxy.db")
            compat.take_over_tls(config, *load_local_ca(data))
        except (ProxyError, VerifierError) as error:
            raise _options_error(str(error)) from None
        self._desk = Desk(engine, store)
        # The browser sees a certificate for the name it asked for and no other; mitm.it offers the wrong CA.
        _ctx.options.update_known(upstream_cert=False, onboarding=False)

    async def running(self) -> None:
        if self._desk is not None and self._maintenance is None:
            self._maintenance = Maintenance(self._desk)
            self._maintenance.start()

    def done(self) -> None:
        if self._maintenance is not None:
            self._maintenance.stop()
        if self._desk is not None:
            self._desk.close()

    # -- connections ---------------------------------------------------------------------------------

    def client_disconnected(self, client: connection.Client) -> None:
        if self._desk is not None:
            self._desk.forget_client(client.id)

    def http_connect(self, flow: http.HTTPFlow) -> None:
        """Answer CONNECT at once: a site that cannot be reached is shown as a page, inside TLS."""
        if flow.response is not None:  # another addon refuses the client, for want of a password perhaps
            return
        flow.response = http.Response(
            b"HTTP/1.1", 200, b"Connection established", http.Headers(), b"", None, 0, 0
        )

    def tls_clienthello(self, data: tls.ClientHelloData) -> None:
        """No connection is passed on unread, whatever another addon says."""
        data.__class__ = compat.UnignorableClientHello

    def server_connect(self, data: server_hooks.ServerConnectionHookData) -> None:
        """Open a connection only where the guard will stand in it, or to cleartext that the policy allows."""
        server = data.server
        server.error = NO_VERDICT
        if (
            server.address is None
            or server.transport_protocol != "tcp"
            or pages.is_status_host(server.address[0])
        ):
            return
        if not server.tls and not self.desk().take_cleartext_permit(data.client.id, server):
            return
        self._addresses[server.id] = server.address
        server.address = self.desk().engine.settings.resolve(*server.address[:2])
        server.error = None

    def server_connected(self, data: server_hooks.ServerConnectionHookData) -> None:
        self._restore_address(data.server)

    def server_connect_error(self, data: server_hooks.ServerConnectionHookData) -> None:
        self._restore_address(data.server)
        if data.server.error != NO_VERDICT:
            self.desk().unreachable(data.client.id, data.server, data.server.error or "no connection")

    def _restore_address(self, server: connection.Server) -> None:
        """Give a server its name back: mitmproxy reuses connections by it, and shows it."""
        address = self._addresses.pop(server.id, None)
        if address is not None:
            compat.give_name_back(server, address)

    def tls_start_server(self, data: tls.TlsData) -> None:
        """Put our own connection, guarded, where mitmproxy would have made one."""
        data.ssl_conn = None
        server = data.conn
        if data.is_dtls or not isinstance(server, connection.Server) or server.address is None:
            return
        if server.sni is None:
            server.sni = data.context.client.sni or server.address[0]
        if not server.alpn_offers:
            server.alpn_offers = tuple(
                o for o in data.context.client.alpn_offers if o in {b"h2", b"http/1.1"}
            )
        handshake = UpstreamHandshake(
            self.desk().engine.upstream, server.sni, server.address[1], tuple(server.alpn_offers)
        )
        # mitmproxy types the field as SSL.Connection and uses it by the methods that the guard has.
        guard: Any = GuardedConnection(handshake)
        data.ssl_conn = guard
        loop = asyncio.get_running_loop()
        self._timers[server.id] = loop.call_later(
            HANDSHAKE_SECONDS, self._hang_up, data.context.client, server
        )

    def _hang_up(self, client: connection.Client, server: connection.Server) -> None:
        """End a handshake that the server does not answer."""
        self._timers.pop(server.id, None)
        proxyserver: Any = _ctx.master.addons.get("proxyserver")
        for handler in list(proxyserver.connections.values()):
            if handler.client.id == client.id and server in handler.transports:
                handler.transports[server].handler.cancel("the handshake took too long")

    async def tls_established_server(self, data: tls.TlsData) -> None:
        self._stop_timer(data.conn)
        guard: object = data.ssl_conn
        server = data.conn
        if isinstance(guard, GuardedConnection) and isinstance(server, connection.Server):
            await self.desk().judge_connection(data.context.client.id, server, guard)

    async def tls_failed_server(self, data: tls.TlsData) -> None:
        self._stop_timer(data.conn)
        guard: object = data.ssl_conn
        server = data.conn
        if isinstance(guard, GuardedConnection) and isinstance(server, connection.Server):
            await self.desk().judge_failure(data.context.client.id, server, guard)

    def _stop_timer(self, server: connection.Connection) -> None:
        timer = self._timers.pop(server.id, None)
        if timer is not None:
            timer.cancel()

    # -- HTTP ----------------------------------------------------------------------------------------

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Give a permit early: where bodies are streamed, ``request`` comes after the connection."""
        if flow.live and flow.request.scheme == "http" and not pages.is_status_host(flow.request.host):
            self.desk().permit_cleartext(flow)

    async def request(self, flow: http.HTTPFlow) -> None:
        """Answer from here what must not go upstream."""
        if flow.response is not None or flow.error is not None or not flow.live:
            return
        flow.response = pages.failed_page(flow)
        decided = await self.desk().decide(flow)
        if decided is None:
            pages.withdraw(flow)
        flow.response = decided

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        response = flow.response
        if response is None:
            return
        pages.stamp(response, self._header(flow))
        length = response.headers.get("content-length", "")
        unbounded = not length.isdecimal() or int(length) > STREAM_ABOVE
        if flow.request.method != "CONNECT" and response.status_code != SWITCHING_PROTOCOLS:
            # An answer set by an addon is whole already; only one from a server arrives in pieces.
            response.stream = response.stream or (unbounded and response.raw_content is None)

    def response(self, flow: http.HTTPFlow) -> None:
        if flow.response is not None:
            pages.stamp(flow.response, self._header(flow))

    # -- what is not HTTP ----------------------------------------------------------------------------

    def websocket_start(self, flow: http.HTTPFlow) -> None:
        self._kill_unless_admitted(flow)

    def websocket_message(self, flow: http.HTTPFlow) -> None:
        if not self._admits(flow) and flow.websocket is not None:
            message: Any = flow.websocket.messages[-1]
            message.drop()
            self._kill_unless_admitted(flow)

    def tcp_start(self, flow: tcp.TCPFlow) -> None:
        self._kill_unless_admitted(flow)

    def tcp_message(self, flow: tcp.TCPFlow) -> None:
        if not self._admits(flow):
            flow.messages[-1].content = b""
            self._kill_unless_admitted(flow)

    def udp_start(self, flow: udp.UDPFlow) -> None:
        self._kill_unless_admitted(flow)

    def udp_message(self, flow: udp.UDPFlow) -> None:
        flow.messages[-1].content = b""
        self._kill_unless_admitted(flow)

    def _kill_unless_admitted(self, flow: Any) -> None:
        if not self._admits(flow) and flow.killable:
            flow.kill()

    # -- what the stream asks ------------------------------------------------------------------------

    def _admits(self, flow: http.HTTPFlow | tcp.TCPFlow | udp.UDPFlow) -> bool:
        return self._desk is not None and self._desk.admits(flow)

    def _header(self, flow: http.HTTPFlow) -> str:
        with contextlib.suppress(ProxyError):
            return self.desk().header(flow)
        return pages.CHECK_FAILED

    def _answer(self, flow: http.HTTPFlow, status: int) -> http.Response:
        try:
            return self.desk().error_page(flow, status)
        except Exception:  # a page that cannot be made is no reason to answer without a verdict
            logger.exception("could not make a page for %s", flow.request.pretty_host)
            return pages.failed_page(flow)
