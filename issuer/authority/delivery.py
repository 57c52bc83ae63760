"""Writing a set of certificates where the subscriber wants it, under the contract's file names.

For each algorithm: NAME.crt is the certificate alone, NAME.chain.pem the certificate followed by its
intermediates, without the root (what nginx calls ssl_certificate and certbot fullchain.pem), NAME.key the
PKCS #8 private key, 0600. For TLCP also sm2-enc.crt and sm2-enc.key; its chain is that of sm2.
"""

from collections.abc import Mapping
from pathlib import Path

from issuer.authority.requests import DualCertificate
from issuer.errors import DeliveryError
from keys.files import replace_file

KEY_MODE = 0o600
PUBLIC_MODE = 0o644


def files(dual: DualCertificate) -> Mapping[str, bytes]:
    """Return the contents by file name, keys first: a certificate on disk always has its key beside it."""
    sets = {"sm2": dual.sm2, "ecc": dual.ecc}
    keys = {f"{label}.key": issued.key.to_pem() for label, issued in sets.items()}
    public = {f"{label}.crt": issued.certificate.pem for label, issued in sets.items()}
    public |= {f"{label}.chain.pem": issued.chain_pem for label, issued in sets.items()}
    if dual.sm2_encryption is not None:
        keys["sm2-enc.key"] = dual.sm2_encryption.key.to_pem()
        public["sm2-enc.crt"] = dual.sm2_encryption.certificate.pem
    return keys | {name: text.encode() for name, text in public.items()}


def check_directory(directory: Path, *, tlcp: bool, force: bool = False) -> None:
    """Make the directory where needed; refuse before anything is issued rather than after.

    :raises DeliveryError: naming the files that are in the way, or why the directory cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe = directory / ".mingjing-write-test"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise DeliveryError(f"could not write to {directory}: {error.strerror}") from error
    names = [f"{label}.{kind}" for label in ("sm2", "ecc") for kind in ("crt", "chain.pem", "key")]
    names += ["sm2-enc.crt", "sm2-enc.key"] if tlcp else []
    in_the_way = [name for name in names if (directory / name).exists()]
    if in_the_way and not force:
        raise DeliveryError(f"{directory} already holds {', '.join(in_the_way)}; nothing was overwritten")


def write_dual(dual: DualCertificate, directory: Path, *, force: bool = False) -> tuple[Path, ...]:
    """Write the set; each file is whole or absent. Return the paths.

    :raises DeliveryError: where a file is in the way and `force` is not given, or writing fails.
    """
    check_directory(directory, tlcp=dual.sm2_encryption is not None, force=force)
    written = []
    try:
        for name, data in files(dual).items():
            path = directory / name
            replace_file(path, data, mode=KEY_MODE if name.endswith(".key") else PUBLIC_MODE)
            written.append(path)
    except OSError as error:
        raise DeliveryError(f"could not write {directory}: {error.strerror}") from error
    return tuple(written)
