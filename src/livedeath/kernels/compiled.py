"""Where compiled kernels are kept, and who is told while they are compiled.

Kernels are compiled when they are first called and kept on disk. numba looks only at the file
of a kernel to tell whether what it kept still holds, not at the kernels that it calls, and
installers give the files of all versions one and the same date: so every version of the
kernels, of numba and of Python's own bytecode has a folder of its own here, in the user's
cache, which also serves where the installation cannot be written. A folder of sources keeps
numba's way, beside the files. ``NUMBA_CACHE_DIR`` outdoes both.
"""

import contextlib
import gc
import hashlib
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numba
import numba.core.config
from numba.core import event

config: Any = numba.core.config

FOLDER = Path(__file__).resolve().parent

COMPILE = "numba:compile"
"""What numba announces when a kernel is compiled, and not when it is found on disk."""

DIGITS = 16


def prepare() -> None:
    """Choose where compiled kernels are kept; called once, before any kernel is defined."""
    event.register(COMPILE, _QuietCollector())
    if config.CACHE_DIR or (_are_sources() and _can_be_written(FOLDER / "__pycache__")):
        return
    for place in (user_cache, _own_temporary):
        chosen = place() / "livedeath" / version()
        if _can_be_written(chosen):
            config.CACHE_DIR = str(chosen)
            return


def folder() -> Path:
    """Return where compiled kernels are kept."""
    return Path(config.CACHE_DIR) if config.CACHE_DIR else FOLDER / "__pycache__"


def version() -> str:
    """Return a short name of all kernels together, numba and Python."""
    digest = hashlib.sha256(f"{numba.__version__} {sys.implementation.cache_tag}".encode())
    for path in sorted(FOLDER.glob("*.py")):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:DIGITS]


def user_cache() -> Path:
    """Return the folder in which a person's programs keep what they can make again.

    Where a person has no home, it is one that cannot be written.
    """
    if sys.platform == "win32":
        told = os.environ.get("LOCALAPPDATA")
        return Path(told) if told else Path(os.path.expanduser("~/AppData/Local"))
    if sys.platform == "darwin":
        return Path(os.path.expanduser("~/Library/Caches"))
    told = os.environ.get("XDG_CACHE_HOME")
    return Path(told) if told else Path(os.path.expanduser("~/.cache"))


def _own_temporary() -> Path:
    """Return a temporary folder that nobody else can write: what lies there is run."""
    with tempfile.TemporaryFile() as file:
        owner = os.fstat(file.fileno()).st_uid
    own = Path(tempfile.gettempdir()) / f"livedeath-{owner}"
    with contextlib.suppress(OSError):
        own.mkdir(mode=0o700, exist_ok=True)
        found = own.lstat()
        # Windows gives each person a temporary folder of their own, and no such modes.
        closed = os.name == "nt" or (found.st_uid == owner and found.st_mode & 0o077 == 0)
        if closed and not own.is_symlink():
            return own
    return Path(tempfile.mkdtemp(prefix="livedeath-"))


def _are_sources() -> bool:
    return (FOLDER.parents[2] / "pyproject.toml").is_file()


def _can_be_written(place: Path) -> bool:
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            return True
    except OSError:
        return False


class _QuietCollector(event.Listener):
    """Lets Python's collector of garbage rest while a kernel is compiled: a fifth of the time.

    A compiler makes millions of small objects that live until it is done.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._was_on = False
        self._lock = threading.Lock()

    def on_start(self, event: object) -> None:
        with self._lock:
            if self._depth == 0:
                self._was_on = gc.isenabled()
                gc.disable()
            self._depth += 1

    def on_end(self, event: object) -> None:
        with self._lock:
            self._depth -= 1
            if self._depth == 0 and self._was_on:
                gc.enable()


class _Teller(event.Listener):
    def __init__(self, tell: Callable[[int], None]) -> None:
        self._tell = tell
        self._done = 0

    def on_start(self, event: object) -> None:
        if self._done == 0:
            self._tell(0)

    def on_end(self, event: object) -> None:
        self._done += 1
        self._tell(self._done)


@contextlib.contextmanager
def telling(tell: Callable[[int], None]) -> Iterator[None]:
    """Tell of every function that is compiled meanwhile.

    Parameters
    ----------
    tell : callable
        Called with 0 when the first begins, then with how many are done. Never called where
        all of them are found on disk.
    """
    teller = _Teller(tell)
    event.register(COMPILE, teller)
    try:
        yield
    finally:
        event.unregister(COMPILE, teller)
