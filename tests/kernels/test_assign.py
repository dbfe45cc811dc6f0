import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from livedeath.kernels import assign
from reference import assign as twin

ALONE = 1.2


def candidates(seed, n, m, *, round_to=None):
    rng = np.random.default_rng(seed)
    first, second = np.nonzero(rng.random((n, m)) < 0.6)
    costs = rng.uniform(0, 1.5, first.size)
    return first, second, costs if round_to is None else np.round(costs, round_to)


def price(links, first, second, costs, free):
    known = {(i, j): c for i, j, c in zip(first, second, costs, strict=True)}
    return sum(ALONE if links[i] < 0 else known[i, links[i]] for i in free)


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(0, 5),
    m=st.integers(0, 5),
    clearly=st.sampled_from([0.0, 0.25]),
    round_to=st.sampled_from([None, 1]),
)
def test_assign_costs_what_the_best_of_all_ways_costs(seed, n, m, clearly, round_to):
    told = candidates(seed, n, m, round_to=round_to)
    links = assign.assign(*told, (n, m), ALONE, clearly)
    best, cheapest = twin.assign(*told, (n, m), ALONE, clearly)
    clear = twin.clear_pairs(*told, (n, m), ALONE, clearly)
    free = np.flatnonzero(clear < 0)
    np.testing.assert_allclose(price(links, *told, free), cheapest)
    np.testing.assert_array_equal(links[clear >= 0], clear[clear >= 0])
    linked = links[links >= 0]
    assert np.unique(linked).size == linked.size
    if round_to is None:
        np.testing.assert_array_equal(links, best)


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(0, 6), m=st.integers(0, 6))
def test_clear_pairs_equals_its_twin(seed, n, m):
    told = candidates(seed, n, m, round_to=1)
    got = assign.clear_pairs(*told, (n, m), ALONE, 0.5)
    np.testing.assert_array_equal(got, twin.clear_pairs(*told, (n, m), ALONE, 0.5))


def test_the_cheapest_whole_is_taken_not_the_cheapest_pair():
    first, second = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    costs = np.array([0.1, 0.2, 0.15, 0.9])
    assert assign.assign(first, second, costs, (2, 2), ALONE, 0.25).tolist() == [1, 0]
    nobody = (first[:0], second[:0], costs[:0])
    assert assign.assign(*nobody, (2, 2), ALONE, 0.25).tolist() == [-1, -1]


def test_a_long_chain_is_assigned_as_scipy_does():
    from scipy.optimize import linear_sum_assignment

    rng, n = np.random.default_rng(4), 60
    first = np.repeat(np.arange(n), 3)
    second = np.clip(first + np.tile([-1, 0, 1], n), 0, n - 1)
    first, second = np.unique(np.column_stack([first, second]), axis=0).T.copy()
    costs = rng.uniform(0.0, 1.5, first.size)
    matrix = np.full((n, 2 * n), 1e6)
    matrix[first, second] = costs
    matrix[np.arange(n), n + np.arange(n)] = ALONE
    row, col = linear_sum_assignment(matrix)
    expected = np.where(col < n, col, -1)[np.argsort(row)]
    np.testing.assert_array_equal(assign.assign(first, second, costs, (n, n), ALONE, 0.0), expected)
