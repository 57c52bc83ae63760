"""What a name looks like to a person: two names that look the same have the same looks (UTS #39, skeletons).

More is taken for the same than UTS #39 does: marks over letters do not count, and 0 is o, and vv is w.
Only for raising alerts.
"""

from functools import lru_cache
from typing import Final
from unicodedata import combining, normalize

from monitor.watching.confusables import LOOK_LIKE
from monitor.watching.names import LONGEST_LABEL, Labels

_LOOKS: Final = {ord(character): looks for looks, characters in LOOK_LIKE.items() for character in characters}
_ASCII: Final = str.maketrans({"0": "o", "1": "l", "m": "rn", "w": "vv"})


def looks(labels: Labels) -> Labels:
    """Return what the labels of a name, as A-labels, look like."""
    return tuple(map(_of_label, labels))


@lru_cache(maxsize=4096)
def _of_label(label: str) -> str:
    text = label
    if label.startswith("xn--") and len(label) <= LONGEST_LABEL:
        try:
            text = label[4:].encode("ascii").decode("punycode")
        except UnicodeError:
            return label
    elif label.isascii():
        return label.translate(_ASCII)
    bare = "".join(c for c in normalize("NFKD", text.casefold()) if not combining(c))
    return bare.translate(_LOOKS).casefold().translate(_ASCII)
