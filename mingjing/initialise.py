"""The steps of ``init``, each idempotent: a killed one continues with the first that is not done."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mingjing import publisher
from mingjing.config import Config, replace_file
from mingjing.policy_file import policy_text
from mingjing.rooms import first_logs, lock_directory
from mingjing.watching import write_watchlist

ROGUE = Path("demo") / "rogue"
ROGUE_ORG = "Rogue Trust Services"
ROGUE_ROOT_FILE = "demo/rogue-root.pem"
TLS_KEYS = ("tls-sm2", "tls-ecc")


@dataclass(frozen=True, slots=True)
class Step:
    """One step: the file that exists once it is done, what it is called, and what does it."""

    product: str
    text: str
    make: Callable[[Path, Config], None]
    demo_only: bool = False

    def due(self, data: Path, settings: Config) -> bool:
        return (settings.demo or not self.demo_only) and not (data / self.product).exists()


def _make_keys(data: Path, _settings: Config) -> None:
    from keys import FileKeyStore, KeyUsage
    from verifier.algorithms import KeyAlgorithm

    publisher_keys = FileKeyStore.create(data / "keys", "publisher")
    if not publisher_keys.exists(publisher.BUNDLE_KEY):
        publisher_keys.generate(publisher.BUNDLE_KEY, KeyAlgorithm.SM2)
    authority_keys = FileKeyStore.create(data / "keys", "authority")
    for name, algorithm in zip(TLS_KEYS, (KeyAlgorithm.SM2, KeyAlgorithm.ECDSA), strict=True):
        if not authority_keys.exists(name):
            authority_keys.generate(name, algorithm, usage=KeyUsage.TLS_SERVER)


def _make_hierarchy(data: Path, settings: Config) -> None:
    create_authority(data, settings, settings.org)


def create_authority(data: Path, settings: Config, org: str) -> None:
    """Make a hierarchy with its own keys and database under ``data``."""
    from issuer.authority import Authority, AuthoritySettings
    from issuer.store import IssuerStore
    from keys import FileKeyStore

    keys = FileKeyStore.create(data / "keys", "issuer")
    with IssuerStore(data / "issuer.db") as store:
        told = AuthoritySettings(org, settings.domain, settings.public_url, demo=settings.demo)
        Authority.create(data, keys, store, told)


def _make_rogue(data: Path, settings: Config) -> None:
    (data / ROGUE).mkdir(parents=True, exist_ok=True)
    create_authority(data / ROGUE, settings, ROGUE_ORG)
    replace_file(data / ROGUE_ROOT_FILE, (data / ROGUE / "ca" / "roots.pem").read_bytes())


def _make_policy(data: Path, settings: Config) -> None:
    from verifier.certificates import load_pem_chain

    files = sorted((data / "ca").glob("ssl-*.pem"))
    pins = [(path.stem, load_pem_chain(path.read_bytes())[0].public_key.pin) for path in files]
    roots = (ROGUE_ROOT_FILE,) if settings.demo else ()
    replace_file(data / "policy.toml", policy_text(settings.domain, pins, roots).encode())


def _make_logs(data: Path, settings: Config) -> None:
    from keys import FileKeyStore
    from tlog.ct import create_log
    from verifier.algorithms import KeyAlgorithm
    from verifier.certificates import load_pem_chain

    keys = FileKeyStore.create(data / "keys", "logs")
    files = [data / "ca" / "roots.pem", *([data / ROGUE_ROOT_FILE] if settings.demo else [])]
    roots = [root for path in files for root in load_pem_chain(path.read_bytes())]
    for name in first_logs(settings):
        if (data / "logs" / name / "log.toml").exists():
            continue
        algorithm = KeyAlgorithm.SM2 if name.endswith("sm2") else KeyAlgorithm.ECDSA
        create_log(
            data / "logs" / name,
            name=name,
            origin=f"{settings.domain}/log/{name}",
            signer=keys.open(name) if keys.exists(name) else keys.generate(name, algorithm),
            roots=roots,
            description=f"{settings.org} log {name}",
            merge_delay=timedelta(seconds=settings.merge_delay),
            lock_directory=lock_directory(data),
        )
    publisher.write_log_lists(data, settings, datetime.now(UTC))


def _make_local_ca(data: Path, _settings: Config) -> None:
    from proxy_addon.client.local_ca import create_local_ca

    create_local_ca(data)


def _make_bundle(data: Path, settings: Config) -> None:
    publisher.write_bundle(data, settings, datetime.now(UTC))
    publisher.hand_to_proxy(data)


STEPS = (
    Step("keys/authority/tls-ecc.key", "Making keys", _make_keys),
    Step("ca/roots.pem", "Making the SM2 and ECC hierarchies", _make_hierarchy),
    Step(ROGUE_ROOT_FILE, "Making the authority that nobody pins", _make_rogue, demo_only=True),
    Step("policy.toml", "Writing policy.toml", _make_policy),
    Step("watchlist.toml", "Writing watchlist.toml", write_watchlist),
    Step(publisher.LOG_LIST_FILE, "Making the transparency logs", _make_logs),
    Step("proxy/ca.pem", "Making the proxy's local CA", _make_local_ca),
    Step("proxy/trust-bundle.json", "Signing the trust bundle", _make_bundle),
)
