"""The sealed file store: keys come back, and nothing but the right hand opens them."""

import json
import pickle
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keys import (
    FileKeyStore,
    KeyExists,
    KeyHandle,
    KeyNotFound,
    KeyState,
    KeyStoreError,
    KeyUsage,
    KeyUsageRefused,
    SealBroken,
    UnsafePermissions,
)
from keys import files as files_module
from verifier.algorithms import KeyAlgorithm, PrivateKey, SignatureScheme
from verifier.errors import DecryptionError, UnsupportedAlgorithm

DATA = b"data that is signed"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("algorithm", KeyAlgorithm)
def test_a_key_comes_back(directory: Path, store: FileKeyStore, algorithm: KeyAlgorithm) -> None:
    made = store.generate("root", algorithm)
    opened = FileKeyStore(directory, "issuer").open("root")
    assert opened.public_key == made.public_key
    assert opened.name == "root"
    made.public_key.verify(opened.sign(DATA), DATA)


def test_sizes_and_curves(store: FileKeyStore) -> None:
    assert store.generate("a", KeyAlgorithm.RSA).public_key.bits == 2048
    assert store.generate("b", KeyAlgorithm.RSA, bits=3072).public_key.bits == 3072
    assert store.generate("c", KeyAlgorithm.ECDSA, curve="P-384").public_key.curve == "P-384"
    with pytest.raises(UnsupportedAlgorithm):
        store.generate("d", KeyAlgorithm.RSA, bits=1024)
    assert not store.exists("d")


def test_the_scheme_is_passed_on(store: FileKeyStore) -> None:
    handle = store.generate("rsa", KeyAlgorithm.RSA)
    signature = handle.sign(DATA, SignatureScheme.RSA_PSS_SHA384)
    handle.public_key.verify(signature, DATA, SignatureScheme.RSA_PSS_SHA384)


def test_names(store: FileKeyStore) -> None:
    assert store.names() == ()
    for name in ("ssl-sm2", "root-sm2", "good.mingjing.test"):
        store.generate(name, KeyAlgorithm.ED25519)
    assert store.names() == ("good.mingjing.test", "root-sm2", "ssl-sm2")
    assert store.exists("ssl-sm2")
    assert not store.exists("ssl-rsa")
    with pytest.raises(KeyNotFound, match=r"ssl-rsa\.key: no such file"):
        store.open("ssl-rsa")


def test_a_key_is_never_overwritten(store: FileKeyStore) -> None:
    first = store.generate("root", KeyAlgorithm.ED25519)
    with pytest.raises(KeyExists, match=r"root\.key"):
        store.generate("root", KeyAlgorithm.ED25519)
    store.destroy("root")
    with pytest.raises(KeyExists):
        store.generate("root", KeyAlgorithm.ED25519)
    assert store.header("root").public_key == first.public_key


def test_two_writers_of_one_name(store: FileKeyStore) -> None:
    outcomes: list[KeyHandle | KeyExists] = []

    def make() -> None:
        try:
            outcomes.append(store.generate("root", KeyAlgorithm.ED25519))
        except KeyExists as error:
            outcomes.append(error)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [outcome for outcome in outcomes if isinstance(outcome, KeyHandle)]
    assert len(winners) == 1
    assert len(outcomes) == 8
    assert store.open("root").public_key == winners[0].public_key


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../root",
        "a/b",
        "/etc/passwd",
        "a\\b",
        "A",
        "a b",
        "a\n",
        "a\0",
        "-a",
        ".a",
        "a..b",
        "ä",
        "²",
        "a" * 65,
    ],
)
def test_names_that_could_lead_elsewhere(directory: Path, store: FileKeyStore, name: str) -> None:
    for use in (store.open, store.exists, store.header, store.retire, store.destroy):
        with pytest.raises(KeyStoreError, match="key name"):
            use(name)
    with pytest.raises(KeyStoreError, match="key name"):
        store.generate(name, KeyAlgorithm.ED25519)
    with pytest.raises(KeyStoreError, match="key name"):
        FileKeyStore(directory, name)
    with pytest.raises(KeyStoreError, match="key name"):
        FileKeyStore.create(directory, name)


@given(st.text(max_size=70))
def test_any_text_as_a_name(name: str) -> None:
    from keys.header import check_name

    try:
        check_name(name)
    except KeyStoreError:
        return
    path = Path("/folder") / f"{name}.key"
    assert path.parent == Path("/folder")
    assert not path.name.startswith(".")


