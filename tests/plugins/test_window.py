"""The whole window on a real screen: what a reviewer gets, up to the end by force."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from livedeath.review.journal import ReviewJournal

pytest.importorskip("napari")

pytestmark = [
    pytest.mark.gui,
    pytest.mark.skipif(
        sys.platform.startswith("linux") and not os.environ.get("DISPLAY"),
        reason="needs a display: run under xvfb-run with QT_QPA_PLATFORM=xcb",
    ),
]

REVIEW = """
import os, signal, sys
from pathlib import Path

import napari
from qtpy.QtTest import QTest

from napari_livedeath.source import StudySource
from napari_livedeath.widgets import ReviewWidget, arrange

study, picture = map(Path, sys.argv[1:3])
viewer = napari.Viewer(title="livedeath review", show=False)
widget = ReviewWidget(viewer)
viewer.window.add_dock_widget(widget, name="Review death calls", area="right")
widget.begin(StudySource.open(study), "Anna")
viewer.show()
window = widget.window()
window.resize(1500, 900)
window.activateWindow()
QTest.qWaitForWindowActive(window)
arrange(widget)

def wait_until_painted():
    for _ in range(200):
        QTest.qWait(50)
        if widget.ready:
            return

for key in "jknhu":
    wait_until_painted()
    QTest.keyClick(window, key)
wait_until_painted()
QTest.qWait(800)
window.grab().save(str(picture))
sys.stdout.write("pictured\\n")
sys.stdout.flush()
os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
"""


@pytest.fixture
def killed(study, tmp_path):
    """Review five neurons with key events, take a picture, end by force."""
    environment = os.environ | {"NAPARI_CONFIG": str(tmp_path / "napari.yaml")}
    if sys.platform.startswith("linux"):
        environment["QT_QPA_PLATFORM"] = "xcb"
    return subprocess.run(
        [sys.executable, "-c", REVIEW, str(study), str(tmp_path / "window.png")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=environment,
    )


def test_five_keys_are_five_rows_after_the_process_is_killed(killed, study, tmp_path):
    assert "pictured" in killed.stdout, killed.stderr
    if os.name != "nt":
        assert killed.returncode == -signal.SIGKILL
    with ReviewJournal.in_folder(study / "reviews", "Anna") as journal:
        assert journal.verify() == 5
        verdicts = [row.verdict for row in journal.rows()]
    assert verdicts == ["dead", "alive", "lost", "not_a_neuron", "unsure"]
    _check_picture(tmp_path / "window.png")


def _check_picture(path):
    """A canvas without OpenGL is silently black: ask for enough bright pixels in each part."""
    from skimage.io import imread

    picture = imread(path)[..., :3].max(axis=2)
    height, width = picture.shape
    canvas = picture[int(0.1 * height) : int(0.9 * height), : width // 3]
    panel = picture[:, width // 2 :]
    assert np.mean(canvas > 60) > 0.005, "the canvas shows no neurons"
    assert np.mean(panel > 150) > 0.01, "the panel shows no strip or trace"
