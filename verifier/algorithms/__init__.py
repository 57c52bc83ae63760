"""Keys and signatures: SM2 beside ECDSA, RSA and Ed25519, behind one public and one private key.

Importing it loads no SM2 engine; the first SM2 operation chooses one (see ``engine``).
"""

from verifier.algorithms.engine import EngineReport, RejectedEngine, Sm2Engine, engine_report, sm2_engine
from verifier.algorithms.hashes import sm3, sm3_hasher
from verifier.algorithms.private import PrivateKey, Signer
from verifier.algorithms.public import PublicKey
from verifier.algorithms.schemes import KeyAlgorithm, SignatureScheme
from verifier.algorithms.sm2 import DEFAULT_SM2_ID

__all__ = [
    "DEFAULT_SM2_ID",
    "EngineReport",
    "KeyAlgorithm",
    "PrivateKey",
    "PublicKey",
    "RejectedEngine",
    "SignatureScheme",
    "Signer",
    "Sm2Engine",
    "engine_report",
    "sm2_engine",
    "sm3",
    "sm3_hasher",
]
