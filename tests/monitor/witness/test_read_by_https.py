"""The auditor reads at a witness whose certificate is of a private CA: by the one named, by no other."""

from hashlib import sha256

import pytest

from monitor import Monitor
from monitor.auditor.witnesses import WitnessPolicy
from monitor.values import AuditCode
from tests.monitor.test_witnessed import ORIGIN, checkpoint
from tests.tlog.made_witnesses import serving
from tests.tlog.private_ca import PrivateCa
from verifier.transparency.cosignature import Witness


@pytest.fixture
def witness(log, ca, tmp_path):
    """A witness of one tree, at https; the log itself shows its head without the cosignature."""
    log.add_precertificate(ca.precertificate("www.example.test"), ca, timestamp=log.now() - 600_000)
    note = checkpoint(log, log.head())
    log.files["checkpoint"] = note.encode()
    with serving() as serve:
        made = serve("w.example", PrivateCa(tmp_path, "private").server("127.0.0.1"))
        line = made.line(note)
        made.newest[f"/prefix/{sha256(ORIGIN.encode()).hexdigest()}/checkpoint"] = (note + line).encode()
        yield made


@pytest.mark.parametrize(
    ("believed", "code"),
    [
        ("private", AuditCode.WITNESSED),
        ("another", AuditCode.WITNESSES_TOO_FEW),
        (None, AuditCode.WITNESSES_TOO_FEW),
    ],
)
def test_a_witness_is_read_by_the_certificate_of_the_ca_that_is_named(
    database, log, witness, tmp_path, believed, code
):
    if believed == "another":
        PrivateCa(tmp_path, "another")
    cas = {witness.url: tmp_path / f"{believed}.pem"} if believed else {}
    policy = WitnessPolicy(((witness.url, Witness.parse(witness.vkey)),), 1, cas)
    monitor = Monitor.open(database, witnesses=policy)
    monitor.watch_log(log.watched())
    (report,) = monitor.audit_now()
    monitor.close()
    (finding,) = (found for found in report.findings if found.code.value.startswith("witness"))
    assert finding.code is code
    (told,) = finding.evidence["witnesses"] if finding.evidence else ({"trouble": None},)
    assert (told["trouble"] is None) == (code is AuditCode.WITNESSED)
    if told["trouble"]:
        assert "CERTIFICATE_VERIFY_FAILED" in told["trouble"]
