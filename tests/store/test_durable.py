import errno
import os
import re
import subprocess
import sys
import time

import pytest

from livedeath.errors import StoreError
from livedeath.store import durable


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "実験 7 (copy)"
    place.mkdir()
    return place


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_written_file_holds_its_bytes_and_leaves_nothing_beside_it(folder):
    durable.write_bytes(folder / "細胞 a.bin", b"abc")
    durable.write_bytes(folder / "細胞 a.bin", b"def")
    assert (folder / "細胞 a.bin").read_bytes() == b"def"
    assert names(folder) == ["細胞 a.bin"]


def test_a_full_disk_leaves_the_old_file_and_no_partial(folder, monkeypatch):
    durable.write_bytes(folder / "a", b"old")

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(durable, "flush_to_device", full)
    with pytest.raises(OSError, match="No space"):
        durable.write_bytes(folder / "a", b"new")
    assert names(folder) == ["a"]
    assert (folder / "a").read_bytes() == b"old"


def test_the_error_of_a_full_disk_names_the_file_that_was_to_be_written(folder, monkeypatch):
    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(durable, "flush_to_device", full)
    with pytest.raises(OSError, match="No space") as caught:
        durable.write_bytes(folder / "a", b"new")
    assert caught.value.filename == str(folder / "a")
    with (folder / "b").open("a+b") as handle, pytest.raises(OSError, match="No space") as caught:
        durable.append_line(handle, "{}")
    assert caught.value.filename == str(folder / "b")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left", "f.csv"), "f.csv: .*No space left.* make room"),
        (OSError(errno.ENOSPC, "No space left"), "the disk: .*No space left.* make room"),
        (OSError(errno.EROFS, "Read-only file system", "f"), "f: .*Read-only.* make it writable"),
        (PermissionError(errno.EACCES, "Permission denied", "f"), "f: .*Permission denied.* mend"),
        (OSError(errno.EIO, "Input/output error", "f"), "f: .*Input/output error.* mend"),
    ],
)
def test_a_disk_that_refuses_is_told_in_one_sentence(error, said):
    assert re.fullmatch(f"{said}[^.]* and run the command again", durable.complaint(error))


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(errno.ENOENT, "No such file or directory", "f"),
        FileExistsError(errno.EEXIST, "File exists", "f"),
        PermissionError(errno.EPERM, "Operation not permitted"),
        OSError("no number"),
    ],
)
def test_what_is_not_the_disks_fault_stays_a_fault(error):
    assert durable.complaint(error) is None


def held_open(times, winerror):
    """Return an os.replace that fails like Windows while a reader holds the file."""
    real, left = os.replace, [times]

    def replace(src, dst):
        if left[0]:
            left[0] -= 1
            error = PermissionError(13, "held open")
            error.winerror = winerror
            raise error
        real(src, dst)

    return replace


@pytest.mark.parametrize("winerror", [5, 32, 33])
def test_a_sharing_violation_is_tried_again(folder, monkeypatch, winerror):
    monkeypatch.setattr(os, "replace", held_open(3, winerror))
    durable.write_bytes(folder / "a", b"new")
    assert (folder / "a").read_bytes() == b"new"


def test_a_lasting_sharing_violation_is_said_in_a_sentence(folder, monkeypatch):
    monkeypatch.setattr(durable, "RETRY_S", 0.02)
    monkeypatch.setattr(os, "replace", held_open(10**6, 32))
    with pytest.raises(StoreError, match="another program has held this file"):
        durable.write_bytes(folder / "a", b"new")
    assert names(folder) == []


def test_another_refusal_is_not_tried_again(folder, monkeypatch):
    monkeypatch.setattr(os, "replace", held_open(1, 1))
    with pytest.raises(PermissionError):
        durable.write_bytes(folder / "a", b"new")


def half_fill(path):
    with durable.replacing_folder(path) as partial:
        (partial / "half").write_text("x")
        raise RuntimeError


def test_a_folder_appears_whole_or_not_at_all(folder):
    with pytest.raises(RuntimeError):
        half_fill(folder / "out")
    assert names(folder) == []
    with durable.replacing_folder(folder / "out") as partial:
        (partial / "whole").write_text("x")
    assert names(folder) == ["out"]
    assert names(folder / "out") == ["whole"]


