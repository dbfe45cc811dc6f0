import json

import pytest
import typer

from livedeath.errors import LivedeathError, OptionalDependencyError, StoreError
from livedeath.review.journal import ReviewJournal
from napari_livedeath import commands, doctor, window
from review.small_study import RUN


@pytest.fixture
def windows(monkeypatch):
    """Record what would be opened instead of opening it."""
    opened = []
    monkeypatch.setattr(window, "check_viewer", lambda: None)
    monkeypatch.setattr(
        window, "_open_window", lambda path, reviewer, run: opened.append((path, reviewer, run))
    )
    return opened


def run(*arguments):
    app = typer.Typer()
    app.callback()(lambda: None)
    commands.register(app)
    app(["review", *map(str, arguments)], standalone_mode=False)


def test_the_newest_run_is_opened_for_the_reviewer(windows, study):
    run(study, "--reviewer", "Anna")
    assert windows == [(study, "Anna", RUN)]


def test_json_says_what_the_journal_holds(windows, study, capsys):
    with ReviewJournal.in_folder(study / "reviews", "Anna") as journal:
        journal.record(RUN, 1, verdict="dead")
        journal.record(RUN, 2, verdict="alive")
        journal.undo(RUN)
    run(study, "--reviewer", "Anna", "--json")
    said = json.loads(capsys.readouterr().out)
    assert (said["judged"], said["rows"], said["verdicts"]["dead"]) == (1, 3, 1)
    assert said["journal"] == str(study / "reviews" / "anna.sqlite")


def test_the_text_counts_verdicts(windows, study, capsys):
    with ReviewJournal.in_folder(study / "reviews", "Anna") as journal:
        journal.record(RUN, 1, verdict="not_a_neuron")
    run(study, "--reviewer", "Anna")
    assert "1 neurons judged by Anna: 1 not a neuron" in capsys.readouterr().out


def test_a_study_without_a_run_says_what_to_do(windows, study):
    (study / "analysis").rename(study / "elsewhere")
    with pytest.raises(StoreError, match="run 'livedeath score"):
        run(study, "--reviewer", "Anna")
    assert windows == []
    assert not (study / "reviews").exists()


def test_an_unknown_run_names_those_there_are(windows, study):
    with pytest.raises(StoreError, match=f"no run 'x'; its runs are {RUN}"):
        run(study, "--reviewer", "Anna", "--run", "x")


def test_a_folder_that_is_no_study_is_refused(windows, tmp_path):
    with pytest.raises(StoreError, match="no study"):
        run(tmp_path, "--reviewer", "Anna")


def test_a_reviewer_without_a_name_is_refused_before_anything_opens(windows, study):
    with pytest.raises(StoreError, match="at least one letter"):
        run(study, "--reviewer", "//")
    assert windows == []


def hide(monkeypatch, *packages):
    find = window.importlib.util.find_spec
    monkeypatch.setattr(
        window.importlib.util, "find_spec", lambda name: None if name in packages else find(name)
    )


def test_a_missing_viewer_says_how_to_install_it(monkeypatch):
    hide(monkeypatch, "napari")
    with pytest.raises(OptionalDependencyError, match=r"livedeath\[napari\]"):
        window.check_viewer()


def test_a_missing_qt_says_how_to_install_one(monkeypatch):
    pytest.importorskip("napari")
    hide(monkeypatch, *doctor.QT_BINDINGS)
    with pytest.raises(LivedeathError, match=r"napari\[pyqt6\]"):
        window.check_viewer()


def test_no_screen_is_said_before_qt_ends_the_process(monkeypatch):
    pytest.importorskip("napari")
    monkeypatch.setattr(doctor.sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(LivedeathError, match="no screen"):
        window.check_viewer()


def test_with_a_screen_nothing_is_said(monkeypatch):
    pytest.importorskip("napari")
    pytest.importorskip("qtpy")
    monkeypatch.setenv("DISPLAY", ":7")
    window.check_viewer()
