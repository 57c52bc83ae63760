"""Run the benchmarks and print each figure beside its limit:  python -m benchmarks [--strict] [NAME...]

With --strict, a figure below what is asked of it makes the exit code 1.
"""

import sys
from importlib import import_module
from pathlib import Path

from benchmarks.figure import Figure

_HERE = Path(__file__).parent
NOT_BENCHMARKS = {"__init__", "__main__", "demo", "figure", "memory"}


def main(wanted: list[str]) -> int:
    """Measure the named benchmarks, or all; with --strict returns 1 where a figure is below what is asked."""
    strict = "--strict" in wanted
    wanted = [name for name in wanted if name != "--strict"]
    names = sorted(path.stem for path in _HERE.glob("*.py") if path.stem not in NOT_BENCHMARKS)
    if unknown := set(wanted) - set(names):
        print(
            f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(names)}", file=sys.stderr
        )
        return 2
    missed = 0
    print(f"{'figure':<44}{'measured':>14}  {'limit, same run':<40}{'ratio':>7}{'asked':>7}")
    for name in wanted or names:
        print(f"measuring {name} …", file=sys.stderr)
        for figure in import_module(f"benchmarks.{name}").measure():
            print(line(figure), flush=True)
            missed += figure.required is not None and figure.ratio < figure.required
    if missed:
        print(f"{missed} of these figures are below what is asked of them (✘).", file=sys.stderr)
    return 1 if strict and missed else 0


def line(figure: Figure) -> str:
    """Return one figure as a row of the table."""
    limit = f"{figure.limit_name}: {_number(figure.limit)} {figure.unit}"
    asked = "" if figure.required is None else f"{figure.required:.2f}"
    if figure.required is not None and figure.ratio < figure.required:
        asked += " ✘"
    measured = f"{_number(figure.value)} {figure.unit}"
    return f"{figure.name:<44}{measured:>14}  {limit:<40}{figure.ratio:>7.2f}{asked:>7}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
