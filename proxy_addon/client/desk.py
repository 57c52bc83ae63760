"""Where a connection or a request meets its verdict. Used from mitmproxy's event loop only."""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from mitmproxy import connection, http, tcp, udp

from proxy_addon.client import pages, site
from proxy_addon.client.guard import GuardedConnection
from proxy_addon.client.ledger import Ledger, Record
from proxy_addon.connect.dial import reach, speaks_cleartext
from proxy_addon.connect.engine import Engine
from proxy_addon.connect.handshake import cleartext
from proxy_addon.connect.reports import report_of
from proxy_addon.errors import Unreachable
from proxy_addon.store import Inclusion, ProxyStore
from verifier.judge.evidence import Evidence
from verifier.judge.verdict import Verdict, unreachable
from verifier.policy import Cleartext

logger = logging.getLogger("mingjing")

RETRY_SECONDS: Final = 3.0  # an older refusal is tried anew when the browser asks again
RECENT_SECONDS: Final = 30.0


class Desk:
    """Judges, keeps the ledger, and answers for the flows."""

    def __init__(self, engine: Engine, store: ProxyStore) -> None:
        self.engine = engine
        self.store = store
        self.ledger = Ledger()
        self.started = datetime.now(UTC)
        self._permits: dict[tuple[str, str, int], Verdict] = {}
        self.take_over_inclusion()

    def close(self) -> None:
        """Close files, threads and connections."""
        self.engine.close()
        self.store.close()

    def take_over_inclusion(self) -> None:
        """Let judgements know which promises were kept and which were broken."""
        broken = self.store.keys(Inclusion.NOT_INCLUDED)
        self.engine.keeper.set_inclusion(included=self.store.keys(Inclusion.INCLUDED), not_included=broken)
        for record in self.ledger.newest():
            if any(sct.key in broken for sct in record.verdict.relied_scts):
                self._in_force(record)
        self.ledger.version += 1

    # -- connections ---------------------------------------------------------------------------------

    async def judge_connection(
        self, client: str, server: connection.Server, guard: GuardedConnection
    ) -> None:
        """Judge a finished handshake and record the verdict on the connection itself."""
        generation = self.engine.keeper.generation
        evidence, verdict = await asyncio.to_thread(self._assess, guard.handshake.established())
        self._add(client, server, verdict, evidence, guard, generation=generation)
        if verdict.trusted:
            self.store.add(verdict.relied_scts, verdict.host)
            self._keep_reports(verdict, evidence)

    def _keep_reports(self, verdict: Verdict, evidence: Evidence) -> None:
        """Keep the chain of promises that are still open, where the policy allows to report broken ones."""
        if not self.engine.rules(verdict.host).report:
            return
        known = self.store.states(sct.key for sct in verdict.relied_scts)
        for sct in verdict.relied_scts:
            if sct.key in known and known[sct.key][0] is not Inclusion.PENDING:
                continue
            if (report := report_of(sct, evidence)) is not None:
                self.store.keep_report(sct.key, report)

    def _assess(self, evidence: Evidence) -> tuple[Evidence, Verdict]:
        complete = self.engine.with_revocation(evidence)
        return complete, self.engine.judge(complete)

    async def judge_failure(self, client: str, server: connection.Server, guard: GuardedConnection) -> None:
        """Record why a handshake failed; a server that was silent is asked whether it speaks plain HTTP."""
        handshake = guard.handshake
        evidence = handshake.failed(guard.failure or "the server hung up during the handshake")
        if not handshake.answered and await asyncio.to_thread(
            speaks_cleartext, handshake.host, handshake.port, self.engine.settings
        ):
            evidence = cleartext(handshake.host, handshake.port)
        self._add(client, server, self.engine.judge(evidence), evidence, guard)

    def unreachable(self, client: str, server: connection.Server, reason: str) -> None:
        """Record that nothing answers."""
        host = server.sni or (server.address[0] if server.address else "")
        verdict = unreachable(host, datetime.now(UTC), pages.connect_reason(reason))
        self._add(client, server, verdict, None)

    def _add(
        self,
        client: str,
        server: connection.Server,
        verdict: Verdict,
        evidence: Evidence | None,
        guard: GuardedConnection | None = None,
        *,
        generation: int | None = None,
    ) -> Record:
        port = evidence.port if evidence is not None else server.address[1] if server.address else 0
        record = self.ledger.add(
            client,
            server.id,
            verdict,
            evidence,
            port=port,
            generation=self.engine.keeper.generation if generation is None else generation,
            judged=time.monotonic(),
            guard=guard,
        )
        deciding = verdict.deciding
        logger.info(
            "%s:%d %s%s", verdict.host, port, verdict.header, f" ({deciding.detail})" if deciding else ""
        )
        return record

    def forget_client(self, client: str) -> None:
        """Drop what belongs to a client that has gone."""
        self.ledger.forget_client(client)
        self._permits = {key: verdict for key, verdict in self._permits.items() if key[0] != client}

    # -- cleartext -----------------------------------------------------------------------------------

    def take_cleartext_permit(self, client: str, server: connection.Server) -> bool:
        """Use up the permit that a request of this client was given for a server without TLS."""
        if server.address is None:
            return False
        verdict = self._permits.pop((client, server.address[0], server.address[1]), None)
        if verdict is None or not verdict.trusted:
            return False
        self._add(client, server, verdict, cleartext(verdict.host, server.address[1]))
        return True

    def permit_cleartext(self, flow: http.HTTPFlow) -> bool:
        """Permit the connection of a request without TLS, if the policy allows it for each of its names."""
        rule, verdict = self._cleartext_rule(flow)
        if rule is not Cleartext.ALLOW or not verdict.trusted:
            return False
        self._permits[flow.client_conn.id, flow.request.host, flow.request.port] = verdict
        return True

    def _cleartext_rule(self, flow: http.HTTPFlow) -> tuple[Cleartext, Verdict]:
        """Return rule and verdict for a request without TLS: the stricter of its two names'."""
        found: list[tuple[Cleartext, Verdict]] = []
        for name in dict.fromkeys((_authority(flow), flow.request.host)):
            verdict = self.engine.judge(cleartext(name, flow.request.port))
            found.append((self.engine.rules(name).cleartext, verdict))
        return next((one for one in found if one[0] is not Cleartext.ALLOW or not one[1].trusted), found[0])

    async def _decide_cleartext(self, flow: http.HTTPFlow) -> http.Response | None:
        """Permit a request without TLS, or refuse it; where nothing answers, that is the reason."""
        if self.permit_cleartext(flow):
            return None
        try:
            await asyncio.to_thread(reach, flow.request.host, flow.request.port, self.engine.settings)
        except Unreachable as error:
            return self._refuse_cleartext(flow, str(error).rstrip("."))
        return self._refuse_cleartext(flow)

    def _refuse_cleartext(self, flow: http.HTTPFlow, unreached: str = "") -> http.Response:
        """Refuse or redirect a request without TLS."""
        rule, verdict = self._cleartext_rule(flow)
        if rule is Cleartext.UPGRADE:
            return pages.upgrade(flow, _authority(flow), verdict)
        evidence: Evidence | None = cleartext(verdict.host, flow.request.port)
        if unreached:
            evidence, verdict = None, unreachable(verdict.host, datetime.now(UTC), unreached)
        record = self._add(flow.client_conn.id, flow.server_conn, verdict, evidence)
        self._opened(flow, record)
        return pages.block(flow, verdict, record.number)

    # -- requests ------------------------------------------------------------------------------------

    async def decide(self, flow: http.HTTPFlow) -> http.Response | None:
        """Return the answer to a request that must not go upstream, or None to let the stream go on.

        None is no permission: the stream and the guard still ask for the verdict of the connection used.
        """
        if pages.is_status_host(flow.request.host):
            return site.respond(flow, self)
        if flow.request.scheme != "https":
            return await self._decide_cleartext(flow)
        record = self.ledger.of(flow.server_conn.id)
        if record is None:
            return pages.failed_page(flow) if flow.server_conn.connected else None
        record.requests += 1
        self._opened(flow, record)
        verdict = self.verdict_for(flow)
        if verdict is not None and verdict.trusted:
            return None
        if time.monotonic() - record.judged > RETRY_SECONDS and not flow.server_conn.connected:
            flow.server_conn.error = None  # mitmproxy would answer with the old error for ever
            return None
        return pages.block(flow, verdict or record.verdict, record.number)

    def _opened(self, flow: http.HTTPFlow, record: Record) -> None:
        """Remember that a page was opened here: such verdicts come first on the status page."""
        if not record.opened and pages.opens_a_page(flow):
            record.opened = True
            self.ledger.version += 1

    def admits(self, flow: http.HTTPFlow | tcp.TCPFlow | udp.UDPFlow) -> bool:
        """Tell whether bytes may pass: a trusted verdict for this connection and name, in force now."""
        record = self.ledger.of(flow.server_conn.id)
        if record is None or (record.guard is not None and not record.guard.is_open):
            return False
        verdict = self.verdict_for(flow) if isinstance(flow, http.HTTPFlow) else self._in_force(record)
        return verdict is not None and verdict.trusted

    def verdict_for(self, flow: http.HTTPFlow) -> Verdict | None:
        """Return the verdict on a flow's server connection for the name that the request itself carries.

        A browser may send requests for another name over a connection whose certificate covers both.
        """
        record = self.ledger.of(flow.server_conn.id)
        if record is None:
            return None
        verdict, name = self._in_force(record), _authority(flow)
        if name == record.host or record.evidence is None or not verdict.trusted:
            return verdict
        if name not in record.others:
            record.others[name] = self.engine.judge(replace(record.evidence, host=name))
        return record.others[name]

    def _in_force(self, record: Record) -> Verdict:
        """Return a record's verdict, judged again when trust or policy have changed since."""
        self.engine.keeper.current()
        generation = self.engine.keeper.generation
        if record.generation != generation and record.evidence is not None:
            record.replace(self.engine.judge(record.evidence), generation)
            self.ledger.version += 1
        return record.verdict

    # -- answers -------------------------------------------------------------------------------------

    def header(self, flow: http.HTTPFlow) -> str:
        """Return the value of Mingjing-Verdict for a flow's answer."""
        own = pages.own_header(flow)
        if own is not None:
            return own
        verdict = self.verdict_for(flow)
        return verdict.header if verdict is not None else pages.CHECK_FAILED

    def error_page(self, flow: http.HTTPFlow, status: int) -> http.Response:
        """Return our page in the place of an error page of mitmproxy's."""
        if status < 500:  # noqa: PLR2004  the request itself was wrong
            return pages.bad_request(flow, status)
        if flow.request.scheme == "http" and not self.permit_cleartext(flow):
            return self._refuse_cleartext(flow)
        record = self._last_refusal(flow)
        if record is not None:
            return pages.block(flow, record.others.get(_authority(flow), record.verdict), record.number)
        reason = flow.error.msg if flow.error else "the server broke off"
        verdict = unreachable(_authority(flow), datetime.now(UTC), pages.connect_reason(reason))
        return pages.block(flow, verdict, None)

    def _last_refusal(self, flow: http.HTTPFlow) -> Record | None:
        """Return the newest refusal of this client for the site of a flow."""
        verdict = self.verdict_for(flow)
        record = self.ledger.of(flow.server_conn.id)
        if record is not None and verdict is not None and not verdict.trusted:
            return record
        now = time.monotonic()
        for found in self.ledger.of_client(flow.client_conn.id):
            same = found.host == _authority(flow) and found.port == flow.request.port
            if same and now - found.judged < RECENT_SECONDS:
                return None if found.verdict.trusted else found
        return None

    def inclusion(self, verdict: Verdict) -> Mapping[bytes, tuple[Inclusion, str]]:
        """Return what is known about the promises that a verdict rests on."""
        return self.store.states(sct.key for sct in verdict.relied_scts)


def _authority(flow: http.HTTPFlow) -> str:
    """Return the name that a request is for: its Host header or :authority, else where it connects to."""
    return flow.request.pretty_host.lower().rstrip(".")
