"""The policy.toml that ``init`` writes: the ordinary web by default, the organisation's domain pinned."""

from collections.abc import Iterable

_TEXT = """\
# policy.toml: what a connection must show before the proxy lets a byte of it through.
# The most specific host wins; a key that a section lacks is taken from [default].
# Changes are read while the proxy runs; a wrong one is refused and the old policy stays in force.

[default]                 # every site without a section of its own
trust = "public"          # Mozilla's roots and the roots named in [roots]
scts = "browser"          # the browsers' count and operator rule
log_lists = []            # whose SCTs count: "own", or files (log list v3); none: a note, not a refusal
revocation = "soft"       # "off", "soft": a missing answer is noted, "hard": it refuses
cleartext = "refuse"      # "refuse", "upgrade", "allow"
# report = true           # a broken promise is reported to this service, which so learns of the visit

[roots]                   # certificate files (PEM) that count as public roots besides Mozilla's
files = [{roots}]
"""

_SITE = """
[[site]]                  # {comment}
host = "{host}"
trust = "pinned"          # only certificates of the issuing CAs below
issuers = [
{issuers}
]
scts = 2                  # promises of this many different logs
log_lists = ["own"]
revocation = "hard"
# require = ["sm2"]       # algorithms that the connection must use: "sm2", "pq", "tlcp"
"""


def policy_text(domain: str, issuers: Iterable[tuple[str, str]], root_files: Iterable[str] = ()) -> str:
    """Return the text; ``issuers`` are (name of the CA, pin as "sha256:<hex>")."""
    pins = "\n".join(f'    "{pin}",  # {name}' for name, pin in issuers)
    roots = ", ".join(f'"{name}"' for name in root_files)
    sites = (("all names below the organisation's domain", f"*.{domain}"), ("the domain itself", domain))
    return _TEXT.format(roots=roots) + "".join(
        _SITE.format(comment=comment, host=host, issuers=pins) for comment, host in sites
    )
