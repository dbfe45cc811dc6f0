"""Compiled kernels are kept where they can be, apart for every version, and it is told."""

import gc
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

from livedeath.kernels import compiled

COMPILES = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
PACKAGE = Path(compiled.__file__).resolve().parents[1]
CALLS_A_KERNEL = (
    "import numpy as np; from livedeath.kernels import compiled, label;"
    "said = [];\n"
    "with compiled.telling(said.append):\n"
    "    label.smooth(np.zeros((9, 9), np.float32), np.ones(3, np.float32) / 3)\n"
    "print(compiled.folder()); print(max(said, default=0))"
)


def installed(place):
    """Return a copy of the package, as an installer leaves it."""
    target = place / "site-packages"
    ignored = shutil.ignore_patterns("__pycache__", "*.nb[ic]", "*.pyc")
    shutil.copytree(PACKAGE, target / "livedeath", ignore=ignored)
    return target


def run(site, home, **more):
    """Run a kernel in an installation; return where it was kept and how many were compiled."""
    told = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA", "XDG", "PYTHON"))}
    told |= {"PYTHONPATH": str(site), "HOME": str(home), "TMPDIR": str(home.parent)}
    told |= {"LOCALAPPDATA": str(home), "TEMP": str(home.parent)}
    told |= {"PYTHONDONTWRITEBYTECODE": "1"}
    made = subprocess.run(
        [sys.executable, "-c", CALLS_A_KERNEL],
        env=told | more,
        capture_output=True,
        text=True,
        check=True,
        cwd=home.parent,
    )
    where, n = made.stdout.split("\n")[:2]
    return Path(where), int(n)


@pytest.fixture
def place(tmp_path):
    """Return a folder for an installation, and for a person's home."""
    (tmp_path / "home").mkdir()
    return tmp_path


def shut(folder):
    """Let nothing be made in a folder, whoever asks: there is a file in its place."""
    folder.write_text("")
    return folder


def test_a_read_only_installation_keeps_its_kernels_in_the_users_cache(place):
    site, home = installed(place), place / "home"
    shut(site / "livedeath" / "kernels" / "__pycache__")
    where, n = run(site, home)
    assert n > 0
    assert where.parent.name == "livedeath"
    assert where.is_relative_to(home)
    assert run(site, home) == (where, 0)
    assert list(where.rglob("*.nbi"))
    assert not list(site.rglob("*.nbi"))


def test_without_a_home_they_are_kept_where_only_their_owner_can_write(place):
    site = installed(place)
    shut(site / "livedeath" / "kernels" / "__pycache__")
    home = shut(place / "no home")
    where, n = run(site, home)
    assert n > 0
    assert where.is_relative_to(place)
    assert os.name == "nt" or where.parents[1].stat().st_mode & 0o077 == 0
    assert run(site, home) == (where, 0)


def test_a_folder_that_others_can_write_is_not_used(place):
    site, home = installed(place), shut(place / "no home")
    first, _ = run(site, home)
    first.parents[1].chmod(0o777)
    second, n = run(site, home)
    assert (second != first, n > 0) == (True, True) or os.name == "nt"


def test_a_changed_kernel_has_all_kernels_compiled_anew(place):
    site, home = installed(place), place / "home"
    first, _ = run(site, home)
    called = site / "livedeath" / "kernels" / "elementary.py"
    as_before = called.stat()
    called.write_text(called.read_text("utf-8") + "\nMORE = 1\n", "utf-8")
    os.utime(called, (as_before.st_atime, as_before.st_mtime))
    second, n = run(site, home)
    assert n > 0
    assert second != first


def test_the_user_may_say_where(place):
    site, home = installed(place), place / "home"
    elsewhere = place / "elsewhere"
    where, n = run(site, home, NUMBA_CACHE_DIR=str(elsewhere))
    assert (where, n > 0) == (elsewhere, True)


@COMPILES
def test_only_what_is_compiled_is_told():
    @numba.njit
    def twice(x):
        return 2 * x

    said = []
    with compiled.telling(said.append):
        twice(1)
        twice(2)
    assert said == [0, 1]
    with compiled.telling(said.append):
        twice(np.float64(1))
    twice(np.float32(1))
    assert said == [0, 1, 0, 1]


@COMPILES
def test_the_collector_rests_while_compiling_and_is_left_as_it_was():
    seen = []

    @numba.njit
    def thrice(x):
        return 3 * x

    with compiled.telling(lambda done: seen.append((done, gc.isenabled()))):
        thrice(1)
    assert seen[0] == (0, False)
    assert gc.isenabled()
    gc.disable()
    try:
        thrice(1.0)
        assert not gc.isenabled()
    finally:
        gc.enable()