class TestModes:
    def test_everything_is_made_for_the_owner_alone(self, directory: Path, store: FileKeyStore) -> None:
        store.generate("root", KeyAlgorithm.ED25519)
        assert mode(directory) == mode(directory / "issuer") == 0o700
        assert mode(directory / "master.key") == mode(directory / "issuer" / "root.key") == 0o600
        assert {path.name for path in directory.rglob("*")} == {"issuer", "root.key", "master.key"}

    @pytest.mark.parametrize("bits", [0o040, 0o020, 0o004, 0o001])
    @pytest.mark.parametrize("which", ["", "issuer", "master.key", "issuer/root.key"])
    def test_what_others_can_reach_is_refused(
        self, directory: Path, store: FileKeyStore, which: str, bits: int
    ) -> None:
        store.generate("root", KeyAlgorithm.ED25519)
        path = directory / which
        path.chmod(mode(path) | bits)
        with pytest.raises(UnsafePermissions, match=rf"^{path}: mode 0[67]\d\d lets others in; .*chmod"):
            FileKeyStore(directory, "issuer").open("root")

    @pytest.mark.usefixtures("store")
    def test_create_does_not_repair_modes(self, directory: Path) -> None:
        directory.chmod(0o755)
        with pytest.raises(UnsafePermissions):
            FileKeyStore.create(directory, "issuer")

    def test_symbolic_links_are_not_followed(self, directory: Path, store: FileKeyStore) -> None:
        store.generate("root", KeyAlgorithm.ED25519)
        (directory / "issuer" / "alias.key").symlink_to("root.key")
        with pytest.raises(KeyStoreError, match=r"could not open .*alias\.key"):
            store.open("alias")

    def test_what_is_not_a_file(self, directory: Path, store: FileKeyStore) -> None:
        (directory / "issuer" / "folder.key").mkdir(mode=0o700)
        with pytest.raises(UnsafePermissions, match=r"folder\.key: expected a regular file"):
            store.open("folder")
        (directory / "file").touch(mode=0o600)
        with pytest.raises(UnsafePermissions, match="file: expected a directory"):
            FileKeyStore(directory, "file")

    def test_a_file_that_is_too_long(self, directory: Path, store: FileKeyStore) -> None:
        path = directory / "issuer" / "long.key"
        path.touch(mode=0o600)
        path.write_bytes(bytes(65537))
        with pytest.raises(KeyStoreError, match="expected at most 65536 bytes, got 65537"):
            store.open("long")


class TestServices:
    def test_a_store_sees_its_own_service_only(self, directory: Path, store: FileKeyStore) -> None:
        store.generate("root", KeyAlgorithm.ED25519)
        logs = FileKeyStore.create(directory, "logs")
        assert logs.names() == ()
        with pytest.raises(KeyNotFound):
            logs.open("root")

    def test_a_file_carried_to_another_service_or_name(self, directory: Path, store: FileKeyStore) -> None:
        store.generate("root", KeyAlgorithm.ED25519)
        logs = FileKeyStore.create(directory, "logs")
        data = (directory / "issuer" / "root.key").read_bytes()
        for path in (directory / "logs" / "root.key", directory / "issuer" / "other.key"):
            path.touch(mode=0o600)
            path.write_bytes(data)
        with pytest.raises(KeyStoreError, match="expected the key logs/root, it is issuer/root"):
            logs.open("root")
        with pytest.raises(KeyStoreError, match="expected the key issuer/other, it is issuer/root"):
            store.open("other")

    def test_services_are_sealed_apart(self, directory: Path, store: FileKeyStore) -> None:
        """A header rewritten for another service does not open there."""
        store.generate("root", KeyAlgorithm.ED25519)
        logs = FileKeyStore.create(directory, "logs")
        data = (directory / "issuer" / "root.key").read_bytes()
        path = directory / "logs" / "root.key"
        path.touch(mode=0o600)
        changed = data.replace(b'"issuer"', b'"logs"')
        length = int.from_bytes(data[6:8]) - 2
        path.write_bytes(changed[:6] + length.to_bytes(2) + changed[8:])
        with pytest.raises(SealBroken):
            logs.open("root")

    def test_each_has_a_cipher_of_its_own(self, store: FileKeyStore) -> None:
        sealed = store._master.cipher("issuer").encrypt(bytes(12), b"secret", None)
        assert store._master.cipher("issuer").decrypt(bytes(12), sealed, None) == b"secret"
        with pytest.raises(InvalidTag):
            store._master.cipher("logs").decrypt(bytes(12), sealed, None)

    @pytest.mark.usefixtures("store")
    def test_a_store_that_was_never_made(self, directory: Path) -> None:
        with pytest.raises(KeyStoreError, match=r"could not open the key store .*publisher: No such file"):
            FileKeyStore(directory, "publisher")


