"""The key store of files, one sealed key in each, and the handles through which keys are used."""

import os
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NoReturn

from keys.errors import KeyExists, KeyNotFound, KeyStoreError, KeyUsageRefused
from keys.files import check_directory, locked, make_directory, read_file, write_file
from keys.header import EXPORT_PURPOSES, KeyHeader, KeyState, KeyUsage, check_name
from keys.seal import MASTER_KEY_VARIABLE, MasterKey, SealedKey
from verifier.algorithms import KeyAlgorithm, PrivateKey, PublicKey, SignatureScheme

_SUFFIX: Final = ".key"
_MASTER_KEY: Final = "master.key"
_DEFAULT_RSA_BITS: Final = 2048


class KeyHandle:
    """A stored key in use. It is a ``Signer``; the private key stays behind it.

    The state is that of the moment when it was opened.
    """

    __slots__ = ("_key", "header")

    def __init__(self, header: KeyHeader, key: PrivateKey) -> None:
        self.header = header
        self._key = key

    @property
    def name(self) -> str:
        return self.header.name

    @property
    def public_key(self) -> PublicKey:
        return self._key.public_key

    def sign(self, data: bytes, scheme: SignatureScheme | None = None) -> bytes:
        """Sign as ``PrivateKey.sign`` does. Raises KeyUsageRefused, UnsupportedAlgorithm."""
        self._check(KeyUsage.SIGN, "sign", KeyState.ACTIVE)
        return self._key.sign(data, scheme)

    def decrypt(self, ciphertext: bytes) -> bytes:
        """Decrypt as ``PrivateKey.decrypt`` does, with a retired key too.

        Raises KeyUsageRefused, DecryptionError.
        """
        self._check(KeyUsage.DECRYPT, "decrypt", KeyState.ACTIVE, KeyState.RETIRED)
        return self._key.decrypt(ciphertext)

    def export_pkcs8(self, purpose: str) -> bytes:
        """The private key itself, for a library that needs it; ``purpose`` must be in the key's usage.

        The purposes are ``tls-server`` and ``local-ca``. Raises KeyUsageRefused.
        """
        if purpose not in EXPORT_PURPOSES:
            known = ", ".join(sorted(EXPORT_PURPOSES))
            raise KeyUsageRefused(
                f"key {self.name}: no key leaves the store for {purpose!r}, only for {known}"
            )
        self._check(KeyUsage(purpose), f"leave the store for {purpose}", KeyState.ACTIVE)
        return self._key.to_pkcs8()

    def _check(self, usage: KeyUsage, action: str, *states: KeyState) -> None:
        if usage not in self.header.usage:
            made_for = ", ".join(sorted(self.header.usage))
            raise KeyUsageRefused(f"key {self.name} may not {action}: it was made to {made_for}")
        if self.header.state not in states:
            raise KeyUsageRefused(f"key {self.name} may not {action}: it is {self.header.state}")

    def __repr__(self) -> str:
        return f"<KeyHandle {self.header.service}/{self.name} {self.header.state} {self.public_key.pin}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key handle is not pickled")


