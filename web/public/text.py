"""Values as words in both languages: times, sizes, hashes, and names that may be hostile.

A certificate's names are whatever its requester wrote. HTML is escaped by the templates; what is left
are characters that a reader cannot see or that turn the line around them (controls, bidirectional
overrides, zero-width characters). :func:`visible` names those instead of printing them.
"""

import unicodedata
from datetime import UTC, datetime, timedelta

from web.public.language import Text, say
from web.public.language.catalogue import NOUNS

_UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_UNSEEN_EXTRA = frozenset("\u115f\u1160\u3164\uffa0\u2800")  # fillers that print as nothing
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_STEPS = ((_MINUTE, 1, "second"), (_HOUR, _MINUTE, "minute"), (2 * _DAY, _HOUR, "hour"))
_MONTH_DAYS, _YEAR_DAYS = 30.44, 365.25


def visible(text: str) -> str:
    """Return ``text`` with every character that cannot be seen written as ‹U+XXXX›; a Text stays one."""
    if isinstance(text, Text):
        return text.change(visible)
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"‹U+{ord(char):04X}›" if _is_unseen(char) else char for char in text)


def visible_lines(text: str) -> str:
    """Return the same for text of several lines."""
    return "\n".join(visible(line) for line in text.split("\n"))


def _is_unseen(char: str) -> bool:
    return unicodedata.category(char) in _UNSEEN_CATEGORIES or char in _UNSEEN_EXTRA


def shorten(text: str, keep: int = 60) -> str:
    """Cut ``text`` in the middle to at most ``keep`` characters."""
    if isinstance(text, Text):
        return text.change(lambda one: shorten(one, keep))
    if len(text) <= keep:
        return text
    head = (keep - 1) // 2
    return f"{text[:head]}…{text[len(text) - (keep - 1 - head) :]}"


def sentence(text: str) -> str:
    """Return an error's message as a sentence: a capital first, a stop last."""
    if isinstance(text, Text):
        return Text(sentence(str(text)), f"{text.chinese.strip().rstrip('。')}。")
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")


def unicode_name(name: str) -> str:
    """Return what an internationalised DNS name shows, or nothing where it has no A-label that decodes."""
    if "xn--" not in name.lower():
        return ""
    try:
        shown = ".".join(label.encode("ascii").decode("idna") for label in name.split("."))
    except UnicodeError:
        return ""
    return shown if shown != name else ""


def plural(count: int, noun: str, many: str = "") -> Text:
    """Return '1,204 entries' and '1,204 个条目'; the catalogue has the noun with its measure word."""
    english = f"{count:,} {noun if count == 1 else many or noun + 's'}"
    return Text(english, NOUNS.get(noun, f"{{count}} {noun}").format(count=f"{count:,}"))


def moment(time: datetime) -> Text:
    """Return '24 Nov 2026, 06:21:07 UTC' and '2026年11月24日 06:21:07 UTC'."""
    time = time.astimezone(UTC)
    date = day(time)
    return Text(f"{date}, {time:%H:%M:%S} UTC", f"{date.chinese} {time:%H:%M:%S} UTC")


def day(time: datetime) -> Text:
    """Return '24 Nov 2026' and '2026年11月24日'."""
    time = time.astimezone(UTC)
    return Text(f"{time.day} {time:%b %Y}", f"{time.year}年{time.month}月{time.day}日")


def percent(part: float) -> str:
    """Return '99.95 %', rounded down: what misses a line never looks as if it met it."""
    return f"{int(part * 10_000) / 100:g} %"


def iso(time: datetime) -> str:
    """Return RFC 3339 in UTC, with milliseconds only where there are any."""
    time = time.astimezone(UTC)
    precision = "milliseconds" if time.microsecond else "seconds"
    return time.isoformat(timespec=precision).replace("+00:00", "Z")


def ago(time: datetime, now: datetime) -> Text:
    """Return '3 minutes ago', 'in 2 days', 'just now'."""
    seconds = (now - time).total_seconds()
    if abs(seconds) < 1:
        return say("just now")
    words = span(timedelta(seconds=abs(seconds)))
    return say("{span} ago", span=words) if seconds > 0 else say("in {span}", span=words)


def span(length: timedelta) -> Text:
    """Return a length of time in its largest fitting unit: '8 seconds', '90 days', '2 years'."""
    seconds = length.total_seconds()
    for limit, unit, noun in _STEPS:
        if seconds < limit:
            return plural(max(int(seconds // unit), 0), noun)
    days = seconds / _DAY
    if days < 4 * _MONTH_DAYS:
        return plural(int(days), "day")
    if days < 2 * _YEAR_DAYS:
        return plural(int(days // _MONTH_DAYS), "month")
    return plural(int(days // _YEAR_DAYS), "year")
