import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from review.small_study import make_study

# napari writes its settings when it starts: never into those of whoever runs the tests
_SETTINGS = tempfile.mkdtemp(prefix="napari-")
atexit.register(shutil.rmtree, _SETTINGS, ignore_errors=True)
os.environ["NAPARI_CONFIG"] = str(Path(_SETTINGS) / "settings.yaml")
# Widgets are drawn into memory even where there is a display: without a window manager no
# window is ever active. The test of the whole window starts a process of its own.
if sys.platform.startswith("linux"):
    os.environ["QT_QPA_PLATFORM"] = "offscreen"


@pytest.fixture(scope="session")
def original_study(tmp_path_factory):
    """A scored study; never write into it."""
    folder = tmp_path_factory.mktemp("studies") / "my study"
    return make_study(folder, size=128, visits=12, neurons=8).path


@pytest.fixture
def study(original_study, tmp_path):
    """Return the path of a scored study of one's own."""
    return Path(shutil.copytree(original_study, tmp_path / "my study"))


@pytest.fixture(scope="session")
def application():
    """Return the Qt application; without a display it draws into memory."""
    widgets = pytest.importorskip("qtpy.QtWidgets")
    return widgets.QApplication.instance() or widgets.QApplication([])
