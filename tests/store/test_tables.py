from pathlib import Path

import numpy as np
import polars as pl
import pytest

from livedeath.errors import TableError
from livedeath.recordings.traces import carry, checked_traces
from livedeath.store import tables

GOOD = "neuron_id,time_h,signal,well\n1,0,5,A1\n1,1.5,,A1\n2,0,7.5,B2\n"


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".parquet"])
def test_a_table_comes_back_as_it_was_written(tmp_path, ending):
    table = pl.DataFrame({"n": [1, 2], "x": [0.1, 1e-300], "名": ["a,b", 'q"']})
    tables.write_table(table, tmp_path / f"t{ending}")
    assert tables.read_table(tmp_path / f"t{ending}").equals(table)


def test_not_a_number_is_an_empty_cell_in_csv(tmp_path):
    tables.write_table(pl.DataFrame({"x": [1.0, float("nan")], "n": [1, 2]}), tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == "x,n\n1.0,1\n,2\n"


def test_columns_keep_their_types_through_a_table():
    columns = {
        "a": np.array([1, 2], np.uint32),
        "b": np.array([0.5, np.nan]),
        "c": np.array(["x", ""], object),
        "d": np.array([True, False]),
    }
    back = tables.to_columns(tables.from_columns(columns))
    assert [str(back[name].dtype) for name in "abd"] == ["uint32", "float64", "bool"]
    assert back["c"].tolist() == ["x", ""]
    np.testing.assert_array_equal(back["b"], columns["b"])


def _checked(path):
    return checked_traces(tables.read_table(path), path)


def test_a_good_table_of_traces_is_read(tmp_path):
    (tmp_path / "t.csv").write_text(GOOD)
    columns = _checked(tmp_path / "t.csv")
    assert columns["neuron_id"].dtype == pl.Int64
    np.testing.assert_array_equal(columns["signal"], [5, np.nan, 7.5])
    assert columns["well"].to_list() == ["A1", "A1", "B2"]


def test_flags_are_bits_and_an_empty_cell_has_none(tmp_path):
    rows = "1,0,5,2080,loss_of_fill\n1,1,5,,loss_of_fill\n"
    (tmp_path / "t.csv").write_text(f"{HEAD},flags,endpoint\n{rows}")
    columns = _checked(tmp_path / "t.csv")
    assert columns["flags"].dtype == pl.UInt32
    assert columns["flags"].to_list() == [2080, 0]
    assert columns["endpoint"].to_list() == ["loss_of_fill"] * 2


def test_words_are_put_beside_flags_row_by_row():
    table = pl.DataFrame({"flags": [2080, 0, 32], "n": [1, 2, 3]}, schema_overrides=UINT)
    words = tables.with_flag_words(table)
    assert words["n"].to_list() == [1, 2, 3]
    assert words["flag_words"].to_list() == ["MASK_LOST, OUTLIER", "", "MASK_LOST"]
    assert tables.with_flag_words(table.clear())["flag_words"].dtype == pl.String


UINT = {"flags": pl.UInt32}
HEAD = "neuron_id,time_h,signal"

BAD = {
    "": "file is empty",
    f"{HEAD}\n": "no rows",
    "neuron_id,time_h\n1,0\n": "'signal' is missing",
    f"{HEAD}\n1,0,5\n1,1,abc\n": "signal in row 3 is 'abc'",
    f"{HEAD}\n1,0,5\n1,1,inf\n": "signal in row 3 is inf",
    f"{HEAD}\n1,0,5\n1,1,-inf\n": "signal in row 3 is -inf",
    f"{HEAD}\n1,0,5\n1,1,9.96921e36\n": "signal in row 3 is 9.96921e\\+36; finite numbers up to",
    f"{HEAD}\n1,0,5\n2,0,5\n1,0,6\n": "neuron 1 has more than one row at 0 h",
    f"{HEAD}\n1,0,\n": "'signal' holds no number",
    f"{HEAD}\n1,,5\n": "time_h in row 2 is empty",
    f"{HEAD}\n1,inf,5\n": "time_h in row 2 is inf",
    f"{HEAD}\n1,0,5\n1,129600,5\n": "time_h spans 129600, which is 15 years if it is hours; give",
    f"{HEAD}\n1.5,0,5\n": "neuron_id in row 2 is 1.5",
    f"{HEAD}\n1,0,5\n,1,5\n": "neuron_id in row 3 is empty",
    f"{HEAD}\na,0,5\n": "neuron_id in row 2 is 'a'",
    f"{HEAD},signal\n1,0,5,5\n": "'signal' is there twice",
    f"{HEAD},well\n1,0,5,A1\n1,1,5,A2\n": "neuron 1 has more than one well",
    f"{HEAD},arm\n1,0,5,drug\n2,0,5,\n": "neuron 2 has no arm, others have one; fill it in",
    f"{HEAD},signal_sd\n1,0,5,-1\n": "signal_sd in row 2 is -1",
    f"{HEAD},intervened\n1,0,5,maybe\n": "intervened may only hold",
    f"{HEAD},flags\n1,0,5,0\n1,1,5,-1\n": "flags in row 3 is -1",
    f"{HEAD},flags\n1,0,5,1.5\n": "flags in row 2 is 1.5",
    f"{HEAD},flags\n1,0,5,CLIPPED\n": "flags in row 2 is 'CLIPPED'",
    f"{HEAD},flags\n1,0,5,4294967296\n": "flags in row 2 is 4294967296",
    f"{HEAD},endpoint\n1,0,5,death\n": "endpoint is 'death'; it is indicator_rise or loss_of_fill",
    f"{HEAD},endpoint\n1,0,5,\n": "endpoint is ''; it is indicator_rise or",
    f"{HEAD},endpoint\n1,0,5,indicator_rise\n2,0,5,loss_of_fill\n": "rise and loss_of_fill; it is",
    f"{HEAD}\n1,0,5\n1,1,5,9,9\n": "row 3 has 5 cells, the table has 3 columns",
    HEAD.replace(",", ";") + "\n1;0;5\n": "separated by semicolons",
    HEAD.replace(",", "\t") + "\n1\t0\t5\n": "separated by tabs",
}


@pytest.mark.parametrize(("text", "said"), BAD.items(), ids=list(BAD.values()))
def test_a_bad_table_is_refused_in_one_sentence(tmp_path, text, said):
    path = tmp_path / "traces.csv"
    path.write_text(text)
    with pytest.raises(TableError, match=said) as caught:
        checked_traces(tables.read_table(path), path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("none.csv", None, "no such file"),
        ("a.xlsx", b"PK", "no table's"),
        ("a.parquet", b"PAR1xxxx", "no readable Parquet"),
        ("a.csv", b"PAR1\0\0", "no text"),
        ("b.csv", "neuron_id,wéll\n1,2\n".encode("latin-1"), "row 1 is not UTF-8 text; save"),
        ("c.csv", "well,arm\nA1,a\nB1,Größe\n".encode("cp1252"), "row 3 is not UTF-8 text"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, name, data, said):
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(TableError, match=said):
        tables.read_table(tmp_path / name)


def test_a_column_of_units_without_any_is_left_out():
    given = pl.DataFrame({"neuron_id": [1], "time_h": [0.0], "signal": [5.0], "unit": [""]})
    assert "unit" not in checked_traces(given, Path("t.csv")).columns


def test_unit_and_arm_are_carried_to_the_calls(tmp_path):
    (tmp_path / "t.csv").write_text(
        f"{HEAD},unit,arm\n2,0,5,m1,vehicle\n1,0,5,m2,drug\n2,1,5,m1,vehicle\n"
    )
    calls = carry(pl.DataFrame({"neuron_id": [1, 2]}), _checked(tmp_path / "t.csv"))
    assert calls.rows() == [(1, "m2", "drug"), (2, "m1", "vehicle")]


def test_without_unit_and_arm_the_calls_stay_as_they_are(tmp_path):
    (tmp_path / "t.csv").write_text(GOOD)
    calls = pl.DataFrame({"neuron_id": [1, 2]})
    assert carry(calls, _checked(tmp_path / "t.csv")).columns == ["neuron_id"]


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_unknown_numbers_are_null_in_a_file_and_in_what_is_read(tmp_path, ending):
    path = tmp_path / f"t{ending}"
    tables.write_table(pl.DataFrame({"x": [1.0, float("nan"), None]}), path)
    raw = pl.read_parquet(path) if ending == ".parquet" else pl.read_csv(path)
    assert raw["x"].to_list() == [1.0, None, None]
    assert tables.read_table(path)["x"].to_list() == [1.0, None, None]


def test_a_table_of_an_older_version_reads_the_same(tmp_path):
    pl.DataFrame({"x": [1.0, float("nan")]}).write_parquet(tmp_path / "t.parquet")
    (tmp_path / "t.csv").write_text("x\n1.0\nNaN\n")
    for name in ("t.parquet", "t.csv"):
        table = tables.read_table(tmp_path / name)
        assert table["x"].to_list() == [1.0, None]
        np.testing.assert_array_equal(tables.to_columns(table)["x"], [1.0, np.nan])


def test_arrays_give_null_for_nan_and_get_it_back():
    columns = {"x": np.array([1.0, np.nan]), "n": np.array([1, 2], np.int64)}
    table = tables.from_columns(columns)
    assert table["x"].to_list() == [1.0, None]
    assert table.schema == {"x": pl.Float64, "n": pl.Int64}
    assert tables.from_columns({"x": np.full(2, np.nan)}).schema == {"x": pl.Float64}
    np.testing.assert_array_equal(tables.to_columns(table)["x"], columns["x"])


def test_units_stand_in_the_parquet_file_and_come_back(tmp_path):
    path = tmp_path / "t.parquet"
    tables.write_table(pl.DataFrame({"time_h": [1.0]}), path, units={"time_h": "h"})
    assert tables.read_units(path) == {"time_h": "h"}
    assert pl.read_parquet_metadata(path)["units"] == '{"time_h": "h"}'
    assert tables.read_parquet(path).equals(pl.DataFrame({"time_h": [1.0]}))


def test_a_file_without_units_says_none(tmp_path):
    tables.write_table(pl.DataFrame({"time_h": [1.0]}), tmp_path / "t.parquet")
    assert tables.read_units(tmp_path / "t.parquet") == {}
    (tmp_path / "no.parquet").write_bytes(b"text")
    with pytest.raises(TableError, match="no readable Parquet"):
        tables.read_units(tmp_path / "no.parquet")
