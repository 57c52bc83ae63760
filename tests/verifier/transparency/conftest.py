"""Real inputs and keys for the tests of verifier.transparency."""

from collections.abc import Callable
from pathlib import Path

import cryptography_vectors
import pytest

from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.certificates import Certificate
from verifier.transparency.log_list import LogList, parse_log_list

DATA = Path(__file__).parent / "data"
VECTORS = Path(cryptography_vectors.__file__).parent / "x509"


@pytest.fixture(scope="session")
def data() -> Path:
    return DATA


@pytest.fixture(scope="session")
def vector() -> Callable[[str], Certificate]:
    """A certificate of cryptography-vectors, by its file name."""
    return lambda name: Certificate.from_pem((VECTORS / name).read_bytes())


@pytest.fixture(scope="session")
def logs_of_2022() -> LogList:
    return parse_log_list((DATA / "log_list_2022.json").read_bytes(), "2022")


@pytest.fixture(scope="session")
def logs_of_2025() -> LogList:
    return parse_log_list((DATA / "log_list_2025.json").read_bytes(), "2025")


@pytest.fixture(scope="session")
def keys() -> dict[str, PrivateKey]:
    """One log key of each kind, and an Ed25519 key, which is a witness's."""
    return {algorithm.value: PrivateKey.generate(algorithm) for algorithm in KeyAlgorithm}


@pytest.fixture(scope="session", params=["sm2", "ecdsa", "rsa"])
def log_key(request: pytest.FixtureRequest, keys: dict[str, PrivateKey]) -> PrivateKey:
    return keys[request.param]
