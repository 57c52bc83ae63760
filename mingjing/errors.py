"""What the front door says when it cannot go on."""


class MingjingError(Exception):
    """A sentence for the person at the terminal: what could not be done, and what to do about it."""


class ConfigError(MingjingError):
    """A setting in mingjing.toml or on the command line is wrong; the message names it."""


class DataError(MingjingError):
    """The data directory cannot be used as asked."""


class NotStarted(MingjingError):
    """A service could not start; the message quotes its last words."""


class Unreachable(MingjingError):
    """A service or site did not answer (exit code 2)."""
