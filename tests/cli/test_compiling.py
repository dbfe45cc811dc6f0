"""That something is compiled is said once, on a terminal, and doctor does it ahead."""

import io
import json

import numba
from rich.console import Console
from rich.progress import Progress

from livedeath.cli import common, main


def on_a_terminal(monkeypatch):
    """Let the bars be written as on a terminal; return what is written."""
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=100)
    monkeypatch.setattr(common, "_bars", lambda: Progress(console=console, redirect_stdout=False))
    return written


def test_compiling_is_said_when_something_is_compiled(monkeypatch):
    written = on_a_terminal(monkeypatch)

    @numba.njit
    def fourfold(x):
        return 4 * x

    with common.scoring() as advance:
        fourfold(1)
        advance(1, 2)
    assert "Compiling, once after installing" in written.getvalue()


def test_nothing_is_said_when_nothing_is_compiled(monkeypatch):
    written = on_a_terminal(monkeypatch)
    with common.scoring() as advance:
        advance(1, 2)
    assert "Scoring visits" in written.getvalue()
    assert "Compiling" not in written.getvalue()


def test_doctor_compiles_ahead_and_says_where_it_is_kept(capfd):
    assert main.run(["doctor", "--warm-up", "--json"]) == 0
    first = json.loads(capfd.readouterr().out)["findings"][-1]
    assert (first["what"], first["state"]) == ("compiled", "ok")
    assert main.run(["doctor", "--warm-up", "--json"]) == 0
    again = json.loads(capfd.readouterr().out)["findings"][-1]
    assert again["said"].startswith("all were there, in ")
    assert main.run(["doctor", "--json"]) == 0
    assert all(f["what"] != "compiled" for f in json.loads(capfd.readouterr().out)["findings"])
