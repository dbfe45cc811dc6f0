"""Well names and places."""

import pytest

from livedeath.errors import StudyError
from livedeath.model.plate import expand, row_column, well_centre_um, well_name


@pytest.mark.parametrize(("name", "place"), [("A1", (0, 0)), ("B03", (1, 2)), ("h12", (7, 11))])
def test_a_well_name_is_a_row_and_a_column(name, place):
    assert row_column(name) == place


@pytest.mark.parametrize("name", ["", "3B", "B0", "B", "Q1", "B3x", "B-3"])
def test_what_is_no_well_is_refused_by_name(name):
    with pytest.raises(StudyError, match="no well name"):
        row_column(name)


def test_names_and_places_are_inverse():
    assert all(row_column(well_name(r, c)) == (r, c) for r in range(16) for c in range(24))


def test_a_block_is_expanded_in_plate_order_each_well_once():
    assert expand(("B2:A1", "B2"), "96-well") == ("A1", "A2", "B1", "B2")


def test_all_names_every_well():
    assert len(expand(("all",), "384-well")) == 384


def test_a_well_outside_the_plate_is_refused():
    with pytest.raises(StudyError, match="B4 is outside the 6-well vessel"):
        expand(("B4",), "6-well")


def test_wells_lie_a_pitch_apart():
    assert well_centre_um("C5", "96-well") == (2 * 9000.0, 4 * 9000.0)
