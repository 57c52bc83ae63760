"""Prometheus's text format, version 0.0.4: families of samples, written so that no label can break out."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Kind(StrEnum):
    """What a family's samples are."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(slots=True)
class Family:
    """One metric: its name, what it means, and its samples. A counter's name ends in ``_total``."""

    name: str
    meaning: str
    kind: Kind = Kind.GAUGE
    lines: list[str] = field(default_factory=list)

    def add(self, value: float | None, *, suffix: str = "", **labels: str) -> "Family":
        """Add a sample; None, which is not known, adds none."""
        if value is not None:
            self.lines.append(f"{self.name}{suffix}{_labels(labels)} {_number(value)}")
        return self


def written(families: Iterable[Family]) -> str:
    """Return the families that have samples as one text."""
    parts: list[str] = []
    for family in families:
        if family.lines:
            parts += [f"# HELP {family.name} {_help(family.meaning)}", f"# TYPE {family.name} {family.kind}"]
            parts += family.lines
    return "\n".join(parts) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _help(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _number(value: float) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if float(value).is_integer() else repr(round(value, 6))
