"""What the proxy's own rooms raise: one small tree."""


class ProxyError(Exception):
    """Something that stops the proxy or one of its checks; the message says what and what to do."""


class SettingsError(ProxyError):
    """mingjing.toml, policy.toml or the trust bundle cannot be used as it is."""


class Unreachable(ProxyError):
    """No DNS answer or no TCP connection: nothing was seen of the site."""


class FetchError(ProxyError):
    """A revocation answer, trust bundle or inclusion proof could not be fetched."""
