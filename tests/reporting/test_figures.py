import re

import numpy as np
import pytest

from livedeath.reporting import figures
from livedeath.reporting.style import arm_colours, to_svg
from livedeath.statistics.estimate import estimate
from livedeath.statistics.table import from_frame
from tables import neurons

ARMS = ("vehicle", "drug")
COLOURS = arm_colours(ARMS, "vehicle")


@pytest.fixture(scope="module")
def table():
    frame = neurons({"vehicle": 0.01, "drug": 0.06}, lost_per_h=0.01)
    return from_frame(frame, "arm", unit="unit")


def test_the_control_is_drawn_in_ink_and_arms_differ():
    colours = arm_colours(("a", "b", "c"), "b")
    assert len(set(colours.values())) == 3
    assert colours["b"] == "#4a4f57"


def test_curves_name_their_arms_and_show_numbers_at_risk(table):
    svg = to_svg(figures.survival_curves(estimate(table), table, COLOURS), name="k", says="x")
    words = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    assert {"vehicle", "drug", "Neurons at risk"} <= set(words)
    assert f"{int((table.entry_h[table.group == 'drug'] <= 0).sum())}" in words


def test_figures_of_one_page_share_no_id(table):
    one, two = (
        to_svg(figures.deaths_per_hour(table, ARMS, COLOURS), name=name, says="x")
        for name in ("one", "two")
    )
    ids = [set(re.findall(r'\bid="([^"]+)"', svg)) for svg in (one, two)]
    assert ids[0]
    assert not ids[0] & ids[1]
    used = set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', one))
    assert {a or b for a, b in used} <= ids[0]


def test_the_same_figure_gives_the_same_text(table):
    texts = {
        to_svg(figures.deaths_per_hour(table, ARMS, COLOURS), name="d", says="x") for _ in range(2)
    }
    assert len(texts) == 1


def test_a_figure_fetches_nothing(table):
    svg = to_svg(figures.deaths_per_hour(table, ARMS, COLOURS), name="d", says='a "b" <c')
    assert not re.search(r'(href|src)="(?!#|data:)', svg)
    assert "aria-label=\"a 'b' under" in svg


def test_rates_are_deaths_over_hours_watched(table):
    rows = table.take(table.at_risk)
    edges = np.arange(0.0, 25.0)
    counts, rate = figures.rate_in_bins(rows, edges)
    hours = (rows.exit_h - rows.entry_h).sum()
    assert counts.sum() == rows.event.sum()
    watched = np.divide(100.0 * counts, rate, out=np.zeros(len(rate)), where=rate > 0)
    assert watched[rate > 0].sum() <= hours + 1e-9
    one = from_frame(neurons({"a": 1e-9}, per_unit=2, late=0.0), "arm", unit="unit")
    assert figures.rate_in_bins(one, edges)[1].tolist() == [0.0] * 24


def test_names_are_pushed_apart_and_stay_below_the_top():
    placed = figures.spread_apart([0.1, 0.11, 0.98, 0.99], gap=0.05, top=1.0)
    assert np.diff(placed).min() >= 0.05 - 1e-12
    assert placed[-1] <= 1.0
    assert figures.spread_apart([], gap=0.1, top=1.0) == []


@pytest.mark.parametrize("end", [0.4, 7.0, 26.0, 239.0])
def test_hours_on_the_axis_are_few_and_even(end):
    ticks = figures.hour_ticks(end)
    assert 2 <= len(ticks) <= figures.RISK_COLUMNS
    assert ticks[0] == 0.0
    assert ticks[-1] <= end


@pytest.mark.parametrize("end", [0.5, 26.0, 240.0])
def test_bins_are_few(end):
    assert end / figures.bin_hours(end) <= figures.MOST_BINS


def test_a_plate_shows_each_visited_well():
    wells = [
        figures.WellSurvival(1, 1, "B2", "vehicle", 0.91, 20),
        figures.WellSurvival(2, 1, "C2", "drug", float("nan"), 0, excluded=True),
    ]
    svg = to_svg(figures.plate_map(wells, (8, 12), COLOURS), name="p", says="plate")
    words = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    assert "91" in words
    assert "–" in words
    assert {"A", "H", "1", "12"} <= set(words)