class TestMasterKey:
    @pytest.mark.usefixtures("store")
    def test_one_serves_all_services(self, directory: Path) -> None:
        before = (directory / "master.key").read_bytes()
        FileKeyStore.create(directory, "logs")
        FileKeyStore.create(directory, "issuer")
        assert (directory / "master.key").read_bytes() == before
        assert len(bytes.fromhex(before.decode())) == 32

    def test_another_one_is_refused_in_a_sentence(self, directory: Path, store: FileKeyStore) -> None:
        store.generate("root", KeyAlgorithm.SM2)
        (directory / "master.key").write_text("00" * 32)
        expected = (
            f"{directory}/issuer/root.key: the master key of {directory}/master.key does not open it: "
            "it was sealed under another, or changed"
        )
        with pytest.raises(SealBroken) as caught:
            FileKeyStore(directory, "issuer").open("root")
        assert str(caught.value) == expected

    def test_a_lost_one_is_not_replaced(self, directory: Path, store: FileKeyStore) -> None:
        store.generate("root", KeyAlgorithm.ED25519)
        (directory / "master.key").unlink()
        with pytest.raises(KeyNotFound, match="there is no master key"):
            FileKeyStore(directory, "issuer")
        with pytest.raises(KeyNotFound, match=r"no master key, and .* has keys sealed under it"):
            FileKeyStore.create(directory, "logs")

    def test_it_may_live_elsewhere(
        self, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        elsewhere = tmp_path / "medium" / "master"
        elsewhere.parent.mkdir(mode=0o700)
        monkeypatch.setenv("MINGJING_MASTER_KEY_FILE", str(elsewhere))
        FileKeyStore.create(directory, "issuer").generate("root", KeyAlgorithm.ED25519)
        assert mode(elsewhere) == 0o600
        assert not (directory / "master.key").exists()
        FileKeyStore(directory, "issuer").open("root")
        elsewhere.chmod(0o644)
        with pytest.raises(UnsafePermissions, match=str(elsewhere)):
            FileKeyStore(directory, "issuer")

    @pytest.mark.parametrize("text", ["", "00" * 31, "00" * 33, "zz" * 32, "00" * 31 + "é"])
    @pytest.mark.usefixtures("store")
    def test_what_is_not_one(self, directory: Path, text: str) -> None:
        (directory / "master.key").write_text(text)
        with pytest.raises(KeyStoreError, match="expected a master key of 64 hex digits"):
            FileKeyStore(directory, "issuer")

    def test_it_is_not_shown(self, directory: Path, store: FileKeyStore) -> None:
        secret = (directory / "master.key").read_text().strip()
        shown = f"{store!r} {store._master!r} {store.__dict__}"
        assert secret not in shown
        assert repr(bytes.fromhex(secret)) not in shown


class TestUsageAndState:
    def test_usage_is_kept_and_held(self, store: FileKeyStore) -> None:
        store.generate("enc", KeyAlgorithm.SM2, usage=KeyUsage.DECRYPT)
        handle = store.open("enc")
        assert handle.header.usage == {KeyUsage.DECRYPT}
        assert handle.decrypt(handle.public_key.encrypt(b"secret")) == b"secret"
        with pytest.raises(DecryptionError):
            handle.decrypt(b"rubbish")
        with pytest.raises(KeyUsageRefused, match="key enc may not sign: it was made to decrypt"):
            handle.sign(DATA)
        with pytest.raises(KeyUsageRefused, match="may not leave the store for tls-server"):
            handle.export_pkcs8("tls-server")

    def test_a_signing_key_does_nothing_else(self, store: FileKeyStore) -> None:
        handle = store.generate("root", KeyAlgorithm.SM2)
        with pytest.raises(KeyUsageRefused, match="may not decrypt"):
            handle.decrypt(handle.public_key.encrypt(b"secret"))
        for purpose in ("tls-server", "local-ca"):
            with pytest.raises(KeyUsageRefused):
                handle.export_pkcs8(purpose)

    def test_export_for_the_purpose_it_was_made_for(self, store: FileKeyStore) -> None:
        usage = {KeyUsage.SIGN, KeyUsage.TLS_SERVER}
        handle = store.generate("site", KeyAlgorithm.ECDSA, usage=usage)
        exported = PrivateKey.from_pkcs8(handle.export_pkcs8("tls-server"))
        assert exported.public_key == handle.public_key
        with pytest.raises(KeyUsageRefused, match="may not leave the store for local-ca"):
            handle.export_pkcs8("local-ca")
        for purpose in ("sign", "decrypt", "backup", ""):
            with pytest.raises(KeyUsageRefused, match="no key leaves the store for"):
                handle.export_pkcs8(purpose)

    def test_a_key_has_a_usage(self, store: FileKeyStore) -> None:
        with pytest.raises(KeyStoreError, match="at least one usage"):
            store.generate("root", KeyAlgorithm.ED25519, usage=())

    def test_retired(self, store: FileKeyStore) -> None:
        usage = {KeyUsage.SIGN, KeyUsage.DECRYPT, KeyUsage.TLS_SERVER}
        store.generate("old", KeyAlgorithm.SM2, usage=usage)
        store.retire("old")
        store.retire("old")
        handle = store.open("old")
        assert handle.header.state is KeyState.RETIRED
        assert handle.decrypt(handle.public_key.encrypt(b"secret")) == b"secret"
        with pytest.raises(KeyUsageRefused, match="key old may not sign: it is retired"):
            handle.sign(DATA)
        with pytest.raises(KeyUsageRefused, match="it is retired"):
            handle.export_pkcs8("tls-server")

    def test_destroyed(self, directory: Path, store: FileKeyStore) -> None:
        made = store.generate("old", KeyAlgorithm.SM2)
        sealed = (directory / "issuer" / "old.key").read_bytes()
        store.destroy("old")
        store.destroy("old")
        with pytest.raises(KeyUsageRefused, match="key old cannot be opened: it is destroyed"):
            store.open("old")
        with pytest.raises(KeyUsageRefused, match="cannot be retired: it is destroyed"):
            store.retire("old")
        header = store.header("old")
        assert (header.state, header.public_key) == (KeyState.DESTROYED, made.public_key)
        left = (directory / "issuer" / "old.key").read_bytes()
        assert len(left) < len(sealed) - 100
        assert store.names() == ("old",)

    def test_the_header_is_readable_and_dated(self, directory: Path, store: FileKeyStore) -> None:
        before = datetime.now(UTC)
        store.generate("root", KeyAlgorithm.SM2)
        data = (directory / "issuer" / "root.key").read_bytes()
        length = int.from_bytes(data[6:8])
        fields = json.loads(data[8 : 8 + length])
        assert (fields["name"], fields["service"], fields["state"]) == ("root", "issuer", "active")
        assert abs(store.header("root").created_at - before) < timedelta(seconds=10)

    def test_handles_show_nothing(self, store: FileKeyStore) -> None:
        handle = store.generate("root", KeyAlgorithm.SM2)
        assert repr(handle) == f"<KeyHandle issuer/root active {handle.public_key.pin}>"
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(handle)


class TestTampering:
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (b'["sign"]', b'["sign", "tls-server"]'),
            (b'"active"', b'"retired"'),
            (b'"root"', b'"toor"'),
            (b'"sm2"', b'"rsa"'),
        ],
    )
    def test_an_edited_header(self, directory: Path, store: FileKeyStore, old: bytes, new: bytes) -> None:
        store.generate("root", KeyAlgorithm.SM2)
        path = directory / "issuer" / "root.key"
        data = path.read_bytes()
        assert old in data
        length = int.from_bytes(data[6:8]) + len(new) - len(old)
        changed = data.replace(old, new)
        path.write_bytes(changed[:6] + length.to_bytes(2) + changed[8:])
        with pytest.raises(SealBroken):
            store.open("root")

    def test_a_later_version(self, directory: Path, store: FileKeyStore) -> None:
        store.generate("root", KeyAlgorithm.ED25519)
        path = directory / "issuer" / "root.key"
        data = path.read_bytes()
        path.write_bytes(data[:5] + b"\2" + data[6:])
        with pytest.raises(KeyStoreError, match=r"root\.key: expected version 1 of a key file, got 2"):
            store.open("root")

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(position=st.integers(0, 2000), value=st.integers(1, 255))
    def test_any_changed_byte(self, directory: Path, store: FileKeyStore, position: int, value: int) -> None:
        if not store.exists("root"):
            store.generate("root", KeyAlgorithm.ED25519)
        path = directory / "issuer" / "root.key"
        data = bytearray(path.read_bytes())
        original = bytes(data)
        data[position % len(data)] ^= value
        path.write_bytes(data)
        with pytest.raises(KeyStoreError, match=r"root\.key: "):
            store.open("root")
        path.write_bytes(original)
        store.open("root")

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        data=st.binary(max_size=300),
        prefix=st.sampled_from([b"", b"MJKEY\1", b"MJKEY\1\0\2{}", b"MJKEY\1\0\1["]),
    )
    def test_any_bytes(self, directory: Path, store: FileKeyStore, data: bytes, prefix: bytes) -> None:
        path = directory / "issuer" / "root.key"
        path.touch(mode=0o600)
        path.write_bytes(prefix + data)
        with pytest.raises(KeyStoreError, match=r"root\.key: "):
            store.open("root")

    def test_any_shorter_file(self, directory: Path, store: FileKeyStore) -> None:
        store.generate("root", KeyAlgorithm.ED25519)
        path = directory / "issuer" / "root.key"
        data = path.read_bytes()
        for size in range(len(data)):
            path.write_bytes(data[:size])
            with pytest.raises(KeyStoreError, match=r"root\.key: "):
                store.open("root")

    def test_a_deeply_nested_header(self, directory: Path, store: FileKeyStore) -> None:
        path = directory / "issuer" / "root.key"
        path.touch(mode=0o600)
        path.write_bytes(b"MJKEY\1\x80\x00" + b"[" * 0x8000 + bytes(40))
        with pytest.raises(KeyStoreError):
            store.open("root")

    def test_two_seals_of_one_key_share_nothing(self, directory: Path, store: FileKeyStore) -> None:
        store.generate("root", KeyAlgorithm.ED25519)
        path = directory / "issuer" / "root.key"
        store.retire("root")
        first = path.read_bytes()
        store.retire("root")
        assert path.read_bytes()[-76:-64] != first[-76:-64]
        assert path.read_bytes()[-30:] != first[-30:]


