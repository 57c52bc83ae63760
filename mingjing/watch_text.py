"""What `mingjing watch` prints for people, and the public keys for machines too."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mingjing import output

if TYPE_CHECKING:
    from monitor.watching.values import Channel, Notice, WatchingState
    from verifier.algorithms import PublicKey


def state_text(state: "WatchingState", now: datetime) -> str:
    from mingjing.health import ago

    since = f", without a gap since {state.working_since:%Y-%m-%d %H:%M} UTC" if state.working_since else ""
    seen = f"last looked {ago(now, state.checked_at)}{since}" if state.checked_at else "has never looked"
    waiting = f"{state.open} open: `mingjing watch list --open`" if state.open else "Nothing is open."
    parts = [f"{output.mark(state.working(now))} Watching {seen}. {waiting}"]
    if state.error:
        parts.append(f"{output.mark(False)} The list in force is an older one: {output.safe(state.error)}")
    parts += ["", _watches_text(state, now), "", _channels_text(state, now)]
    return "\n".join(parts)


def _watches_text(state: "WatchingState", now: datetime) -> str:
    from mingjing.health import ago

    rows = [
        (
            *(w.kind.value, output.safe(w.value), f"{w.since:%Y-%m-%d %H:%M}"),
            *(ago(now, w.last_seen) if w.last_seen else "never", str(w.unknown), str(w.ours)),
            *(str(w.authorised), "" if w.scanned >= 1 else f"{w.scanned:.0%} of the past searched"),
        )
        for w in state.watches
    ]
    heads = ("watched", "", "since (UTC)", "last seen", "open", "ours", "known")
    return output.table(rows, heads) if rows else "Nothing is watched: fill watchlist.toml."


def _channels_text(state: "WatchingState", now: datetime) -> str:
    from mingjing.health import ago

    rows = [
        (
            *(output.mark(None if c.last_attempt is None else not c.last_error), f"{c.kind} {c.name}"),
            *(f"{c.since:%Y-%m-%d %H:%M}", ago(now, c.last_success) if c.last_success else "never"),
            *(str(c.pending), str(c.dead), output.safe(c.last_error)),
        )
        for c in state.channels
    ]
    heads = ("", "channel", "since (UTC)", "last delivered", "queued", "given up", "last error")
    return output.table(rows, heads) if rows else "Nobody is told: add a [[hook]] or [[webhook]]."


def row(notice: "Notice") -> tuple[str, ...]:
    what = output.safe(", ".join(notice.matched)) if notice.matched else output.safe(notice.summary)
    about, issuer = notice.subject.value, ""
    if notice.certificate is not None:
        about = f"certificate, {notice.origin.value}"
        issuer = output.safe(f"{notice.certificate.issuer} ({notice.certificate.algorithm})")
    moment = f"{notice.created_at:%Y-%m-%d %H:%M:%S}"
    return (str(notice.id), _mark(notice), moment, about, what, issuer)


def _mark(notice: "Notice") -> str:
    return output.mark(not notice.open)


def delivery_rows(notice: "Notice", channels: "Sequence[Channel]" = ()) -> list[tuple[str, ...]]:
    """How far a notice got; what it waits for where one before it holds its channel up."""
    marks = {"delivered": True, "dead": False, "pending": None, "not-needed": True}
    waits = {channel.name: channel.last_error for channel in channels}
    rows = list[tuple[str, ...]]()
    for each in notice.deliveries:
        error = each.error or (waits.get(each.channel, "") if each.state == "pending" else "")
        rows.append((
            each.channel,
            output.mark(marks[each.state.value]),
            each.state.value,
            output.safe(error),
        ))
    return rows


def notice_text(notice: "Notice") -> str:
    rows = [("notice", str(notice.id)), ("what", output.safe(notice.summary)), ("id", notice.uid)]
    rows.append(("when", f"{notice.created_at:%Y-%m-%d %H:%M:%S} UTC"))
    if notice.certificate:
        found = notice.certificate
        rows += [
            ("matched", output.safe(", ".join(notice.matched))),
            ("issuer", output.safe(found.issuer)),
            ("serial", found.serial_hex),
            ("valid", f"{found.not_before:%Y-%m-%d %H:%M} to {found.not_after:%Y-%m-%d %H:%M} UTC"),
            ("SHA-256", found.sha256.hex()),
            ("TBS SHA-256", found.tbs_hash.hex()),
        ]
    if notice.acknowledged_at:
        rows.append(("acknowledged", f"{notice.acknowledged_at:%Y-%m-%d %H:%M} UTC"))
    rows += [("note", f"{note.at:%Y-%m-%d %H:%M} UTC: {output.safe(note.text)}") for note in notice.notes]
    deliveries = output.table(delivery_rows(notice), indent="  ")
    return output.table(rows) + (f"\nchannels\n{deliveries}" if deliveries else "")


def key_facts(key: "PublicKey") -> dict[str, Any]:
    """Return a key that signs webhooks, as a receiver needs it."""
    from monitor.watching.signing import VERSIONS, public_text
    from verifier.algorithms import KeyAlgorithm

    return {
        "version": VERSIONS[key.algorithm],
        "algorithm": str(key.algorithm),
        "text": public_text(key) if key.algorithm is KeyAlgorithm.ED25519 else None,
        "pem": key.to_pem().decode(),
    }


def keys_text(keys: "Sequence[PublicKey]") -> str:
    """Return the keys for people."""
    parts = ["A receiver checks any one of the signatures that stand in the header webhook-signature:"]
    for facts in map(key_facts, keys):
        text = f", {facts['text']}" if facts["text"] else ""
        parts += ["", f"{facts['version']}: {facts['algorithm']}{text}", facts["pem"].rstrip()]
    return "\n".join(parts)
