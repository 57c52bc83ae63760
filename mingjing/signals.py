"""SIGTERM ends a process as Ctrl-C does, once: a second signal must not cut its clean-up short."""

import signal
from types import FrameType


def end_on_sigterm() -> None:
    """Let the first SIGTERM or Ctrl-C raise KeyboardInterrupt in the main thread."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)


def _end(_signal: int, _frame: FrameType | None) -> None:
    ignore_signals()
    raise KeyboardInterrupt


def ignore_signals() -> None:
    """Let nothing but SIGKILL interrupt what follows, which must end by itself."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
