"""A certificate log: what it promises it holds, in the same words each time it is asked."""

import os
import time
import warnings
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from tests.tlog.chains import NOW, PRECERTIFICATE_SIGNING, Ca, OpensslCa, certificate
from tlog.ct import (
    LogSettingsError,
    LogState,
    SubmissionRefused,
    change_state,
    create_log,
    load_settings,
    unsafe_promise_without_entry,
    verify_log,
)
from tlog.ct.roots import save_roots
from tlog.ct.settings import FormerOperator, save_settings
from tlog.errors import NotAdmitting, RefuseToStart
from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.certificates import Certificate
from verifier.errors import UnsupportedAlgorithm
from verifier.transparency.entries import PrecertEntry, X509Entry, parse_merkle_tree_leaf
from verifier.transparency.extra_data import parse_extra_data
from verifier.transparency.verify import verify_sct

ALGORITHMS = ["sm2", "p256"]


def entry_of(log, sct):
    """The entry at the SCT's own place, which must have the SCT's time and extensions."""
    (raw,) = log.get_entries(sct.leaf_index, sct.leaf_index)
    leaf = parse_merkle_tree_leaf(raw.leaf_input)
    assert (leaf.timestamp, leaf.extensions) == (sct.timestamp, sct.extensions)
    return leaf.entry, parse_extra_data(leaf.entry, raw.extra_data)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_promise_verifies_and_its_entry_is_at_its_place(logs, ca, name) -> None:
    log = logs.create(name, [ca.anchor])
    for number in range(3):
        chain = ca.chain(f"{number}.example.test")
        sct = log.add_chain(chain)
        assert sct.leaf_index == 2 * number
        verify_sct(sct, X509Entry(chain[0]), log.key)
        assert entry_of(log, sct)[0] == X509Entry(chain[0])
        assert entry_of(log, sct)[1].chain == (ca.der, ca.anchor)
        precertificates = ca.chain(f"{number}.example.test", precertificate=True)
        sct = log.add_pre_chain(precertificates)
        parsed = Certificate.parse(precertificates[0])
        entry = PrecertEntry(Certificate.parse(ca.der).public_key.key_id, parsed.precertificate_tbs)
        verify_sct(sct, entry, log.key)
        assert entry_of(log, sct)[0] == entry
        assert entry_of(log, sct)[1].pre_certificate == precertificates[0]
    assert verify_log(log.directory).whole


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("curve", ["SM2", "prime256v1"])
@pytest.mark.needs("openssl")
def test_a_ca_of_other_software_is_taken_when_its_root_is(logs, tmp_path, name, curve) -> None:
    other = OpensslCa.make(tmp_path / "openssl", curve)
    log = logs.create(name, [other.root])
    leaf = other.issue("openssl.example.test")
    verify_sct(log.add_chain([leaf]), X509Entry(leaf), log.key)
    assert log.add_chain([leaf, other.root]).leaf_index == 0, "with or without the root it is the same entry"
    precertificate = Certificate.parse(other.issue("pre.example.test", precertificate=True))
    key_hash = Certificate.parse(other.root).public_key.key_id
    sct = log.add_pre_chain([precertificate.der, other.root])
    verify_sct(sct, PrecertEntry(key_hash, precertificate.precertificate_tbs), log.key)
    with pytest.raises(SubmissionRefused, match="not a root that this log accepts"):
        logs.create(name + "-closed", [Ca.root().der]).add_chain([leaf])


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_resubmission_gets_the_identical_promise(logs, ca, name) -> None:
    log = logs.create(name, [ca.anchor])
    chain = ca.chain()
    precertificates = ca.chain(precertificate=True)
    first, second = log.add_chain(chain), log.add_pre_chain(precertificates)
    assert log.add_chain([*chain, ca.anchor]) == first
    assert log.add_pre_chain(precertificates) == second
    log.close()
    again = logs.open(name)
    assert again.add_chain(chain) == first
    assert again.add_pre_chain(precertificates) == second
    assert again.get_sth().tree_size == 2


