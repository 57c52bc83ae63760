"""The three states as shapes, and the site's mark."""

from xml.etree.ElementTree import Element

from web.public.drawing.svg import NAMESPACE, serialise, shape
from web.public.state import State

_OCTAGON = "M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z"


def state_shapes(state: State) -> tuple[Element, ...]:
    """Return the parts of a state's shape, within 16 by 16."""
    return {
        State.TRUSTED: (
            shape("circle", cx=8, cy=8, r=7.5, class_="body"),
            shape("path", d="M4.6 8.3 7 10.7l4.5-5.1", class_="sign"),
        ),
        State.REFUSED: (
            shape("path", d=_OCTAGON, class_="body"),
            shape("path", d="M5.3 5.3l5.4 5.4M10.7 5.3l-5.4 5.4", class_="sign"),
        ),
        State.UNKNOWN: (shape("circle", cx=8, cy=8, r=6.6, class_="dashes"),),
    }[state]


def draw_state(state: State, size: int = 16) -> str:
    """Return the shape of a state: filled circle with a tick, octagon with a cross, dashed circle.

    It is hidden from assistive software, because its word always stands beside it.
    """
    return serialise(
        shape(
            "svg",
            *state_shapes(state),
            xmlns=NAMESPACE,
            viewBox="0 0 16 16",
            width=size,
            height=size,
            class_=f"symbol is-{state.value}",
            aria_hidden="true",
            focusable="false",
        )
    )


def draw_mark(size: int = 28) -> str:
    """Return the site's mark: a round mirror on its stand, with the light in it."""
    return serialise(
        shape(
            "svg",
            shape("circle", cx=14, cy=12, r=10, class_="rim"),
            shape("path", d="M8.6 12.6a5.6 5.6 0 0 1 5-5.6", class_="light"),
            shape("path", d="M8 26h12M14 22v4", class_="rim"),
            xmlns=NAMESPACE,
            viewBox="0 0 28 28",
            width=size,
            height=size,
            class_="mark",
            aria_hidden="true",
            focusable="false",
        )
    )
