"""The three states in which the site speaks of anything: there is no fourth."""

from dataclasses import dataclass
from enum import StrEnum

from web.public.language import Text, say


class State(StrEnum):
    """Trusted, refused, or not yet known."""

    TRUSTED = "trusted"
    REFUSED = "refused"
    UNKNOWN = "not-yet-known"

    @property
    def word(self) -> Text:
        """The state as a reader sees it."""
        return say(self.value.replace("-", " "))

    @property
    def heading(self) -> Text:
        """The same at the start of a line."""
        return self.word.change(str.capitalize)


@dataclass(frozen=True, slots=True)
class Said:
    """A state with the one plain sentence that gives its reason."""

    state: State
    sentence: Text


def worst(states: tuple[State, ...]) -> State:
    """Return the state of the whole: refused before not yet known before trusted; empty is not known."""
    for state in (State.REFUSED, State.UNKNOWN):
        if state in states:
            return state
    return State.TRUSTED if states else State.UNKNOWN
