"""One notice a period: nothing is lost by it, nothing that must not wait is held up by it."""

from datetime import UTC, datetime, timedelta

from monitor.watching import digest
from monitor.watching.channel import NotDelivered
from monitor.watching.courier import Desk
from monitor.watching.digest import DigestCourier, begin_of
from monitor.watching.runner import courier_of
from monitor.watching.values import Notice
from monitor.watching.watchlist import Hook
from tests.monitor.watching.conftest import states

DAY = timedelta(days=1)


class Kept:
    """A sender that keeps what it is given, unless it is away."""

    def __init__(self):
        self.sent, self.tried, self.away = [], [], False

    def send(self, notice):
        self.tried.append(notice)
        if self.away:
            raise NotDelivered("no")
        self.sent.append(notice)

    def cancel(self):
        pass


def courier(watching, sender, give_up=timedelta(days=7)):
    desk = Desk(watching._deliveries, watching.notice, Notice.to_json, give_up, lambda: None)
    return DigestCourier("hook", sender, desk, DAY)


def turn(made, now):
    while made.turn(now):
        pass


def tomorrow():
    return begin_of(datetime.now(UTC), DAY) + DAY + timedelta(minutes=1)


def test_the_periods_are_those_of_the_clock():
    noon = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
    assert begin_of(noon, DAY) == datetime(2026, 11, 24, tzinfo=UTC)
    assert begin_of(noon, timedelta(hours=1)) == datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_together_when_the_period_is_over(queued):
    sender = Kept()
    turn(courier(queued, sender), begin_of(datetime.now(UTC), DAY) + timedelta(hours=23))
    assert (sender.tried, states(queued)) == ([], ["pending"] * 3)
    turn(courier(queued, sender), tomorrow())
    (told,) = sender.sent
    assert states(queued) == ["delivered"] * 3
    assert told["subject"] == "digest"
    assert told["matched"] == ["a.example.com", "b.example.com", "c.example.com"]
    assert "3 alerts" in told["summary"]
    assert told["notices"] == [notice.to_json() for notice in reversed(queued.notices())]
    turn(courier(queued, sender), tomorrow() + DAY)
    assert len(sender.sent) == 1


def test_the_same_again_until_it_was_taken(queued):
    sender = Kept()
    sender.away = True
    turn(courier(queued, sender), tomorrow())
    assert states(queued) == ["pending"] * 3
    (channel,) = queued.state().channels
    assert (channel.last_error, channel.pending) == ("no", 3)
    assert channel.retry_at > channel.last_attempt
    sender.away = False
    turn(courier(queued, sender), tomorrow() + timedelta(hours=1))
    assert sender.sent == [sender.tried[0]]
    assert states(queued) == ["delivered"] * 3


def test_what_was_authorised_meanwhile_is_not_in_it(queued):
    first = queued.notices()[-1]
    queued.authorise(first.certificate.tbs_hash, datetime.now(UTC))
    sender = Kept()
    turn(courier(queued, sender), tomorrow())
    assert [each["matched"] for each in sender.sent[0]["notices"]] == [["b.example.com"], ["c.example.com"]]


def test_given_up_visibly(queued):
    sender = Kept()
    sender.away = True
    turn(courier(queued, sender, timedelta(0)), tomorrow())
    assert states(queued) == ["dead"] * 3


def test_a_test_comes_at_once(queued):
    sender = Kept()
    test = queued.test(datetime.now(UTC))
    turn(courier(queued, sender), begin_of(datetime.now(UTC), DAY) + timedelta(minutes=1))
    assert [notice["id"] for notice in sender.sent] == [test.uid]
    assert states(queued) == ["pending"] * 3 + ["delivered"]


def test_more_than_one_digest_holds(queued, monkeypatch):
    monkeypatch.setattr(digest, "MOST", 2)
    monkeypatch.setattr(digest, "MOST_NAMES", 1)
    sender = Kept()
    turn(courier(queued, sender), tomorrow())
    assert [len(told["notices"]) for told in sender.sent] == [2, 1]
    assert sender.sent[0]["summary"].endswith("a.example.com and more.")
    assert sender.sent[0]["id"] != sender.sent[1]["id"]


def test_a_channel_has_it_by_its_settings(queued, tmp_path):
    desk = courier(queued, Kept())._desk
    plain, gathering = (Hook("hook", tmp_path, 1.0, period) for period in (None, DAY))
    assert isinstance(courier_of(gathering, Kept(), desk), DigestCourier)
    assert not isinstance(courier_of(plain, Kept(), desk), DigestCourier)
