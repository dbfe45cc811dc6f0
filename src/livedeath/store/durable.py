"""Bytes and a path go in; what has returned survives a crash and a power cut.

Every file of a study is written or replaced through this module, and nowhere else. A file
is written beside its final name, flushed to the device and then renamed, so a reader sees
the old content or the new one and never a part. It does not know what the bytes mean.
"""

import contextlib
import errno
import json
import os
import platform
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from livedeath.errors import StoreError

PARTIAL_SUFFIX = ".livedeath-partial"
"""Ending of a name whose content is not yet complete."""

FOREIGN_PARTIAL_SUFFIX = ".partial"
"""Ending that zarr-python gives to its own half-written files."""

SHARING_VIOLATIONS = frozenset({5, 32, 33})
"""Windows errors of a file that another program holds open (ACCESS_DENIED,
SHARING_VIOLATION, LOCK_VIOLATION); they pass within moments (zarr-python issue 4358)."""

RETRY_S = 10.0
"""How long a replace is tried again on Windows before it is an error."""

FIRST_PAUSE_S = 0.002
"""Pause before the second try; it doubles with each further one."""

LOCK_WAIT_S = 0.5
"""How long a lock is waited for: whoever asks for its `holder` holds it for a moment."""


def _known(*names: str) -> frozenset[int]:
    """Return the numbers of those errors that this system has."""
    return frozenset(getattr(errno, name) for name in names if hasattr(errno, name))


DISK_FULL = _known("ENOSPC", "EDQUOT")
"""Errors of a disk, or of a person's share of it, that has no room."""

READ_ONLY = _known("EROFS")

REFUSED = _known("EACCES", "EPERM", "EIO", "EFBIG", "ESTALE", "ENODEV", "ENOTCONN", "EHOSTDOWN")
"""Errors of rights, of a disk that fails or was pulled out, of a share that is gone."""

LOCK_OFFSET = 1 << 40
"""Byte that is locked, far behind any content: Windows denies others a locked region."""


def partial_path(path: Path) -> Path:
    """Return a new name beside ``path`` that `sweep` will recognise.

    The name is short on purpose: one derived from a long Japanese name could pass the
    255 bytes that most file systems allow.
    """
    return path.parent / f"{uuid.uuid4().hex[:16]}{PARTIAL_SUFFIX}"


