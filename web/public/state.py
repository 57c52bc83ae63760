"""The three states in which the site speaks of anything: there is no fourth."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Trusted, refused, or not yet known."""

    TRUSTED = "trusted"
    REFUSED = "refused"
    UNKNOWN = "not-yet-known"

    @property
    def word(self) -> str:
        """The state as a reader sees it."""
        return self.value.replace("-", " ")


@dataclass(frozen=True, slots=True)
class Said:
    """A state with the one plain sentence that gives its reason."""

    state: State
    sentence: str


def worst(states: tuple[State, ...]) -> State:
    """Return the state of the whole: refused before not yet known before trusted; empty is not known."""
    for state in (State.REFUSED, State.UNKNOWN):
        if state in states:
            return state
    return State.TRUSTED if states else State.UNKNOWN