class FileKeyStore:
    """The keys of one service: ``directory/service/NAME.key``, sealed under the master key.

    The master key is ``directory/master.key``, or the file that ``$MINGJING_MASTER_KEY_FILE`` names.
    Directories are 0700 and files 0600, which is checked whenever one is opened. A key file is on disk
    before its key is given out, and is never overwritten by another key. Several processes may use a
    directory at once: changes are made under its lock.
    """

    def __init__(self, directory: Path, service: str) -> None:
        """Open the keys of a service that ``create`` has made. Raises KeyStoreError."""
        self.service = check_name(service)
        self._folder = directory / self.service
        for folder in (directory, self._folder):
            check_directory(folder)
        self._master = MasterKey.read(_master_key_path(directory))

    @classmethod
    def create(cls, directory: Path, service: str) -> "FileKeyStore":
        """Make what is missing (directories, a master key) and open the keys of a service.

        A missing master key is made only while there is no key that the lost one could have sealed.
        """
        check_name(service)
        make_directory(directory)
        with locked(directory):
            path = _master_key_path(directory)
            if not path.exists():
                if any(directory.glob(f"*/*{_SUFFIX}")):
                    raise KeyNotFound(
                        f"{path}: there is no master key, and {directory} has keys sealed under it"
                    )
                MasterKey.write_new(path)
        make_directory(directory / service)
        return cls(directory, service)

    def generate(
        self,
        name: str,
        algorithm: KeyAlgorithm,
        *,
        bits: int | None = None,
        curve: str = "P-256",
        usage: KeyUsage | Collection[KeyUsage] = KeyUsage.SIGN,
    ) -> KeyHandle:
        """Make a key and store it; ``bits`` is for RSA (2048 where None), ``curve`` for ECDSA.

        Raises KeyExists, KeyStoreError, UnsupportedAlgorithm, EngineError.
        """
        path = self._path(name)
        uses = frozenset({usage} if isinstance(usage, KeyUsage) else usage)
        if not uses:
            raise KeyStoreError(f"key {name}: expected at least one usage")
        key = PrivateKey.generate(algorithm, bits=bits or _DEFAULT_RSA_BITS, curve=curve)
        now = datetime.now(UTC).replace(microsecond=0)
        header = KeyHeader(name, self.service, algorithm, uses, KeyState.ACTIVE, now, key.public_key)
        with locked(self._folder):
            if path.exists():
                raise KeyExists(f"{path}: there is a key of this name already")
            write_file(path, SealedKey.seal(self._master, header, key.to_pkcs8()).encode())
        return KeyHandle(header, key)

    def open(self, name: str) -> KeyHandle:
        """A key for use.

        Raises KeyNotFound, KeyUsageRefused for a destroyed key, SealBroken, KeyStoreError.
        """
        header, secret = self._unseal(name)
        if header.state is KeyState.DESTROYED:
            raise KeyUsageRefused(f"key {name} cannot be opened: it is destroyed")
        return KeyHandle(header, PrivateKey.from_pkcs8(secret))

    def header(self, name: str) -> KeyHeader:
        """The public facts of a key in any state, verified under the master key."""
        return self._unseal(name)[0]

    def exists(self, name: str) -> bool:
        """Whether there is a key of this name, in whatever state."""
        return self._path(name).exists()

    def names(self) -> tuple[str, ...]:
        """The names of all keys of the service, sorted."""
        return tuple(sorted(path.name.removesuffix(_SUFFIX) for path in self._folder.glob(f"[!.]*{_SUFFIX}")))

    def retire(self, name: str) -> None:
        """Let a key sign nothing more; it still decrypts. Raises KeyUsageRefused for a destroyed one."""
        with locked(self._folder):
            header, secret = self._unseal(name)
            if header.state is KeyState.DESTROYED:
                raise KeyUsageRefused(f"key {name} cannot be retired: it is destroyed")
            self._replace(header.with_state(KeyState.RETIRED), secret)

    def destroy(self, name: str) -> None:
        """Give up a private key for good; its public facts stay on record.

        The sealed bytes are unlinked. A copy that a backup or the medium keeps is worth nothing without
        the master key, and only destroying that one destroys such copies.
        """
        with locked(self._folder):
            header, _ = self._unseal(name)
            self._replace(header.with_state(KeyState.DESTROYED), b"")

    def _path(self, name: str) -> Path:
        return self._folder / f"{check_name(name)}{_SUFFIX}"

    def _replace(self, header: KeyHeader, secret: bytes) -> None:
        write_file(self._path(header.name), SealedKey.seal(self._master, header, secret).encode())

    def _unseal(self, name: str) -> tuple[KeyHeader, bytes]:
        path = self._path(name)
        data = read_file(path)
        try:
            sealed = SealedKey.parse(data)
            header, secret = sealed.header, sealed.open(self._master)
        except KeyStoreError as error:
            raise type(error)(f"{path}: {error}") from None
        if (header.name, header.service) != (name, self.service):
            raise KeyStoreError(
                f"{path}: expected the key {self.service}/{name}, it is {header.service}/{header.name}"
            )
        return header, secret


def _master_key_path(directory: Path) -> Path:
    named = os.environ.get(MASTER_KEY_VARIABLE)
    return Path(named) if named else directory / _MASTER_KEY
