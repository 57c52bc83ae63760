"""The seam where an SM2 implementation is swapped: what an engine offers, and how one is chosen.

The system's libcrypto comes first, pure-Python gmssl is the fallback. An engine is used only after it has
passed a known-answer self-test; ``MINGJING_SM2_ENGINE`` (``libcrypto`` or ``gmssl``) allows only that one.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, Protocol

from verifier.errors import EngineError, VerifierError

ENGINE_VARIABLE: Final = "MINGJING_SM2_ENGINE"


class Sm2PublicHandle(Protocol):
    """A public key as an engine holds it; usable from several threads at once."""

    def verify_digest(self, signature: bytes, digest: bytes) -> None:
        """Check a signature (canonical DER, r and s in range) over e. Raises InvalidSignature."""

    def encrypt(self, plaintext: bytes) -> bytes:
        """Encrypt at least one byte to a DER SM2Cipher."""


class Sm2PrivateHandle(Protocol):
    """A private key as an engine holds it; usable from several threads at once."""

    def sign_digest(self, digest: bytes) -> bytes:
        """Sign e, 32 bytes, to DER SEQUENCE{r, s}."""

    def decrypt(self, ciphertext: bytes) -> bytes:
        """Decrypt a well-formed DER SM2Cipher. Raises DecryptionError."""


class Sm2Engine(Protocol):
    """An SM2 implementation. Points are uncompressed (65 bytes), scalars 32 bytes, both checked before.

    Any method raises EngineError, with the library's own text, when the library fails.
    """

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    def generate(self) -> bytes:
        """A new private scalar."""

    def public_point(self, scalar: bytes) -> bytes:
        """The public point of a private scalar."""

    def load_public(self, point: bytes) -> Sm2PublicHandle: ...

    def load_private(self, scalar: bytes, point: bytes) -> Sm2PrivateHandle: ...


@dataclass(frozen=True, slots=True)
class RejectedEngine:
    """An engine that was not chosen, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class EngineReport:
    """Which engine does SM2, with its library's version, and why an earlier one does not."""

    name: str
    version: str
    rejected: tuple[RejectedEngine, ...]

    def __str__(self) -> str:
        rejections = "".join(f"; not {other.name}: {other.reason}" for other in self.rejected)
        return f"{self.name} ({self.version}){rejections}"


def _load_libcrypto() -> Sm2Engine:
    from verifier.algorithms.libcrypto import LibcryptoEngine

    return LibcryptoEngine()


def _load_gmssl() -> Sm2Engine:
    from verifier.algorithms.gmssl_engine import GmsslEngine

    return GmsslEngine()


type Loaders = Mapping[str, Callable[[], Sm2Engine]]

LOADERS: Final[Loaders] = {"libcrypto": _load_libcrypto, "gmssl": _load_gmssl}  # in order of preference


def choose_engine(loaders: Loaders, environment: Mapping[str, str]) -> tuple[Sm2Engine, EngineReport]:
    """The first engine that loads and passes its self-test. Raises EngineError when none does."""
    from verifier.algorithms.self_test import check_engine

    rejected: list[RejectedEngine] = []
    for name in _candidates(loaders, environment):
        try:
            engine = loaders[name]()
            check_engine(engine)
        except (VerifierError, ImportError) as error:
            rejected.append(RejectedEngine(name, str(error)))
        else:
            return engine, EngineReport(engine.name, engine.version, tuple(rejected))
    reasons = "; ".join(f"{other.name}: {other.reason}" for other in rejected)
    raise EngineError(f"no SM2 engine is usable: {reasons}")


def _candidates(loaders: Loaders, environment: Mapping[str, str]) -> tuple[str, ...]:
    forced = environment.get(ENGINE_VARIABLE)
    if not forced:
        return tuple(loaders)
    if forced not in loaders:
        raise EngineError(f"{ENGINE_VARIABLE}: expected one of {', '.join(loaders)}, got {forced!r}")
    return (forced,)


@cache
def _chosen() -> tuple[Sm2Engine, EngineReport]:
    return choose_engine(LOADERS, os.environ)


def sm2_engine() -> Sm2Engine:
    """The engine of this process, chosen at the first call. Raises EngineError."""
    return _chosen()[0]


def engine_report() -> EngineReport:
    """What was chosen and why, for people. Raises EngineError."""
    return _chosen()[1]
