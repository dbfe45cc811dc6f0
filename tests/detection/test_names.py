"""Numbers of names, in the order in which they were met."""

import numpy as np
import pytest

from livedeath.detection.names import Names

VISITS = {
    "one field, then another": [["b", "b"], ["a", "a", "a"], ["b", "b"]],
    "several, the same again": [["b", "a", "b"], ["b", "a", "b"], ["a", "b", "b"]],
    "one name more": [["a", "b"], ["a", "c"], ["a", "longer"]],
    "none": [[], ["a"], []],
}


@pytest.mark.parametrize("visits", VISITS.values(), ids=VISITS)
def test_a_name_keeps_its_number(visits):
    names, numbers = Names(), {}
    for visit in visits:
        for name, code in zip(visit, names.code(np.array(visit, np.str_)).tolist(), strict=True):
            assert numbers.setdefault(name, code) == code
    assert sorted(numbers.values()) == list(range(len(numbers)))
    assert [numbers[name] for name in names.known().tolist()] == list(range(len(names)))


def test_names_written_over_after_a_visit_are_told_apart():
    names, visit = Names(), np.array(["a", "b"])
    before = names.code(visit).tolist()
    visit[0] = "b"
    assert names.code(visit).tolist() == [before[1], before[1]]


def test_numbers_go_on_after_a_restart():
    names = Names(["x", "y"])
    assert names.code(np.array(["z", "y"])).tolist() == [2, 1]