def flush_to_device(handle: IO[bytes]) -> None:
    """Flush an open, writable file down to the device."""
    handle.flush()
    if sys.platform == "darwin":
        import fcntl

        # On macOS fsync leaves the bytes in the drive's own cache; some network
        # volumes do not know F_FULLFSYNC.
        with contextlib.suppress(OSError):
            fcntl.fcntl(handle.fileno(), fcntl.F_FULLFSYNC)
            return
    os.fsync(handle.fileno())


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Let an error say which file it is about; that of a full disk names none or a partial one."""
    try:
        yield
    except OSError as error:
        error.filename, error.filename2 = str(path), None
        raise


def complaint(error: OSError) -> str | None:
    """Return what a person can do about a disk that refuses, in one sentence.

    Parameters
    ----------
    error : OSError
        Of any file.

    Returns
    -------
    str or None
        None if it is not the disk's fault, such as a file that is not there.
    """
    named = isinstance(error.filename, str)
    where = error.filename if named else "the disk"
    said = error.strerror or str(error)
    if error.errno in DISK_FULL:
        return f"{where}: cannot be written ({said}); make room and run the command again"
    if error.errno in READ_ONLY:
        return f"{where}: cannot be written ({said}); make it writable and run the command again"
    if error.errno in REFUSED and named:
        return f"{where}: cannot be read or written ({said}); mend that and run the command again"
    return None


def fsync_path(path: Path) -> None:
    """Flush a file, or the names in a folder, to the device.

    Windows has no way to flush a folder; NTFS journals the names itself.
    """
    if path.is_dir():
        _fsync_folder(path)
        return
    with path.open("r+b") as handle:  # Windows flushes only what it may write
        flush_to_device(handle)


def _fsync_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems refuse to flush a folder.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def replace(src: Path, dst: Path) -> None:
    """Rename ``src`` over ``dst``; on Windows try again while a reader holds ``dst``.

    Raises
    ------
    StoreError
        If another program still holds ``dst`` after `RETRY_S` seconds.
    """
    pause_s = FIRST_PAUSE_S
    give_up = time.monotonic() + RETRY_S
    while True:
        try:
            os.replace(src, dst)
            return
        except PermissionError as error:
            if getattr(error, "winerror", None) not in SHARING_VIOLATIONS:
                raise
            if time.monotonic() >= give_up:
                raise StoreError(
                    f"{dst}: another program has held this file open for {RETRY_S:g} s, so it "
                    "cannot be replaced; close that program and run the command again"
                ) from error
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, 0.5)


def write_bytes(path: Path, data: bytes | bytearray | memoryview, *, flushed: bool = True) -> None:
    """Write a file so that it is complete and durable when this returns.

    Parameters
    ----------
    path : Path
        Final name; its folder must exist. An older file is replaced.
    data : bytes
        The whole content.
    flushed : bool
        Whether it is durable when this returns; if not, only once `flush` was given its path.

    Raises
    ------
    StoreError
        If Windows cannot replace the file. An `OSError` (disk full, no permission) passes
        through; the old file is then untouched and nothing half-written stays.
    """
    partial = partial_path(path)
    try:
        with _naming(path):
            with partial.open("xb") as handle:
                handle.write(data)
                if flushed:
                    flush_to_device(handle)
            replace(partial, path)
    except BaseException:
        _discard(partial)
        raise
    if flushed:
        _fsync_folder(path.parent)


def flush(paths: Iterable[Path]) -> None:
    """Make files durable that were written without being flushed; each folder only once."""
    written = list(paths)
    for path in written:
        with _naming(path):
            fsync_path(path)
    for folder in dict.fromkeys(path.parent for path in written):
        _fsync_folder(folder)


def _discard(partial: Path) -> None:
    with contextlib.suppress(OSError):
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8, its line ends as they are; see `write_bytes`."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, content: object) -> None:
    """Write a JSON document, indented, keys in the order given; see `write_bytes`."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def make_folder(path: Path) -> None:
    """Make a folder and its parents, and make their names durable."""
    missing = [path, *path.parents]
    missing = missing[: next(i for i, folder in enumerate(missing) if folder.exists())]
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        _fsync_folder(folder.parent)


def new_folder(path: Path) -> Path:
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