class TestCrashes:
    """A write that ends half-way leaves the old state, and the next write cleans up."""

    @pytest.mark.parametrize("call", ["fsync", "rename"])
    def test_before_the_rename(
        self, directory: Path, store: FileKeyStore, monkeypatch: pytest.MonkeyPatch, call: str
    ) -> None:
        store.generate("root", KeyAlgorithm.ED25519)
        before = (directory / "issuer" / "root.key").read_bytes()

        def fail(*_: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(*((files_module.os, "fsync") if call == "fsync" else (Path, "rename")), fail)
            with pytest.raises(KeyStoreError, match=r"could not write .*root\.key: No space left on device"):
                store.retire("root")
            with pytest.raises(KeyStoreError, match="No space left"):
                store.generate("new", KeyAlgorithm.ED25519)
        assert (directory / "issuer" / "root.key").read_bytes() == before
        assert store.names() == ("root",)
        assert [path.name for path in (directory / "issuer").iterdir()] == ["root.key"]
        (directory / "issuer" / ".root.key.killed.tmp").write_bytes(b"what a kill leaves behind")
        store.generate("new", KeyAlgorithm.ED25519)
        assert {path.name for path in (directory / "issuer").iterdir()} == {"root.key", "new.key"}

    def test_the_order_of_writing(self, store: FileKeyStore, monkeypatch: pytest.MonkeyPatch) -> None:
        """The file is synced before it gets its name, and the directory after that."""
        events: list[str] = []
        real_fsync, real_rename = files_module.os.fsync, Path.rename

        def fsync(descriptor: int) -> None:
            kind = "directory" if stat.S_ISDIR(files_module.os.fstat(descriptor).st_mode) else "file"
            events.append(f"sync {kind}")
            real_fsync(descriptor)

        def rename(path: Path, target: Path) -> Path:
            events.append("rename")
            return real_rename(path, target)

        monkeypatch.setattr(files_module.os, "fsync", fsync)
        monkeypatch.setattr(Path, "rename", rename)
        store.generate("root", KeyAlgorithm.ED25519)
        assert events == ["sync file", "rename", "sync directory"]


def test_an_unwritable_place(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(KeyStoreError, match=r"could not make the directory .*file/keys: File exists"):
        FileKeyStore.create(tmp_path / "file" / "keys", "issuer")
