"""Fixtures that every test may use."""

import os
from pathlib import Path

import hypothesis
import pytest

# A run that decides whether a change lands must not depend on chance; elsewhere it looks further.
hypothesis.settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    hypothesis.settings.load_profile("ci")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real images; skip where it is absent."""
    folder = Path(os.environ.get("LIVEDEATH_SHARED_DATA", SHARED_DATA))
    if not folder.is_dir():
        pytest.skip(f"real images are not beside this checkout ({folder})")
    return folder
