"""What one address may ask, what a busy log answers, and what a stranger may not learn."""

import threading
from base64 import b64decode

import pytest

from tests.tlog.chains import QUICK
from tests.web.logs.conftest import served
from tlog.errors import Overloaded, StorageError
from web.logs.http import HttpError, Request
from web.logs.limits import Rate, RateLimit, client_address


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def from_address(address: str, forwarded: str = "") -> Request:
    return Request("GET", "/", headers={"x-forwarded-for": forwarded}, address=address)


def test_an_address_has_its_burst_and_then_its_rate() -> None:
    clock = Time()
    limit = RateLimit(Rate(per_second=2, burst=5), clock)
    for _ in range(5):
        limit.check(from_address("192.0.2.1"))
    with pytest.raises(HttpError) as refused:
        limit.check(from_address("192.0.2.1"))
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "1")
    limit.check(from_address("192.0.2.2"))
    clock.now += 1
    for _ in range(2):
        limit.check(from_address("192.0.2.1"))
    with pytest.raises(HttpError):
        limit.check(from_address("192.0.2.1"))


def test_the_addresses_remembered_are_bounded(monkeypatch) -> None:
    monkeypatch.setattr("web.logs.limits._ADDRESSES", 10)
    limit = RateLimit(Rate(1, 1), Time())
    for number in range(100):
        limit.check(from_address(f"192.0.2.{number}"))
    assert len(limit._buckets) == 10


@pytest.mark.parametrize(
    ("remote", "forwarded", "address"),
    [
        ("127.0.0.1", "", None),
        ("::1", "", None),
        ("", "", None),  # a Unix socket
        ("192.0.2.1", "", "192.0.2.1"),
        ("::ffff:192.0.2.1", "", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "", "2001:db8:1:2::/64"),
        ("127.0.0.1", "192.0.2.9", "192.0.2.9"),
        ("127.0.0.1", "203.0.113.5, 192.0.2.9", "192.0.2.9"),  # only the last hop is the site's own word
        ("192.0.2.1", "127.0.0.1", "192.0.2.1"),  # a stranger's word for who it is
        ("127.0.0.1", "nonsense", None),
    ],
)
def test_who_asks(remote, forwarded, address) -> None:
    assert client_address(from_address(remote, forwarded)) == address


def test_limits_hold_over_http_for_submissions_and_questions(logs, ca) -> None:
    log = logs.create("p256", [ca.anchor])
    slow = Rate(per_second=0.001, burst=1)
    headers = {"X-Forwarded-For": "192.0.2.1"}
    with served({"p256": log}, submissions=slow, questions=slow) as service:
        for path in ("/log/p256/ct/v1/get-sth", "/log/p256/checkpoint", "/log/p256/ct/v1/get-sth"):
            status = service.get(path, headers=headers).status
        assert status == 429
        assert service.post("p256", "add-chain", b"{}", headers=headers).status == 400
        refused = service.post("p256", "add-chain", b"{}", headers=headers)
        assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
        assert service.get("/log/p256/checkpoint").status == 200
        assert service.get("/healthz", headers=headers).status == 200


def test_a_full_pool_is_503_with_the_time_to_wait(logs, ca, monkeypatch) -> None:
    log = logs.create("p256", [ca.anchor])

    def full(*_arguments, **_options) -> None:
        raise Overloaded("the log has more submissions than it can merge now; send it again")

    with served({"p256": log}) as service:
        monkeypatch.setattr(log._sequencer, "submit", full)
        answer = service.submit("p256", ca.chain())
        assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
        assert "more submissions than it can merge" in answer.json()["error_message"]


def test_a_failing_disk_is_503_without_its_paths_and_reading_goes_on(logs, ca, monkeypatch) -> None:
    log = logs.create("p256", [ca.anchor])

    def read_only(objects) -> None:
        raise StorageError("could not write to /srv/secret: Read-only file system")

    with served({"p256": log}) as service:
        service.submit("p256", ca.chain("before.example.test"))
        monkeypatch.setattr(log._sequencer.storage, "create", read_only)
        answer = service.submit("p256", ca.chain())
        assert answer.status == 503
        assert b"secret" not in answer.data
        assert service.get("/readyz").status == 503
        assert service.get("/healthz").status == 200
        assert service.ask("p256", "get-sth")["tree_size"] == 1
        monkeypatch.undo()
        assert service.submit("p256", ca.chain()).status == 200


def test_an_unexpected_error_says_nothing_of_the_inside(logs, ca, monkeypatch) -> None:
    log = logs.create("p256", [ca.anchor])

    def broken() -> None:
        raise ZeroDivisionError("the secret inside")

    monkeypatch.setattr(log, "get_sth", broken)
    with served({"p256": log}) as service:
        answer = service.get("/log/p256/ct/v1/get-sth")
    assert (answer.status, answer.json()) == (500, {"error_message": "an internal error"})


def test_many_clients_at_once_get_promises_of_their_own(logs, ca) -> None:
    log = logs.create("p256", [ca.anchor])
    indexes: list[int] = []
    with served({"p256": log}) as service:

        def submit(number: int) -> None:
            for at in range(4):
                answer = service.submit("p256", ca.chain(f"{number}-{at}.example.test"))
                assert answer.status == 200
                indexes.append(int.from_bytes(b64decode(answer.json()["extensions"])[3:]))

        clients = [threading.Thread(target=submit, args=(number,)) for number in range(24)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
    assert sorted(indexes) == list(range(96))
    assert QUICK.pool_size > 96
