"""What a benchmark says: a figure beside its limit, both measured in the same run."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured rate or time and the limit it is held against.

    ``ratio`` compares like with like (1.0 is the limit itself); ``required`` is the least that an issue
    asks for, or None where the figure is only shown.
    """

    name: str
    value: float
    unit: str
    limit_name: str
    limit: float
    required: float | None = None
    higher_is_better: bool = True

    @property
    def ratio(self) -> float:
        return self.value / self.limit if self.higher_is_better else self.limit / self.value
