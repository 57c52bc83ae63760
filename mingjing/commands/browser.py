"""Open Chromium or Chrome behind the proxy, with nothing installed in the system."""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mingjing import data
from mingjing.config import Config
from mingjing.errors import MingjingError

EXAMPLES = """\
examples:
  mingjing browser                               the demo's good site, its verdict beside it
  mingjing browser https://rogue.mingjing.test/  a refusal and its reason
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", nargs="?", metavar="URL", help="what to open (default: a site to try)")


def run(arguments: argparse.Namespace) -> int:
    from mingjing import chromium
    from mingjing.serving import answers

    directory = data.directory(arguments)
    settings = data.load(directory)
    listen = settings.listen
    if not answers(listen.host, listen.proxy):
        raise MingjingError(
            f"no proxy answers on {listen.host}:{listen.proxy}: start it with `mingjing up`, then try again."
        )
    program, url = chromium.find(), chromium.address(arguments.url or _first_site(settings))
    chromium.check_can_open()
    with tempfile.TemporaryDirectory(prefix="mingjing-browser-", ignore_cleanup_errors=True) as folder:
        profile = Path(folder)
        chromium.make_profile(profile, _local_ca(directory))
        print(f"Opening {url} with {program}; close its windows to end.", file=sys.stderr)
        return _open(chromium.command(program, profile, listen), url, profile)


def _open(command: list[str], url: str, profile: Path) -> int:
    """Open the site, then the status page beside it in the same browser; return when it is closed."""
    from mingjing.chromium import STATUS_PAGE

    with subprocess.Popen([*command, url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as browser:
        try:
            while browser.poll() is None and not (profile / "SingletonLock").is_symlink():
                time.sleep(0.05)
            beside = [*command, f"--app={STATUS_PAGE}"]
            subprocess.run(beside, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
            return 0 if browser.wait() == 0 else 1
        except KeyboardInterrupt:
            browser.terminate()
            return 0


def _local_ca(directory: Path) -> bytes:
    import ssl

    return ssl.PEM_cert_to_DER_cert((directory / "proxy" / "ca.pem").read_text("ascii"))


def _first_site(settings: Config) -> str:
    return "https://good.mingjing.test/" if settings.demo else settings.public_url + "/"
