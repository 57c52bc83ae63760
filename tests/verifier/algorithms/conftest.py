"""Both SM2 engines, keys of every algorithm, and the openssl program as a third opinion."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from verifier.algorithms import KeyAlgorithm, PrivateKey, Sm2Engine
from verifier.algorithms.gmssl_engine import GmsslEngine
from verifier.algorithms.libcrypto import LibcryptoEngine

OpenSsl = Callable[..., bytes]
ENGINES = {"libcrypto": LibcryptoEngine, "gmssl": GmsslEngine}
KEYS = {
    "sm2": lambda: PrivateKey.generate(KeyAlgorithm.SM2),
    "P-256": lambda: PrivateKey.generate(KeyAlgorithm.ECDSA),
    "P-384": lambda: PrivateKey.generate(KeyAlgorithm.ECDSA, curve="P-384"),
    "P-521": lambda: PrivateKey.generate(KeyAlgorithm.ECDSA, curve="P-521"),
    "rsa": lambda: PrivateKey.generate(KeyAlgorithm.RSA),
    "ed25519": lambda: PrivateKey.generate(KeyAlgorithm.ED25519),
}


@pytest.fixture(params=ENGINES, scope="session")
def engine(request: pytest.FixtureRequest) -> Sm2Engine:
    return ENGINES[request.param]()


@pytest.fixture(params=ENGINES, scope="session")
def other_engine(request: pytest.FixtureRequest) -> Sm2Engine:
    return ENGINES[request.param]()


@pytest.fixture(params=KEYS, scope="session")
def private_key(request: pytest.FixtureRequest) -> PrivateKey:
    return KEYS[request.param]()


@pytest.fixture(scope="session")
def sm2_key() -> PrivateKey:
    return KEYS["sm2"]()


@pytest.fixture
def openssl(tmp_path: Path) -> OpenSsl:
    """Run the openssl program in a directory of its own; files named in keywords are written first."""

    def run(*arguments: str, **files: bytes) -> bytes:
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        result = subprocess.run(["openssl", *arguments], cwd=tmp_path, capture_output=True, check=False)
        if result.returncode != 0:
            raise ChildProcessError(result.stdout.decode() + result.stderr.decode())
        return result.stdout

    return run
