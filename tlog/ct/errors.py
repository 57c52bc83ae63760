"""Why a submission or a question is turned down; one sentence that the caller may show as it is."""

from tlog.errors import TlogError


class SubmissionRefused(TlogError):
    """The chain is not one that this log takes."""


class BadQuestion(TlogError):
    """A read request asks for something that cannot exist (a size beyond the tree, a start after its end)."""


class NotFound(TlogError):
    """A read request asks for an entry, tile or issuer that the log does not have."""


class LogSettingsError(TlogError):
    """log.toml or roots.pem cannot be used; the message names the file."""