@contextlib.contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder to fill; on leaving, make it durable and rename it to ``path``.

    A crash leaves either no folder ``path`` or a complete one.

    Raises
    ------
    OSError
        If ``path`` exists and is not empty.
    """
    partial = partial_path(path)
    partial.mkdir()
    try:
        yield partial
        fsync_tree(partial)
        if path.is_dir():
            path.rmdir()  # refuses a folder that is not empty
        replace(partial, path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    _fsync_folder(path.parent)


def fsync_tree(folder: Path) -> None:
    """Flush every file and folder below ``folder`` to the device."""
    for root, _, files in os.walk(folder):
        for name in files:
            fsync_path(Path(root, name))
        _fsync_folder(Path(root))


def append_line(handle: IO[bytes], text: str) -> None:
    """Append one line of text and flush it to the device.

    A torn line that a crash left at the end is closed with a line end first, so that it
    cannot swallow the new one.

    Parameters
    ----------
    handle : binary file
        Opened with mode ``"a+b"`` and no buffer: one would keep what a full disk refused, and
        write it when the file is closed, after this has failed.
    text : str
        The line, without a line end.
    """
    with _naming(Path(handle.name)):
        start = b"" if ends_with_newline(handle) else b"\n"
        _write_all(handle, start + text.encode("utf-8") + b"\n")
        flush_to_device(handle)


def _write_all(handle: IO[bytes], data: bytes) -> None:
    """Write all of it: without a buffer a write may take a part and raise at the next."""
    left = memoryview(data)
    while left:
        left = left[handle.write(left) :]


def ends_with_newline(handle: IO[bytes]) -> bool:
    """Return whether an open file is empty or ends with a line end."""
    if handle.seek(0, os.SEEK_END) == 0:
        return True
    handle.seek(-1, os.SEEK_END)
    return handle.read(1) == b"\n"


def sweep(folder: Path) -> list[Path]:
    """Remove what crashed writers left half-written below a folder.

    Call it only while nothing writes there, that is, while holding the folder's lock.

    Returns
    -------
    list of Path
        What was removed, sorted.
    """
    removed = []
    for root, folders, files in os.walk(folder):
        for name in [f for f in folders if f.endswith(PARTIAL_SUFFIX)]:
            shutil.rmtree(Path(root, name))
            folders.remove(name)
            removed.append(Path(root, name))
        for name in files:
            if name.endswith((PARTIAL_SUFFIX, FOREIGN_PARTIAL_SUFFIX)):
                Path(root, name).unlink()
                removed.append(Path(root, name))
    return sorted(removed)


@contextlib.contextmanager
def lock(path: Path, *, doing: str = "livedeath", wait_s: float = LOCK_WAIT_S) -> Iterator[None]:
    """Hold a lock file; the operating system frees it when the process ends, however it ends.

    Parameters
    ----------
    path : Path
        The lock file; it stays when the lock is released.
    doing : str
        What the holder does, told to whoever finds the lock taken.
    wait_s : float
        How long to wait for another holder, seconds.

    Raises
    ------
    StoreError
        If another holder keeps the lock; the message names it.
    """
    with path.open("a+b", buffering=0) as handle:
        if not hold(handle, wait_s=wait_s):
            raise StoreError(f"{path.parent}: in use by {_holder(handle)}; wait for it or stop it")
        try:
            with _naming(path):
                _write_holder(handle, doing)
            yield
        finally:
            release(handle)


def _write_holder(handle: IO[bytes], doing: str) -> None:
    handle.truncate(0)
    started = datetime.now(UTC).isoformat(timespec="seconds")
    holder = {"doing": doing, "pid": os.getpid(), "host": platform.node(), "since": started}
    _write_all(handle, json.dumps(holder, ensure_ascii=False).encode("utf-8"))


def holder(path: Path) -> str | None:
    """Return who holds a lock file, in words; None if nobody does, or there is no such file."""
    try:
        with path.open("rb") as handle:
            if not hold(handle):
                return _holder(handle)
            release(handle)
    except FileNotFoundError:
        pass
    return None


def _holder(handle: IO[bytes]) -> str:
    handle.seek(0)
    try:
        holder = json.loads(handle.read().decode("utf-8"))
        return "'{doing}' (process {pid} on {host}, since {since})".format(**holder)
    except (ValueError, KeyError, OSError):
        return "another process"


def hold(handle: IO[bytes], *, wait_s: float = 0.0) -> bool:
    """Lock an open file against other processes; return False if ``wait_s`` was not enough."""
    give_up = time.monotonic() + wait_s
    while not _try_lock(handle):
        if time.monotonic() >= give_up:
            return False
        time.sleep(0.005)
    return True


if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: IO[bytes]) -> bool:
        handle.seek(LOCK_OFFSET)
        try:
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            handle.seek(0, os.SEEK_END)
        return True

    def release(handle: IO[bytes]) -> None:
        """Free the lock that `hold` took."""
        handle.flush()
        handle.seek(LOCK_OFFSET)
        msvcrt.locking(handle.fileno(), msvcrt.LK_UNLCK, 1)
        handle.seek(0, os.SEEK_END)

else:
    import fcntl

    def _try_lock(handle: IO[bytes]) -> bool:
        try:
            fcntl.flock(handle.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(handle: IO[bytes]) -> None:
        """Free the lock that `hold` took."""
        handle.flush()
        fcntl.flock(handle.fileno(), fcntl.LOCK_UN)