def test_a_folder_that_holds_something_is_not_replaced(folder):
    (folder / "out").mkdir()
    (folder / "out" / "mine").write_text("x")
    with pytest.raises(OSError), durable.replacing_folder(folder / "out"):  # noqa: PT011
        pass
    assert names(folder / "out") == ["mine"]


def test_sweep_removes_what_is_half_written_and_nothing_else(folder):
    inner = folder / "c"
    inner.mkdir()
    (inner / f"0123{durable.PARTIAL_SUFFIX}").write_bytes(b"x")
    (inner / "zarr.json.0a.partial").write_bytes(b"x")
    (folder / f"45{durable.PARTIAL_SUFFIX}").mkdir()
    (inner / "c.0.0").write_bytes(b"x")
    removed = durable.sweep(folder)
    assert len(removed) == 3
    assert names(folder) == ["c"]
    assert names(inner) == ["c.0.0"]


def test_make_folder_makes_parents_and_accepts_what_is_there(folder):
    durable.make_folder(folder / "a" / "b c" / "d")
    durable.make_folder(folder / "a" / "b c" / "d")
    assert (folder / "a" / "b c" / "d").is_dir()


def test_a_torn_line_is_closed_before_the_next(folder):
    path = folder / "lines"
    path.write_bytes(b"one\ntw")
    with path.open("a+b") as handle:
        durable.append_line(handle, "three")
        durable.append_line(handle, "four")
    assert path.read_bytes() == b"one\ntw\nthree\nfour\n"


HOLD = """
import sys, time
from pathlib import Path
from livedeath.store import durable
with durable.lock(Path(sys.argv[1]), doing="livedeath acquire"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(folder):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder / "a.lock")], stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"held" + os.linesep.encode()
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_taken_lock_names_its_holder(folder, holder):
    with (
        pytest.raises(StoreError, match=rf"livedeath acquire.*{holder.pid}"),
        durable.lock(folder / "a.lock"),
    ):
        pass


def test_who_holds_a_lock_can_be_asked_without_taking_it(folder):
    path = folder / "some.lock"
    assert durable.holder(path) is None
    assert not path.exists()
    with durable.lock(path, doing="livedeath acquire"):
        assert durable.holder(path).startswith("'livedeath acquire' (process ")
    assert durable.holder(path) is None


def test_a_lock_is_free_when_its_holder_was_killed(folder, holder):
    holder.kill()
    holder.wait()
    with durable.lock(folder / "a.lock", wait_s=2):
        pass


def test_a_lock_can_be_waited_for(folder, holder):
    begin = time.monotonic()
    with pytest.raises(StoreError), durable.lock(folder / "a.lock", wait_s=0.2):
        pass
    assert time.monotonic() - begin >= 0.2


def test_a_lock_is_released_after_an_error(folder):
    with pytest.raises(RuntimeError), durable.lock(folder / "a.lock"):
        raise RuntimeError
    with durable.lock(folder / "a.lock"):
        pass


def test_a_lock_that_cannot_be_signed_names_its_file(tmp_path):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5, hard))
    try:
        with (
            pytest.raises(OSError, match="too large") as caught,
            durable.lock(tmp_path / "acquire.lock"),
        ):
            pytest.fail("was held")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.filename == str(tmp_path / "acquire.lock")
    assert durable.holder(tmp_path / "acquire.lock") is None


def test_files_that_were_not_flushed_are_flushed_together_each_folder_once(folder, monkeypatch):
    flushed, folders = [], []
    real, real_folder = durable.flush_to_device, durable._fsync_folder

    def file(handle):
        flushed.append(os.path.basename(handle.name))
        real(handle)

    monkeypatch.setattr(durable, "flush_to_device", file)
    monkeypatch.setattr(
        durable, "_fsync_folder", lambda place: (folders.append(place), real_folder(place))
    )
    paths = [folder / name for name in ("a", "b", "c")]
    for path in paths:
        durable.write_bytes(path, b"1", flushed=False)
    assert (flushed, folders) == ([], [])
    durable.flush(paths)
    assert (flushed, folders) == (["a", "b", "c"], [folder])
    durable.write_bytes(folder / "d", b"1")
    assert (len(flushed), len(folders)) == (4, 2)
