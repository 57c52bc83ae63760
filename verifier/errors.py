"""The verifier's errors: one small tree, because callers decide by kind and people read the message.

A message reads "field: what was expected", names the input at fault and never carries a secret.
"""


class VerifierError(Exception):
    """Root of everything the verifier raises on purpose."""


class MalformedInput(VerifierError):
    """Bytes that do not parse; the message names the field and what was expected there."""


class KeyFormatError(MalformedInput):
    """A public or private key that is not encoded as it must be, or whose values are out of range."""


class InvalidSignature(VerifierError):
    """A signature that does not verify, for whatever reason: wrong key, wrong bytes, wrong encoding."""


class DecryptionError(VerifierError):
    """A ciphertext that does not decrypt; it never says at which step, so that it is no oracle."""


class UnsupportedAlgorithm(VerifierError):
    """A known or unknown algorithm that this program does not accept here."""


class PathInvalid(VerifierError):
    """No valid certification path from a certificate to an anchor."""


class InvalidProof(VerifierError):
    """A Merkle inclusion or consistency proof that does not prove what it claims."""


class PolicyError(VerifierError):
    """A policy file that is wrong at one place.

    ``line`` is counted from 1 and ``key`` is dotted; either is None where there is none to name.
    """

    def __init__(self, message: str, *, line: int | None = None, key: str | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.key = key


class EngineError(VerifierError):
    """No SM2 engine is usable, or the one in use failed; the message carries the engine's own text."""
