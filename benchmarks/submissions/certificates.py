"""A CA of one algorithm and certificates that it issued, small but of usual form."""

from dataclasses import dataclass

from verifier.algorithms import KeyAlgorithm, PrivateKey, der


@dataclass(frozen=True)
class Made:
    """A root and leaves below it."""

    root: bytes
    leaves: list[bytes]

    @property
    def mean_size(self) -> float:
        return sum(map(len, self.leaves)) / len(self.leaves)


def issue(algorithm: KeyAlgorithm, count: int) -> Made:
    """Make a root and ``count`` leaves."""
    ca, subscriber = PrivateKey.generate(algorithm), PrivateKey.generate(algorithm)
    root = _certificate(ca, ca, "Bench Root", "Bench Root", 1, is_ca=True)
    names = [f"host-{number}.bench.example" for number in range(count)]
    leaves = [
        _certificate(ca, subscriber, "Bench Root", name, number, is_ca=False)
        for number, name in enumerate(names, 2)
    ]
    return Made(root, leaves)


def _certificate(
    ca: PrivateKey,
    key: PrivateKey,
    issuer: str,
    subject: str,
    serial: int,
    *,
    is_ca: bool,
) -> bytes:
    scheme = ca.public_key.default_scheme
    assert scheme.oid is not None
    identifier = der.encode(der.SEQUENCE, der.encode_oid(scheme.oid))
    constraints = der.encode(der.SEQUENCE, der.encode(0x01, b"\xff") if is_ca else b"")
    extensions = _extension("2.5.29.19", constraints) + (
        b""
        if is_ca
        else _extension("2.5.29.17", der.encode(der.SEQUENCE, der.encode(0x82, subject.encode())))
    )
    tbs = der.encode(
        der.SEQUENCE,
        der.encode(der.context(0), der.encode_integer(2)),
        der.encode_integer(serial),
        identifier,
        _name(issuer),
        der.encode(der.SEQUENCE, der.encode(0x17, b"260101000000Z"), der.encode(0x17, b"360101000000Z")),
        _name(subject),
        key.public_key.spki,
        der.encode(der.context(3), der.encode(der.SEQUENCE, extensions)),
    )
    return der.encode(der.SEQUENCE, tbs, identifier, der.encode(der.BIT_STRING, b"\0" + ca.sign(tbs, scheme)))


def _name(common_name: str) -> bytes:
    attribute = der.encode(der.SEQUENCE, der.encode_oid("2.5.4.3"), der.encode(0x0C, common_name.encode()))
    return der.encode(der.SEQUENCE, der.encode(0x31, attribute))


def _extension(oid: str, value: bytes) -> bytes:
    return der.encode(der.SEQUENCE, der.encode_oid(oid), der.encode(der.OCTET_STRING, value))
