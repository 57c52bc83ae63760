"""Where private keys live: sealed, usable through handles, with usage and state that are enforced."""

from keys.errors import (
    KeyExists,
    KeyNotFound,
    KeyStoreError,
    KeyUsageRefused,
    SealBroken,
    UnsafePermissions,
)
from keys.header import KeyHeader, KeyState, KeyUsage
from keys.store import FileKeyStore, KeyHandle

__all__ = [
    "FileKeyStore",
    "KeyExists",
    "KeyHandle",
    "KeyHeader",
    "KeyNotFound",
    "KeyState",
    "KeyStoreError",
    "KeyUsage",
    "KeyUsageRefused",
    "SealBroken",
    "UnsafePermissions",
]
