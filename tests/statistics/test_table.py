import numpy as np
import polars as pl
import pytest

from livedeath.errors import TableError
from livedeath.statistics.table import from_frame
from tables import neurons

GOOD = {
    "arm": ["v", "v", "d", "d"],
    "unit": ["a", "a", "b", "b"],
    "plate": ["p", "p", "p", "p"],
    "entry_h": [0.0, 0.0, 0.0, 1.0],
    "last_alive_h": [2.0, 5.0, 1.0, 3.0],
    "first_dead_h": [3.0, None, 2.0, None],
    "size": [1.0, 2.0, 3.0, 4.0],
}


def read(**changes):
    columns = {k: v for k, v in {**GOOD, **changes}.items() if v is not None}
    return from_frame(pl.DataFrame(columns), "arm", unit="unit", block="plate")


def test_a_death_is_dated_to_the_middle_of_its_interval():
    table = read()
    assert table.exit_h.tolist() == [2.5, 5.0, 1.5, 3.0]
    assert table.event.tolist() == [True, False, True, False]


def test_the_median_onset_dates_the_death_where_it_is_given():
    assert read(death_h=[2.1, None, 1.9, None]).exit_h.tolist() == [2.1, 5.0, 1.9, 3.0]


def test_an_onset_before_the_entry_falls_back_to_the_middle():
    assert read(death_h=[-0.1, None, 1.9, None]).exit_h[0] == 2.5


def test_time_and_event_are_read_too():
    table = from_frame(
        pl.DataFrame({"arm": ["v"], "unit": ["a"], "time_h": [4.0], "event": [1]}),
        "arm",
        unit="unit",
    )
    assert (table.exit_h[0], bool(table.event[0]), table.entry_h[0]) == (4.0, True, 0.0)


def test_dead_on_arrival_is_kept_and_never_at_risk():
    table = read(outcome=["dead", "alive", "dead_on_arrival", "alive"])
    assert table.dead_on_arrival.tolist() == [False, False, True, False]
    assert table.at_risk.tolist() == [True, True, False, True]
    assert not table.event[2]


def test_lost_is_not_dead():
    table = read(outcome=["dead", "lost", "dead", "alive"], p_dead=[1.0, 0.4, 1.0, 0.0])
    assert table.lost.tolist() == [False, True, False, False]
    assert not table.event[1]
    assert table.p_dead[1] == 0.4
    assert np.isnan(table.p_dead[0])


def test_text_columns_of_hours_with_empty_places_are_read():
    table = read(first_dead_h=["3.0", "", "2", " "])
    assert table.event.tolist() == [True, False, True, False]


def test_censoring_takes_back_what_happened_later():
    table = read(outcome=["dead", "lost", "dead", "alive"]).censored_at(2.0)
    assert table.event.tolist() == [False, False, True, False]
    assert not table.lost.any()
    assert table.exit_h.tolist() == [2.0, 2.0, 1.5, 2.0]


def test_another_origin_drops_those_who_died_before_it():
    table = read().since(2.0)
    assert table.at_risk.tolist() == [True, True, False, True]
    assert table.entry_h.tolist() == [0.0, 0.0, 0.0, 0.0]
    assert table.exit_h[0] == pytest.approx(0.5)


def test_a_made_up_culture_reads_whole():
    frame = neurons({"vehicle": 0.01, "drug": 0.05}, lost_per_h=0.01)
    table = from_frame(frame, "arm", unit="unit", block="block")
    assert len(table) == frame.height
    assert table.event.sum() == (frame["outcome"] == "dead").sum()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"unit": None}, "no column 'unit'; its columns are 'arm', 'plate'"),
        ({"last_alive_h": None}, "needs the columns 'last_alive_h' and 'first_dead_h', or"),
        ({"first_dead_h": [3.0, None, "soon", None]}, "needs_text"),
        ({"first_dead_h": [3.0, None, float("inf"), None]}, "holds inf in row 4"),
        ({"first_dead_h": [1.5, None, 2.0, None]}, "Row 2: the neuron was first seen dead before"),
        ({"entry_h": [0.0, 6.0, 0.0, 4.0]}, "Row 3 (and 1 more): the neuron left before"),
        ({"unit": ["a", "a", "a", "b"]}, "Unit 'a' (column 'unit') stands in 'v' and in 'd'"),
        ({"plate": ["p", "q", "p", "p"]}, "Unit 'a' (column 'unit') stands in 'p' and in 'q'"),
        ({"arm": ["v", "", "d", "d"]}, "Column 'arm' is empty in row 3"),
        ({"p_dead": [0.0, 1.2, 0.0, 0.0]}, "outside 0 to 1"),
        ({"endpoint": ["x", "x", "y", "y"]}, "holds 2 endpoints ('x', 'y'), which are never"),
        ({"neuron_id": [7, 8, 9, 9]}, "Row 5 (of 1 such) holds neuron 9 of unit 'b' a second time"),
        ({"last_alive_h": [2.0, None, 1.0, 3.0]}, "neither 'last_alive_h' nor 'first_dead_h'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(changes, words):
    if words == "needs_text":
        changes = {"first_dead_h": ["3.0", None, "soon", None]}
        words = "Column 'first_dead_h' holds 'soon' in row 4"
    with pytest.raises(TableError) as caught:
        read(**changes)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_neurons_may_be_numbered_anew_in_each_unit_well_or_field():
    assert len(read(neuron_id=[1, 2, 1, 2])) == 4
    assert len(read(neuron_id=[1, 1, 1, 1], field=[0, 1, 0, 1])) == 4
    assert len(read(neuron_id=[None, None, None, None])) == 4


def test_an_empty_table_is_refused():
    with pytest.raises(TableError, match="no rows"):
        from_frame(pl.DataFrame({k: [] for k in GOOD}), "arm", unit="unit")


def test_one_endpoint_of_several_can_be_named():
    frame = pl.DataFrame({**GOOD, "endpoint": ["x", "x", "y", "y"]})
    assert len(from_frame(frame, "arm", unit="unit", endpoint="x")) == 2
    with pytest.raises(TableError, match="no endpoint 'z'"):
        from_frame(frame, "arm", unit="unit", endpoint="z")


@pytest.mark.parametrize("values", [["big", "1", "2", "3"], [1.0, None, 2.0, 3.0]])
def test_a_covariate_must_be_a_number_everywhere(values):
    frame = pl.DataFrame({**GOOD, "size": values})
    with pytest.raises(TableError, match="'size'"):
        from_frame(frame, "arm", unit="unit", covariates=["size"])