@pytest.mark.parametrize("damage", ["lost", "garbage", "behind", "ahead"])
def test_a_lost_index_is_made_again_from_the_tree(logs, ca, damage) -> None:
    log = logs.create("sm2", [ca.anchor])
    chains = [ca.chain(f"{number}.example.test") for number in range(5)]
    scts = [log.add_chain(chain) for chain in chains]
    log.close()
    path = log.directory / "index.db"
    if damage == "lost":
        path.unlink()
    elif damage == "garbage":
        path.write_bytes(os.urandom(9000))
    else:
        import sqlite3

        with sqlite3.connect(path) as database:
            if damage == "behind":
                database.execute("DELETE FROM leaf WHERE leaf_index > 2")
                database.execute("DELETE FROM entry WHERE leaf_index > 2")
            else:  # the index of a longer tree that is gone
                database.execute("UPDATE entry SET leaf_index = leaf_index + 50")
            database.execute("UPDATE progress SET size = ?", (3 if damage == "behind" else 77,))
        database.close()
    again = logs.open("sm2")
    for chain, sct in zip(chains, scts, strict=True):
        repeated = again.add_chain(chain)
        assert (repeated.leaf_index, repeated.timestamp) == (sct.leaf_index, sct.timestamp)
        verify_sct(repeated, X509Entry(chain[0]), log.key)
        assert again.add_chain(chain) == repeated
    assert again.get_sth().tree_size == 5


def test_a_promise_is_signed_only_for_what_is_stored(logs, ca, monkeypatch) -> None:
    """When the signature is made, the entry and the head over it must already be on the disk."""
    import tlog.ct.promises as module

    log = logs.create("p256", [ca.anchor])
    sizes = []
    real = module.sign_sct

    def sign(*arguments):
        report = verify_log(log.directory)
        assert report.whole
        sizes.append(report.head.size)
        return real(*arguments)

    monkeypatch.setattr(module, "sign_sct", sign)
    assert log.add_chain(ca.chain()).leaf_index == 0
    assert sizes == [1]


def test_a_precertificate_of_a_signing_certificate_is_logged_as_its_final_issuer_s(logs) -> None:
    """RFC 6962 section 3.2: issuer and authority key of the final certificate, made here."""
    issuing = Ca.root().intermediate("Issuing CA")
    eku = (x509.ExtendedKeyUsage([PRECERTIFICATE_SIGNING]), True)
    signing = issuing.intermediate("Precertificate Signing", extra=[eku])
    log = logs.create("p256", [issuing.anchor])
    precertificate = signing.issue(extra=[(x509.PrecertPoison(), True)])
    sct = log.add_pre_chain([precertificate, signing.der, issuing.der])
    parsed = x509.load_der_x509_certificate(precertificate)
    builder = x509.CertificateBuilder().subject_name(parsed.subject).public_key(parsed.public_key())
    builder = builder.serial_number(parsed.serial_number).not_valid_before(parsed.not_valid_before_utc)
    builder = builder.not_valid_after(parsed.not_valid_after_utc)
    builder = builder.issuer_name(x509.load_der_x509_certificate(issuing.der).subject)
    authority_key = x509.load_der_x509_certificate(signing.der).extensions.get_extension_for_class(
        x509.AuthorityKeyIdentifier
    )
    for extension in parsed.extensions:
        if extension.oid == authority_key.oid:
            builder = builder.add_extension(authority_key.value, critical=False)
        elif not isinstance(extension.value, x509.PrecertPoison):
            builder = builder.add_extension(extension.value, critical=extension.critical)
    final = builder.sign(issuing.key, parsed.signature_hash_algorithm)
    key_hash = Certificate.parse(issuing.der).public_key.key_id
    verify_sct(sct, PrecertEntry(key_hash, final.tbs_certificate_bytes), log.key)
    assert entry_of(log, sct)[1].chain == (signing.der, issuing.der, issuing.anchor)


def test_a_shard_takes_what_ends_in_its_interval(logs, ca) -> None:
    start, end = NOW + timedelta(days=10), NOW + timedelta(days=20)
    log = logs.create("p256", [ca.anchor], not_after=(start, end))
    second = timedelta(seconds=1)
    for inside in (start, end - second):
        log.add_chain(ca.chain(not_after=inside))
    for outside in (start - second, end):
        with pytest.raises(SubmissionRefused, match=r"outside this log's interval: .* from .* until before "):
            log.add_chain(ca.chain(not_after=outside))
    log.close()
    assert logs.open("p256").settings.not_after_until == end


