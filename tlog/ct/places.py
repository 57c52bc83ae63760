"""Where the newest hashes stand: kept in memory until the look-up trees have them."""

from collections.abc import Iterable, Sequence

from tlog.ct.index_file import SLICES, slice_of


class RecentPlaces:
    """Leaf indices by hash, slice by slice. The first place of a hash stays.

    One thread changes it, any may look up meanwhile.
    """

    def __init__(self) -> None:
        self._slices: list[dict[int, int]] = [{} for _ in range(SLICES)]

    def __len__(self) -> int:
        return sum(map(len, self._slices))

    def add(self, number: int, place: int) -> None:
        self._slices[slice_of(number)].setdefault(number, place)

    def load(self, rows: Iterable[tuple[int, int]], in_tree: Sequence[int]) -> None:
        """Add many hashes and places, but those of a slice that are before what its tree has."""
        slices = self._slices
        for number, place in rows:
            part = slice_of(number)
            if place >= in_tree[part]:
                slices[part].setdefault(number, place)

    def get(self, number: int) -> int | None:
        """Return the place of a hash (its number), None if it is not here."""
        return self._slices[slice_of(number)].get(number)

    def rows(self, part: int) -> list[tuple[int, int]]:
        """Return the hashes and places of one slice in the order of its tree."""
        return sorted(self._slices[part].items())

    def forget(self, part: int) -> None:
        """Drop a slice, which the tree has now."""
        self._slices[part] = {}
