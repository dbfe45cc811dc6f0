import pytest

from napari_livedeath import doctor


def finding(what):
    (found,) = [one for one in doctor.examine() if one.what == what]
    return found


@pytest.mark.parametrize(
    ("installed", "state", "said"),
    [
        ({}, "missing", "pip install 'napari[pyqt6]'"),
        ({"PyQt6": "6.9"}, "ok", "PyQt6 6.9"),
        ({"PyQt6": "6.9", "PyQt5": "5.15"}, "ok", "several bindings"),
    ],
)
def test_qt_bindings_are_counted(monkeypatch, installed, state, said):
    monkeypatch.setattr(doctor, "version_of", installed.get)
    seen = finding("Qt")
    assert seen.state == state
    assert said in seen.said


def test_a_screen_is_needed_on_linux_only(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(doctor.sys, "platform", "linux")
    assert finding("screen").state == "missing"
    monkeypatch.setattr(doctor.sys, "platform", "win32")
    assert finding("screen").state == "ok"
    monkeypatch.setattr(doctor.sys, "platform", "linux")
    monkeypatch.setenv("DISPLAY", ":3")
    assert finding("screen").state == "ok"
