"""The HTTP stream of mitmproxy with two things added: no upstream use without a verdict, and our own pages.

mitmproxy's hooks come before a connection is opened (``request``, with the lazy strategy) or not at all (its
own error answers). Both gaps are closed here, where a stream gets its upstream connection and where it
answers its client.
"""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from mitmproxy import http
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.layers import http as http_layer
from mitmproxy.proxy.layers.http import _events

from proxy_addon.client import pages

FIRST_FINAL_STATUS = 200

Answer = Callable[[http.HTTPFlow, int], http.Response]
Admits = Callable[[http.HTTPFlow], bool]
Header = Callable[[http.HTTPFlow], str]


class VerdictStream(http_layer.HttpStream):
    """One request and its answer, bound to a verdict.

    ``admits`` tells whether a flow's server connection has a trusted verdict on record; ``answer`` makes the
    page for a flow that mitmproxy would answer with an error of its own; ``header`` is the verdict to put on
    whatever is answered. They are set by ``bind``.
    """

    admits: ClassVar[Admits]
    answer: ClassVar[Answer]
    header: ClassVar[Header]
    _answered = False

    def handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        for command in super().handle_event(event):
            yield from self._own_page(command)

    def make_server_connection(self) -> layer.CommandGenerator[bool]:
        made = yield from super().make_server_connection()
        if not made:
            return False
        if type(self).admits(self.flow):
            return True
        yield from self.handle_protocol_error(
            _events.ResponseProtocolError(self.stream_id, "refused", _events.ErrorCode.CONNECT_FAILED)
        )
        return False

    def _own_page(self, command: commands.Command) -> Iterator[commands.Command]:
        """Put our page in the place of an error answer, unless an answer has already begun."""
        if isinstance(command, http_layer.SendHttp) and command.connection == self.context.client:
            match command.event:
                case _events.ResponseHeaders() as event if not self._is_connect:
                    # Said once more here, where no hook can fail in between.
                    pages.stamp(event.response, type(self).header(self.flow))
                    self._answered = self._answered or event.response.status_code >= FIRST_FINAL_STATUS
                case _events.ResponseTrailers() as event:
                    event.trailers.pop(pages.HEADER, None)
                case _events.ResponseProtocolError() as event if not self._answered and not self._is_connect:
                    status = event.code.http_status_code()
                    if status is not None and getattr(self, "flow", None) is not None:
                        self._answered = True
                        yield from self._page(type(self).answer(self.flow, status))
                case _:
                    pass
        yield command

    @property
    def _is_connect(self) -> bool:
        flow: http.HTTPFlow | None = getattr(self, "flow", None)
        return flow is not None and flow.request.method == "CONNECT"

    def _page(self, response: http.Response) -> Iterator[commands.Command]:
        content = response.raw_content or b""
        for event in (
            _events.ResponseHeaders(self.stream_id, response, end_stream=not content),
            _events.ResponseData(self.stream_id, content),
            _events.ResponseEndOfMessage(self.stream_id),
        ):
            if not isinstance(event, _events.ResponseData) or content:
                yield http_layer.SendHttp(event, self.context.client)


def bind(admits: Admits, answer: Answer, header: Header) -> type[VerdictStream]:
    """Return the stream class for one addon."""
    attributes: dict[str, Any] = {
        "admits": staticmethod(admits), "answer": staticmethod(answer), "header": staticmethod(header),
    }  # fmt: skip
    return type("BoundVerdictStream", (VerdictStream,), attributes)
