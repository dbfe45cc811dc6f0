"""One study with images for all tests of the report: writing its frames takes the time."""

import pytest

from made_study import make_study


@pytest.fixture(scope="session")
def illustrated(tmp_path_factory):
    """Return the folder of a scored study with images and labels; do not change it."""
    return make_study(tmp_path_factory.mktemp("illustrated") / "a study", per_well=5)
