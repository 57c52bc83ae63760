"""Why a witness does not cosign, as the caller has to tell it apart (C2SP tlog-witness)."""

from monitor.errors import MonitorError


class NotCosigned(MonitorError):
    """Root of these errors: a request that was understood and refused."""


class UnknownOrigin(NotCosigned):
    """No log of this origin is configured."""


class NotSigned(NotCosigned):
    """No key of the log has signed the checkpoint, or a line under one of its keys does not verify."""


class OtherSize(NotCosigned):
    """The last checkpoint that was cosigned has another size than the request says: ``size``."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the last checkpoint that was cosigned has {size} entries")
        self.size = size


class NotConsistent(NotCosigned):
    """The checkpoint is not shown to continue the last one that was cosigned."""


class CannotCosign(NotCosigned):
    """The witness itself has a problem, with its disk or its clock; the log has done nothing wrong."""
