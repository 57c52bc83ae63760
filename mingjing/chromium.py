"""Finding a Chromium or Chrome and pointing it at the proxy, with a profile that is thrown away.

Nothing is installed in the system and no warning bar appears: the proxy's local CA is written into the
new profile's own list of certificates "installed by you" (the SQLite file ServerCertificate, which
Chromium reads since version 132).
"""

import hashlib
import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from mingjing.config import Listen
from mingjing.errors import ConfigError, MingjingError

PROGRAMS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
)

STATUS_PAGE = "http://verifier.mingjing/"
_WIDTH, _HEIGHT = 720, 860  # of each window; Chromium fits them to a smaller screen
_SITE_WINDOW = {"left": 0, "top": 0, "right": _WIDTH, "bottom": _HEIGHT, "maximized": False}
_STATUS_WINDOW = {**_SITE_WINDOW, "left": _WIDTH, "right": 2 * _WIDTH}
_PREFERENCES = {
    "browser": {
        "has_seen_welcome_page": True,
        "window_placement": _SITE_WINDOW,
        "app_window_placement": {"verifier.mingjing_/": _STATUS_WINDOW},
    },
    "signin": {"allowed": False},
    "safebrowsing": {"enabled": False},
    "search": {"suggest_enabled": False},
}

# A CertificateMetadata message (protocol buffers): field 1, a CertificateTrust whose field 1 is 3, trusted.
_TRUSTED = bytes([0x0A, 0x02, 0x08, 0x03])


def find() -> str:
    """Return the path of a browser; raises MingjingError that says what to install."""
    for name in (os.environ.get("MINGJING_BROWSER", ""), *PROGRAMS):
        if name and (found := shutil.which(name)):
            return found
    raise MingjingError(
        "no Chromium or Chrome found: install one (on Debian: apt-get install chromium), or name it in "
        "$MINGJING_BROWSER. Without a browser, the site's /demo page shows the same verdicts."
    )


def check_can_open() -> None:
    """Raise MingjingError where no window can open, or where Chromium would refuse to start."""
    if os.environ.get("MINGJING_BROWSER_ARGUMENTS"):
        return
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise MingjingError(
            "no display here to open a window on: the site's /demo page shows the same verdicts, and "
            "`mingjing check` does so in the terminal."
        )
    if os.geteuid() == 0:
        raise MingjingError(
            "Chromium does not run as root: run `mingjing browser` as an ordinary user that can read the "
            "data directory, or open the site's /demo page."
        )


def address(text: str) -> str:
    """Return ``text`` as an http(s) URL; raises ConfigError for any other scheme."""
    url = text if "://" in text else f"https://{text}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, or an address in brackets that is none
        usable = False
    if not usable:
        raise ConfigError(f"URL must look like https://good.mingjing.test/, not {text!r}.")
    return url


def make_profile(profile: Path, ca_der: bytes) -> None:
    """Write a new profile that trusts the local CA, in this profile only, with two windows side by side."""
    folder = profile / "Default"
    folder.mkdir(mode=0o700)
    (folder / "Preferences").write_text(json.dumps(_PREFERENCES))
    with closing(sqlite3.connect(folder / "ServerCertificate")) as database, database:
        database.executescript(
            "CREATE TABLE meta(key LONGVARCHAR NOT NULL UNIQUE PRIMARY KEY, value LONGVARCHAR);"
            "INSERT INTO meta VALUES('version', '1'), ('last_compatible_version', '1');"
            "CREATE TABLE certificates(sha256hash_hex TEXT PRIMARY KEY, der_cert BLOB NOT NULL,"
            " trust_settings BLOB NOT NULL);"
        )
        fingerprint = hashlib.sha256(ca_der).hexdigest()
        database.execute("INSERT INTO certificates VALUES (?, ?, ?)", (fingerprint, ca_der, _TRUSTED))


def command(program: str, profile: Path, listen: Listen) -> list[str]:
    """Return the command line: everything, loopback addresses too, goes through the proxy."""
    return [
        program,
        f"--user-data-dir={profile}",
        f"--proxy-server=http://{listen.host}:{listen.proxy}",
        "--proxy-bypass-list=<-loopback>",
        "--no-first-run",
        "--no-default-browser-check",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-quic",
        "--disable-domain-reliability",
        "--disable-features=OptimizationHints,NetworkTimeServiceQuerying,Translate",
        "--no-pings",
        *os.environ.get("MINGJING_BROWSER_ARGUMENTS", "").split(),
    ]
