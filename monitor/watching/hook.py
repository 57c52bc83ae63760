"""A program of the operator's, run once for each notice: JSON on stdin, the main facts as variables.

The notice is made of hostile bytes: a variable holds printable text only, and nothing of it becomes an
argument or a part of the command. The program sees nothing of this process's own environment but PATH,
HOME, the language and the time zone.
"""

import contextlib
import json
import os
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import IO, Any, Final

from monitor.watching.channel import NotDelivered
from monitor.watching.names import shown
from monitor.watching.watchlist import Hook

KEPT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")
LONGEST_VALUE: Final = 4096
LAST_WORDS: Final = 300
POLL_SECONDS: Final = 0.05


class HookRunner:
    """Runs one program; ``cancel`` ends the one that runs."""

    def __init__(self, settings: Hook) -> None:
        self._settings = settings
        self._stop = Event()

    def send(self, notice: Mapping[str, Any]) -> None:
        """Run the program; exit code 0 means that somebody was told. Raises NotDelivered otherwise."""
        program = self._settings.program.absolute()
        check_program(program)
        with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as given:
            given.write(json.dumps(notice, ensure_ascii=False).encode())
            given.seek(0)
            code = self._run(program, notice, given, said)
            if code != 0:
                raise NotDelivered(f"{program.name} ended with exit code {code}{_last_words(said)}")

    def cancel(self) -> None:
        """End the program that runs, and start no other."""
        self._stop.set()

    def _run(self, program: Path, notice: Mapping[str, Any], given: IO[bytes], said: IO[bytes]) -> int:
        try:
            process = subprocess.Popen(
                [program],
                stdin=given,
                stdout=subprocess.DEVNULL,
                stderr=said,
                env=environment(notice),
                cwd=program.parent,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise NotDelivered(f"could not run {program}: {error}") from error
        try:
            return self._wait(process)
        except BaseException:
            _end(process)
            raise

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        deadline = time.monotonic() + self._settings.timeout
        while not self._stop.is_set():
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(POLL_SECONDS)
            if time.monotonic() > deadline:
                raise NotDelivered(
                    f"{self._settings.program.name} did not end within {self._settings.timeout:g} s"
                )
        raise NotDelivered("stopping")


def environment(notice: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that the program sees."""
    certificate = notice.get("certificate") or {}
    watch = notice.get("watch") or {}
    facts = {
        "ID": notice["id"],
        "NOTICE": notice["notice"],
        "SUBJECT": notice["subject"],
        "SUMMARY": notice["summary"],
        "WATCH": watch.get("value"),
        "WATCH_KIND": watch.get("kind"),
        "MATCHED": " ".join(notice.get("matched") or ()),
        "ISSUER": certificate.get("issuer"),
        "SERIAL": certificate.get("serial"),
        "CERTIFICATE_SHA256": certificate.get("sha256"),
        "TBS_SHA256": certificate.get("tbs_sha256"),
        "NOT_BEFORE": certificate.get("not_before"),
        "NOT_AFTER": certificate.get("not_after"),
        "LOG": notice.get("log"),
        "CODE": notice.get("code"),
        "URL": notice.get("url"),
        "EVIDENCE": notice.get("evidence"),
    }
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    told = {f"MINGJING_{name}": shown(str(value))[:LONGEST_VALUE] for name, value in facts.items() if value}
    return kept | told


def check_program(program: Path) -> None:
    """Refuse a program that others could have replaced. Raises NotDelivered."""
    try:
        mode = program.stat().st_mode
    except OSError as error:
        raise NotDelivered(f"could not find the program {program}: {error.strerror}") from None
    if not stat.S_ISREG(mode) or not os.access(program, os.X_OK):
        raise NotDelivered(f"{program} is not an executable file")
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise NotDelivered(f"{program} can be changed by others: take their right to write away (chmod go-w)")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what is left of the program and of all that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_words(said: IO[bytes]) -> str:
    end = said.seek(0, os.SEEK_END)
    said.seek(max(0, end - LAST_WORDS))
    text = said.read(LAST_WORDS).decode("utf-8", "replace").strip()
    return f": {shown(text)}" if text else ""
