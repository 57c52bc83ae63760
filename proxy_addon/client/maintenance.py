"""What the proxy does on its own: the trust bundle renewed, broken promises of logs found."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

from proxy_addon.client.desk import Desk
from proxy_addon.connect.inclusion import Proof, State
from proxy_addon.connect.reports import send, with_head
from proxy_addon.store import Inclusion, Relied

logger = logging.getLogger("mingjing")

BUNDLE_SECONDS: Final = 300.0
BUNDLE_SECONDS_DEMO: Final = 5.0
INCLUSION_SECONDS: Final = 30.0
INCLUSION_SECONDS_DEMO: Final = 1.0
BATCH: Final = 50  # SCTs asked about in one round


class Maintenance:
    """Background work of one proxy, in mitmproxy's event loop; what blocks runs in threads."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin; the first round of each runs at once."""
        demo = self._desk.engine.settings.demo
        rounds: tuple[tuple[float, Callable[[], Awaitable[None]]], ...] = (
            (BUNDLE_SECONDS_DEMO if demo else BUNDLE_SECONDS, self.refresh_trust),
            (INCLUSION_SECONDS_DEMO if demo else INCLUSION_SECONDS, self.check_inclusion),
        )
        self._tasks = [asyncio.create_task(_every(seconds, work)) for seconds, work in rounds]

    def stop(self) -> None:
        """End; a round that runs is cancelled and repeated by the next start."""
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()

    async def refresh_trust(self) -> None:
        """Fetch the trust bundle again."""
        keeper = self._desk.engine.keeper
        before = keeper.bundle_error
        await asyncio.to_thread(keeper.refresh)
        if keeper.bundle_error and keeper.bundle_error != before:
            logger.warning("the trust bundle could not be renewed: %s", keeper.bundle_error)

    async def check_inclusion(self) -> None:
        """Ask for every SCT that is due whether its log has kept the promise."""
        changed = False
        for relied in self._desk.store.due(datetime.now(UTC))[:BATCH]:
            changed |= await self._check(relied)
        if changed:
            self._desk.take_over_inclusion()
        await self._report()

    async def _check(self, relied: Relied) -> bool:
        proof = await asyncio.to_thread(self._desk.engine.prove, relied.sct)
        state = _STATES[proof.state]
        self._desk.store.settle(
            relied.sct.key, state, now=datetime.now(UTC), tree_size=proof.tree_size, detail=proof.detail
        )
        if state is Inclusion.NOT_INCLUDED:
            logger.warning("%s: %s broke its promise. %s", relied.host, relied.sct.log_name, proof.detail)
        self._settle_report(relied.sct.key, state, proof)
        return (state, proof.detail) != (relied.state, relied.detail)

    def _settle_report(self, key: bytes, state: Inclusion, proof: Proof) -> None:
        """Forget the report of a promise that was kept; a broken one gets the head that was shown."""
        report = self._desk.store.report(key)
        if report is None:
            return
        if state is Inclusion.INCLUDED:
            self._desk.store.drop_report(key)
        elif state is Inclusion.NOT_INCLUDED:
            self._desk.store.keep_report(key, with_head(report, proof.head))

    async def _report(self) -> None:
        """Send what is to be reported, where the policy still allows it, until the service has taken it."""
        engine, store = self._desk.engine, self._desk.store
        for key, host, report in store.to_report()[:BATCH]:
            allowed = engine.rules(host).report
            if not allowed or await asyncio.to_thread(send, engine.http, engine.settings.public_url, report):
                store.drop_report(key)


_STATES = {
    State.INCLUDED: Inclusion.INCLUDED,
    State.NOT_INCLUDED: Inclusion.NOT_INCLUDED,
    State.UNKNOWN: Inclusion.PENDING,
}


async def _every(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            try:
                await work()
            except Exception:  # the next round may succeed, and without it nothing more would ever be checked
                logger.exception("background work broke off")
            await asyncio.sleep(seconds)
