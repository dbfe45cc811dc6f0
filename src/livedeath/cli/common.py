"""What the commands share: JSON, progress bars and output folders."""

import json
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else.")
]


def emit(result: dict[str, Any], *, as_json: bool, text: str) -> None:
    """Write a command's result: as one JSON object, or as text for a person.

    Parameters
    ----------
    result : dict
        Paths are made absolute; numbers that are not finite become null.
    as_json : bool
        Whether ``--json`` was given.
    text : str
        What a person reads instead.
    """
    said = json.dumps(_plain(result), ensure_ascii=False) if as_json else text
    sys.stdout.write(said.rstrip("\n") + "\n")
    sys.stdout.flush()


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON takes anything
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Path):
        return str(value.absolute())
    if hasattr(value, "item"):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


@contextmanager
def progress(description: str, total: int | None) -> Iterator[Callable[..., None]]:
    """Show a bar on standard error while work goes on; nothing unless it is a terminal.

    Parameters
    ----------
    description : str
        What is being done.
    total : int or None
        Number of steps; None if it is not known.

    Yields
    ------
    callable
        To be called with the number of steps done since the last call, and where it became
        known only later with the number of all steps.
    """
    with _bars() as bar:
        task = bar.add_task(description, total=total)
        yield lambda steps, of=total: bar.update(task, advance=steps, total=of)


@contextmanager
def scoring() -> Iterator[Callable[..., None]]:
    """Show two bars: visits scored, and above it, if there is need, what is compiled once.

    Yields
    ------
    callable
        See `progress`.
    """
    from livedeath.kernels import compiled

    with _bars() as bar:
        with compiled.telling(Compiling(bar)):
            task = bar.add_task("Scoring visits", total=None)
            yield lambda steps, of=None: bar.update(task, advance=steps, total=of)


@contextmanager
def compiling() -> Iterator[Callable[[int], None]]:
    """Show a bar while things are compiled; yields what is to be told how many are."""
    with _bars() as bar:
        yield Compiling(bar)


class Compiling:
    """A bar that appears when something is compiled, and then says how far that is.

    Parameters
    ----------
    bar : rich.progress.Progress
        Where it appears.
    """

    def __init__(self, bar: Any) -> None:  # noqa: ANN401 - rich is imported when it is used
        self._bar = bar
        self._task: Any = None

    def __call__(self, done: int) -> None:
        """Show how many functions were compiled."""
        from livedeath.run.warm_up import FUNCTIONS

        if self._task is None:
            self._task = self._bar.add_task("Compiling, once after installing", total=FUNCTIONS)
        self._bar.update(self._task, completed=done, total=max(FUNCTIONS, done))


def _bars() -> Any:  # noqa: ANN401 - rich is imported when it is used
    """Return bars on standard error; silent unless it is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining())
    return Progress(*columns, console=console, disable=not console.is_terminal)
