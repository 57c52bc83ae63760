"""``mingjing run proxy``: the verifying proxy as a process of its own, quiet but for one line a verdict."""

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from mitmproxy import exceptions, hooks, master, options
from mitmproxy.addons import default_addons, errorcheck, onboarding
from mitmproxy.addons.tlsconfig import TlsConfig

from proxy_addon.client.addon import OPTION, ClientAddon
from proxy_addon.client.compat import GuardedTlsConfig
from proxy_addon.errors import ProxyError, SettingsError


class ProxyMaster(master.Master):
    """mitmproxy's core and its protocol addons, without a user interface and without flows kept.

    Its TLS addon is the guarded one from the start, so that no certificate store is made on disk.
    """

    def __init__(self, opts: options.Options, data: Path) -> None:
        super().__init__(opts, event_loop=asyncio.get_running_loop(), with_termlog=False)
        defaults: Any = default_addons
        addons: Any = self.addons
        for addon in defaults():
            if isinstance(addon, onboarding.Onboarding):
                continue  # mitm.it offers mitmproxy's own CA, which is not in use here
            addons.add(GuardedTlsConfig() if isinstance(addon, TlsConfig) else addon)
        client = ClientAddon(data)
        addons.add(client, errorcheck.ErrorCheck())
        # mitmproxy configures addons when options change; this one needs it once, and its errors told.
        self.addons.invoke_addon_sync(client, hooks.ConfigureHook({OPTION}))


def run_proxy(data: Path, host: str, port: int) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises ProxyError when it cannot start: SettingsError for a file."""
    _check_port(host, port)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s", stream=sys.stderr)
    logging.getLogger("mingjing").setLevel(logging.INFO)
    for quiet in ("mitmproxy.proxy.server", "hpack", "asyncio"):
        logging.getLogger(quiet).setLevel(logging.ERROR)
    asyncio.run(_serve(data, host, port))


async def _serve(data: Path, host: str, port: int) -> None:
    opts = options.Options(listen_host=host, listen_port=port)
    try:
        proxy = ProxyMaster(opts, data)
    except exceptions.OptionsError as error:
        raise SettingsError(str(error)) from None
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, proxy.shutdown)
    with contextlib.suppress(asyncio.CancelledError):
        await proxy.run()


def _check_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ProxyError(f"could not listen on {host}:{port}: {error.strerror}.") from None
