"""What the block page says first, for each reason: what happened, what it means, what to do."""

from dataclasses import dataclass
from typing import Final

from verifier.judge.verdict import Code


@dataclass(frozen=True, slots=True)
class Words:
    """``happened`` is the page's first line; ``{host}`` stands for the site's name."""

    happened: str
    means: str
    advice: str


_OPERATOR = "Tell whoever runs the site, and send them the address of this page's evidence."
_AGAIN = "Try again in a minute."

WORDS: Final[dict[Code, Words]] = {
    Code.UNREACHABLE: Words(
        "{host} cannot be reached.",
        "There was no answer from the network, so there is nothing to trust or to distrust.",
        "Check the address for a typing error and whether this machine is online, then try again.",
    ),
    Code.CLEARTEXT: Words(
        "{host} wanted to talk without encryption.",
        "Anybody on the way could read and change what you send and what you see. Nothing was sent.",
        "Ask for the address with https:// in front. If the site has none, it cannot be visited safely.",
    ),
    Code.HANDSHAKE_FAILED: Words(
        "{host} answered, but no secure connection came about.",
        "The site and this verifier share no safe way to encrypt, or the connection was disturbed.",
        _AGAIN + " If it stays so, tell whoever runs the site.",
    ),
    Code.DOWNGRADE: Words(
        "The connection to {host} was weaker than both sides can do.",
        "Somebody on the way may have taken the stronger choices out.",
        "Try from another network. If it stays so, tell whoever runs the site.",
    ),
    Code.ALGORITHM_REQUIRED: Words(
        "{host} does not use the encryption that your organisation requires of it.",
        "Your policy asks for certain algorithms on this site, and the connection came about without them.",
        _OPERATOR,
    ),
    Code.PATH_INVALID: Words(
        "Nobody you trust vouches for {host}.",
        "Its certificate leads to no root that this verifier trusts. It may be an impostor.",
        "Do not enter anything. If you know the site, " + _OPERATOR[0].lower() + _OPERATOR[1:],
    ),
    Code.NOT_YET_VALID: Words(
        "The certificate of {host} is not valid yet.",
        "Its time begins in the future. Either it was put up too early or this machine's clock is slow.",
        "Check this machine's date and time, then try again.",
    ),
    Code.EXPIRED: Words(
        "The certificate of {host} has expired.",
        "Nobody vouches any more that this is the right site.",
        "Check this machine's date and time. If they are right, tell whoever runs the site.",
    ),
    Code.NAME_MISMATCH: Words(
        "The certificate belongs to another site than {host}.",
        "You asked for one name and were shown the identity of another.",
        "Check the address for a typing error. If it is right, do not enter anything.",
    ),
    Code.KEY_TOO_WEAK: Words(
        "The certificate of {host} uses a key or a signature that can be broken.",
        "Somebody with enough computers could pretend to be this site.",
        _OPERATOR,
    ),
    Code.ISSUER_NOT_PINNED: Words(
        "The certificate of {host} comes from the wrong issuer.",
        "For this site your organisation trusts its own issuing CA alone; this certificate is from another.",
        "Do not enter anything: this may be an attack. Tell your administrators.",
    ),
    Code.REVOKED: Words(
        "The certificate of {host} was withdrawn.",
        "Its issuer says that it must not be trusted any more, perhaps because its key was stolen.",
        "Do not enter anything. " + _OPERATOR,
    ),
    Code.REVOCATION_UNAVAILABLE: Words(
        "Nobody could say whether the certificate of {host} was withdrawn.",
        "Your policy asks for that answer before this site is trusted, and it could not be had.",
        _AGAIN + " If it stays so, tell your administrators that the revocation service does not answer.",
    ),
    Code.SCT_MISSING: Words(
        "No public log vouches for {host}.",
        "A certificate that was not written into the logs could have been issued in secret.",
        _OPERATOR,
    ),
    Code.SCT_INVALID: Words(
        "A log's promise for {host} is forged or damaged.",
        "The certificate carries a log's signature that the log did not make.",
        "Do not enter anything: this may be an attack. " + _OPERATOR,
    ),
    Code.SCT_UNKNOWN_LOG: Words(
        "Only logs that you do not trust vouch for {host}.",
        "The promises in its certificate come from logs that are in none of your policy's lists.",
        _OPERATOR,
    ),
    Code.SCT_TOO_FEW: Words(
        "Too few logs vouch for {host}.",
        "Your policy asks for promises from more independent logs than this certificate carries.",
        _OPERATOR,
    ),
    Code.LOG_DISTRUSTED: Words(
        "A log that vouches for {host} is no longer trusted.",
        "An audit found that it did not keep to its rules.",
        _OPERATOR,
    ),
    Code.SCT_NOT_INCLUDED: Words(
        "A log has broken its promise about {host}.",
        "It promised to publish this certificate and did not: the certificate was kept from public view.",
        "Do not enter anything: this may be an attack. Tell your administrators.",
    ),
    Code.TRUST_BUNDLE_STALE: Words(
        "This verifier does not know any more whom to trust for {host}.",
        "Its list of trust is past its date and could not be renewed.",
        "Check that this machine can reach your organisation's service, then try again.",
    ),
    Code.CHECK_FAILED: Words(
        "{host} could not be checked.",
        "Something in this verifier did not work. What is not checked is not trusted, so nothing was sent.",
        _AGAIN + " If it stays so, the proxy's log on this machine says what is wrong.",
    ),
}


def words_for(code: Code | None) -> Words:
    """Return the words for a refusal's reason."""
    return WORDS[code or Code.CHECK_FAILED]
