"""Rows and their fields, and the tables of runs that did not yet tell acquisitions apart."""

import polars as pl
import pytest

from livedeath.errors import StoreError
from livedeath.model.frame import FieldKey
from livedeath.model.tables import PLACE
from livedeath.statistics.study import read_calls
from livedeath.store.places import field_of, in_field, with_acquisition
from livedeath.store.tables import read_parquet, write_table
from made_study import make_study

CHANGES = "\n[[optics.changes]]\nat_h = 10.0\npixel_size_um = 2.6\n"
"""The made study writes no acquisition, like an earlier version."""


def table():
    fields = [FieldKey("p", a, w, f) for a in (0, 1) for w in ("B2", "C3") for f in (0, 1)]
    return pl.DataFrame([field._asdict() | {"n": n} for n, field in enumerate(fields)])


def test_a_row_names_one_field_and_a_field_finds_its_rows():
    for row in table().iter_rows(named=True):
        field = field_of(row)
        assert in_field(table(), field)["n"].to_list() == [row["n"]]
    assert not in_field(table(), FieldKey("p", 2, "B2", 0)).height


def test_the_columns_that_name_a_field_are_those_of_its_key():
    assert set(PLACE) == set(FieldKey._fields)


def test_a_table_without_the_column_is_of_the_first_acquisition():
    old = table().drop("acquisition")
    new = with_acquisition(old)
    assert new["acquisition"].to_list() == [0] * 8
    assert new.drop("acquisition").equals(old)
    assert new.columns.index("acquisition") == new.columns.index("field") + 1


def test_a_table_with_the_column_stays_as_it_is():
    assert with_acquisition(table()).equals(table())


@pytest.fixture
def old(tmp_path):
    """Return a function that makes a scored study whose run is of an earlier version."""

    def made(extra=""):
        folder = make_study(tmp_path / "s", images=False, per_well=2, extra=extra)
        for path in (folder.run().traces_path, folder.run().calls_path):
            assert "acquisition" not in read_parquet(path).columns
        return folder

    return made


def test_an_old_run_opens(old):
    folder = old()
    run = folder.run()
    for name, read in (("traces", run.traces()), ("calls", run.calls())):
        assert set(read["acquisition"]) == {0}, name
    assert set(read_calls(folder, run).joined["acquisition"]) == {0}


def test_an_old_run_of_a_study_that_changes_its_optics_is_refused(old):
    run = old(extra=CHANGES).run()
    with pytest.raises(StoreError, match=r"optics change at 10 h; run 'livedeath score' again"):
        run.calls()


def test_it_opens_once_the_column_is_there(old):
    folder = old(extra=CHANGES)
    for path in (folder.run().traces_path, folder.run().calls_path):
        write_table(with_acquisition(read_parquet(path)), path)
    assert set(folder.run().calls()["acquisition"]) == {0}