@pytest.mark.parametrize(
    ("not_after", "said"),
    [
        ((None, datetime(2020, 1, 1, tzinfo=UTC)), "certificates that end before 2020-01-01 00:00 UTC"),
        ((datetime(2040, 1, 1, tzinfo=UTC), None), "certificates that end from 2040-01-01 00:00 UTC on"),
        (
            (datetime(2040, 1, 1, tzinfo=UTC), datetime(2041, 1, 1, 0, 0, 1, tzinfo=UTC)),
            "certificates that end from 2040-01-01 00:00 UTC until before 2041-01-01 00:00:01 UTC",
        ),
    ],
)
def test_a_shard_says_what_it_takes(logs, ca, not_after, said) -> None:
    log = logs.create("p256", [ca.anchor], not_after=not_after)
    with pytest.raises(SubmissionRefused) as refused:
        log.add_chain(ca.chain())
    assert str(refused.value).endswith(f"outside this log's interval: {said}")


def test_a_broken_root_is_named_by_its_place(logs, ca) -> None:
    log = logs.create("p256", [ca.anchor])
    log.close()
    with (log.directory / "roots.pem").open("a") as file:
        file.write("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    with pytest.raises(LogSettingsError, match=r"roots\.pem: PEM: block 2: "):
        logs.open("p256")


def test_a_frozen_log_answers_but_takes_nothing_for_good(logs, ca) -> None:
    log = logs.create("p256", [ca.anchor])
    chain = ca.chain()
    log.add_chain(chain)
    final = log.freeze()
    for _ in range(2):
        with pytest.raises(NotAdmitting, match="the log is readonly"):
            log.add_chain(ca.chain())
        assert log.get_sth() == final
        assert len(log.get_entries(0, 5)) == 1
        log.close()
        log = logs.open("p256")
    with pytest.raises(LogSettingsError, match="for good"):
        change_state(log.directory, LogState.USABLE)
    assert change_state(log.directory, LogState.RETIRED).state is LogState.RETIRED
    with pytest.raises(LogSettingsError, match="for good"):
        change_state(log.directory, LogState.READ_ONLY)


def test_the_final_head_is_offered_to_witnesses_when_a_frozen_log_starts(logs, ca, monkeypatch) -> None:
    """It may have been signed where no witness was asked, and no flush comes after it."""
    offered = []
    monkeypatch.setattr("tlog.ct.log.Witnessing.offer", lambda _, head: offered.append(head.size))
    log = logs.create("p256", [ca.anchor])
    log.add_chain(ca.chain())
    log.freeze()
    log.close()
    offered.clear()
    logs.open("p256").close()
    assert offered == [1]


def test_a_running_log_takes_up_a_state_written_beside_it(logs, ca, monkeypatch) -> None:
    monkeypatch.setattr("tlog.ct.watch._LOOK_EVERY", 0)
    log = logs.create("p256", [ca.anchor], state=LogState.PENDING)
    log.add_chain(ca.chain())
    path = log.directory / "log.toml"
    good = path.read_text()
    path.write_text("not TOML at all")
    log.add_chain(ca.chain("still.example.test"))
    path.write_text(good)
    change_state(log.directory, LogState.READ_ONLY)
    with pytest.raises(NotAdmitting):
        log.add_chain(ca.chain("late.example.test"))
    path.write_text(good)  # somebody undoes it by hand
    with pytest.raises(NotAdmitting, match="the log is readonly"):
        log.add_chain(ca.chain("late.example.test"))


def usage(*oids):
    """The extension that names these extended key usages."""
    return (x509.ExtendedKeyUsage([x509.ObjectIdentifier(oid) for oid in oids]), False)


def test_a_log_with_a_list_of_usages_takes_no_others(logs, ca) -> None:
    web, mail, anything = "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.4", "2.5.29.37.0"
    log = logs.create("p256", [ca.anchor], eku=(web, "1.2.3.4"))
    for precertificate in (False, True):
        add = log.add_pre_chain if precertificate else log.add_chain
        for extra in ([usage(mail, web)], [usage("1.2.3.4")], [usage(anything)], []):
            add(ca.chain(extra=extra, precertificate=precertificate))
        with pytest.raises(SubmissionRefused, match=r"is for emailProtection; .* serverAuth, 1\.2\.3\.4"):
            add(ca.chain(extra=[usage(mail)], precertificate=precertificate))
    log.close()
    again = logs.open("p256")
    assert again.settings.eku == (web, "1.2.3.4")
    with pytest.raises(SubmissionRefused, match="expects the extended key usage"):
        again.add_chain(ca.chain(extra=[usage(mail)]))


def test_settings_keep_operators_and_take_usages_by_name(logs, ca) -> None:
    log = logs.create("p256", [ca.anchor], operator='Ministry "of" 数字')
    former = FormerOperator("Before Ltd", NOW)
    save_settings(log.directory, replace(log.settings, previous_operators=(former,)))
    found = load_settings(log.directory)
    assert (found.operator, found.previous_operators) == ('Ministry "of" 数字', (former,))
    path = log.directory / "log.toml"
    text = path.read_text()
    path.write_text(text + 'eku = ["ServerAuth", "1.3.6.1.5.5.7.3.4"]\n')
    assert load_settings(log.directory).eku == ("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.4")
    for wrong, said in (
        ('["webAuth"]', "expected serverAuth"),
        ("[1]", "expected a text"),
        ("1", "wrong value"),
    ):
        path.write_text(text + f"eku = {wrong}\n")
        with pytest.raises(LogSettingsError, match=said):
            load_settings(log.directory)


def test_accepted_roots_are_watched(logs, ca, monkeypatch) -> None:
    monkeypatch.setattr("tlog.ct.watch._LOOK_EVERY", 0)
    other = Ca.root("Other Root")
    log = logs.create("p256", [ca.anchor])
    with pytest.raises(SubmissionRefused):
        log.add_chain([other.issue()])
    save_roots(log.directory, [Certificate.parse(other.der)])
    log.add_chain([other.issue()])
    assert log.get_roots() == [other.der]
    with pytest.raises(SubmissionRefused):
        log.add_chain(ca.chain())
    (log.directory / "roots.pem").write_text("-----BEGIN CERTIFICATE-----\nbad\n-----END CERTIFICATE-----\n")
    log.add_chain([other.issue("second.example.test")])
    log.close()
    with pytest.raises(LogSettingsError, match=r"roots\.pem"):
        logs.open("p256")


def test_a_wrong_key_or_a_second_log_in_its_place_is_refused(logs, ca, tmp_path) -> None:
    log = logs.create("p256", [ca.anchor])
    log.close()
    logs.keys["p256"] = other = PrivateKey.generate(KeyAlgorithm.ECDSA)
    with pytest.raises(RefuseToStart, match="the key of the log"):
        logs.open("p256")
    root = Certificate.parse(ca.anchor)
    with pytest.raises(RefuseToStart, match="already holds a log"):
        create_log(log.directory, name="p256", origin="x", signer=other, roots=[root])
    (log.directory / "log.toml").unlink()
    (log.directory.parent / "p256.head").write_bytes(b"damaged")
    with pytest.raises(Exception, match="damaged"):
        create_log(log.directory, name="p256", origin="x", signer=other, roots=[root])
    with pytest.raises(UnsupportedAlgorithm):
        create_log(
            tmp_path / "ed",
            name="ed",
            origin="x",
            signer=PrivateKey.generate(KeyAlgorithm.ED25519),
            roots=[root],
        )
    assert not (tmp_path / "ed").exists()


def test_a_creation_cut_short_can_be_repeated_but_not_over_a_used_lock(logs, ca) -> None:
    log = logs.create("p256", [ca.anchor])
    log.close()
    settings, root = log.settings, Certificate.parse(ca.anchor)
    (log.directory / "log.toml").unlink()  # written last
    options = {"name": "p256", "origin": settings.origin, "signer": logs.keys["p256"], "roots": [root]}
    create_log(log.directory, **options)
    again = logs.open("p256")
    again.add_chain(ca.chain())
    again.close()
    (log.directory / "log.toml").unlink()
    with pytest.raises(RefuseToStart, match="a log that has entries"):
        create_log(log.directory, **options)


def test_settings_survive_being_written(logs, ca) -> None:
    log = logs.create(
        "p256", [ca.anchor], merge_delay=timedelta(seconds=30),
        description='with "quotes", ümlauts 镜 and \\',
        not_after=(datetime(2026, 1, 1, tzinfo=UTC), None),
    )  # fmt: skip
    assert load_settings(log.directory) == log.settings
    assert "ümlauts 镜" in log.settings.description
    for wrong in ("", "version = 2\n", "version = 1\n", "version = 1\nname = 5\n"):
        (log.directory / "log.toml").write_text(wrong)
        with pytest.raises(LogSettingsError, match=r"log\.toml"):
            load_settings(log.directory)


@pytest.mark.parametrize(
    "victim",
    [
        "checkpoint",
        "tile/0/000",
        "tile/0/001.p/4",
        "tile/1/000.p/1",
        "tile/data/000",
        "tile/data/001.p/4",
        "issuer",
    ],
)
@pytest.mark.parametrize("damage", ["flipped", "missing"])
def test_verify_names_each_damaged_object(tmp_path, large_log, victim, damage) -> None:
    import shutil

    shutil.copytree(large_log.parent, tmp_path / "copy")
    directory = tmp_path / "copy" / large_log.name
    path = directory / victim
    if victim == "issuer":
        path = min(path.iterdir())
    data = path.read_bytes()
    path.unlink()
    if damage == "flipped":
        path.write_bytes(data[:20] + bytes([data[20] ^ 1]) + data[21:])
    report = verify_log(directory)
    assert path.relative_to(directory).as_posix() in {found.key for found in report.damages}
    assert not report.whole


@pytest.fixture(scope="module")
def large_log(tmp_path_factory):
    """A closed log of 260 entries: a full tile of each kind, and partial ones."""
    import threading

    from tests.tlog.chains import OpenLogs
    from tlog.pool import Limits

    authority = Ca.root().intermediate()
    logs = OpenLogs(tmp_path_factory.mktemp("large") / "logs")
    log = logs.create("p256", [authority.anchor])
    log.close()
    log = logs.open("p256", Limits(period=0.3))
    chains = [authority.chain(f"{number}.example.test") for number in range(260)]
    threads = [
        threading.Thread(target=lambda part=part: [log.add_chain(chain) for chain in part])
        for part in (chains[start::65] for start in range(65))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    assert verify_log(log.directory).whole
    return log.directory


def test_an_unsafe_promise_says_so(ca) -> None:
    key = PrivateKey.generate(KeyAlgorithm.SM2)
    entry = X509Entry(ca.issue())
    with pytest.warns(RuntimeWarning, match="in no log"):
        sct = unsafe_promise_without_entry(entry, key, time=NOW, leaf_index=7)
    verify_sct(sct, entry, key.public_key)
    assert (sct.leaf_index, sct.time) == (7, NOW)


def test_an_old_precertificate_and_a_certificate_with_scts_are_shed_first(logs, ca) -> None:
    from tlog.ct.admission import Admission
    from tlog.ct.roots import AcceptedRoots

    log = logs.create("p256", [ca.anchor])
    admission = Admission(AcceptedRoots(log.directory), log.settings)
    scts = (
        x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2"), b"\x04\x02\0\0"),
        False,
    )
    old = NOW - timedelta(hours=49)
    cases = [
        (ca.chain(precertificate=True), True, False),
        (ca.chain(precertificate=True, not_before=old), True, True),
        (ca.chain(not_before=old), False, False),
        (ca.chain(extra=[scts]), False, True),
    ]
    for chain, precertificate, shed in cases:
        admitted = admission.admit(chain, precertificate=precertificate, now=datetime.now(UTC))
        assert admitted.can_be_shed is shed


def test_heads_stay_younger_than_the_merge_delay(logs, ca) -> None:
    """A head is due again at a third of the merge delay; how soon a machine gets to it is another thing."""
    log = logs.create("p256", [ca.anchor], merge_delay=timedelta(seconds=6))
    assert log._sequencer.limits.head_age == 2
    first, end = log.get_sth().time, time.monotonic() + 60
    while log.get_sth().time - first <= timedelta(seconds=1):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_nothing_warns_in_ordinary_work(logs, ca) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        logs.create("sm2", [ca.anchor]).add_chain(ca.chain())


def test_a_leaf_that_is_self_signed_under_a_known_name_is_not_taken(logs, ca) -> None:
    log = logs.create("p256", [ca.anchor])
    impostor = Ca.root("Test Root")
    with pytest.raises(SubmissionRefused, match="signature does not match the accepted root of that name"):
        log.add_chain([impostor.issue()])
    key = impostor.key
    forged = certificate("www.example.test", "Test CA", key, key.public_key())
    with pytest.raises(SubmissionRefused, match="is not signed by Test CA"):
        log.add_chain([forged, ca.der])
