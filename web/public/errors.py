"""What can go wrong for a visitor, in one small tree; each says what happened and the way out."""

from http import HTTPStatus

from web.public.language import say


class SiteError(Exception):
    """A request that cannot be answered; ``field`` is the parameter at fault, ``way_out`` what to do."""

    status = HTTPStatus.BAD_REQUEST
    title = say("This request cannot be answered")

    def __init__(self, message: str, *, field: str | None = None, way_out: str = "") -> None:
        super().__init__(message)
        self.message, self.field, self.way_out = message, field, way_out


class BadParameter(SiteError):
    """A parameter with a value that is not among those expected."""


class Missing(SiteError):
    """Nothing is at this address."""

    status = HTTPStatus.NOT_FOUND
    title = say("Not here")


class NotReady(SiteError):
    """The site cannot answer yet, or at the moment."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = say("Not ready yet")


class ServiceDown(SiteError):
    """A service behind the site does not answer."""

    status = HTTPStatus.BAD_GATEWAY
    title = say("A service does not answer")
