"""What the commands share: JSON, progress bars and output folders."""

import json
import math
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from livedeath.errors import StoreError

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
def progress(description: str, total: int | None) -> Iterator[Callable[[int], None]]:
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
        To be called with the number of steps done since the last call.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(description, total=total)
        yield lambda steps: bar.update(task, advance=steps)


def check_output_folder(path: Path) -> Path:
    """Return the absolute path of a folder that may be written, without creating it.

    Raises
    ------
    StoreError
        If something is in the way, the folder is not empty, or it cannot be written.
    """
    path = path.absolute()
    if path.exists() and not path.is_dir():
        raise StoreError(f"{path}: this is a file; name a folder that is new or empty.")
    if path.is_dir() and any(path.iterdir()):
        raise StoreError(f"{path}: the folder is not empty; name one that is new or empty.")
    standing = next((p for p in (path, *path.parents) if p.exists()), path)
    if not standing.is_dir():
        raise StoreError(f"{path}: {standing} is a file, so no folder can be made below it.")
    if not _is_writable(standing):
        raise StoreError(f"{path}: cannot be written; name a folder where you may write.")
    return path


def _is_writable(folder: Path) -> bool:
    if not os.access(folder, os.W_OK):
        return False
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".livedeath-"):
            return True
    except OSError:
        return False
