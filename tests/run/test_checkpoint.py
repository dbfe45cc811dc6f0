import numpy as np
import polars as pl
import pytest

from livedeath.errors import StoreError
from livedeath.run.checkpoint import Checkpoint, state_from_bytes, state_to_bytes


def traces(start, count):
    return pl.DataFrame({"neuron_id": range(start, start + count), "x": [0.1] * count})


def test_a_state_comes_back_with_every_bit_and_type():
    state = {
        "a/b": np.array([1.5, np.nan, -0.0]),
        "names": np.array(["細胞", ""]),
        "empty": np.zeros((0, 3), np.float32),
        "bits": np.array([1, 2], np.uint32),
        "n": 7,
        "x": 0.1 + 0.2,
        "inf": float("-inf"),
        "said": "text",
        "yes": True,
        "none": None,
        "scalar": np.float64(2.5),
    }
    back = state_from_bytes(state_to_bytes(state))
    assert set(back) == set(state)
    for name, value in state.items():
        if isinstance(value, np.ndarray):
            assert back[name].dtype == value.dtype
            assert back[name].tobytes() == value.tobytes()
            assert back[name].shape == value.shape
        else:
            assert back[name] == value
            assert isinstance(back[name], type(value))


@pytest.mark.parametrize("value", [np.array([object()], object), [1, 2], {"a": 1}])
def test_what_would_need_pickling_is_refused(value):
    with pytest.raises(StoreError, match="cannot be kept"):
        state_to_bytes({"x": value})


def test_a_checkpoint_gives_back_visits_state_and_traces(tmp_path):
    checkpoint = Checkpoint(tmp_path / "checkpoint")
    assert checkpoint.load() == (0, None, [])
    checkpoint.save(64, {"n": 1}, traces=traces(0, 3), part=0)
    checkpoint.save(128, {"n": 2}, traces=traces(3, 2), part=1)
    visits, state, parts = Checkpoint(tmp_path / "checkpoint").load()
    assert (visits, state) == (128, {"n": 2})
    assert pl.concat(parts).equals(traces(0, 5))


def test_a_crash_while_saving_leaves_the_checkpoint_before(tmp_path, monkeypatch):
    checkpoint = Checkpoint(tmp_path / "checkpoint")
    checkpoint.save(64, {"n": 1}, traces=traces(0, 3), part=0)

    def crash(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("livedeath.store.durable.write_json", crash)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.save(128, {"n": 2}, traces=traces(3, 2), part=1)
    visits, state, parts = Checkpoint(tmp_path / "checkpoint").load()
    assert (visits, state, len(parts)) == (64, {"n": 1}, 1)


def cut_off(path):
    path.write_bytes(path.read_bytes()[:-20])


def emptied(path):
    path.write_bytes(b"")


def of_zeros(path):
    path.write_bytes(bytes(path.stat().st_size))


@pytest.mark.parametrize("name", ["checkpoint.json", "state-00000128.npz", "traces-000001.parquet"])
@pytest.mark.parametrize("damage", [cut_off, emptied, of_zeros, lambda path: path.unlink()])
def test_a_damaged_checkpoint_counts_as_none(tmp_path, caplog, name, damage):
    checkpoint = Checkpoint(tmp_path / "checkpoint")
    checkpoint.save(64, {"n": 1, "a": np.arange(9.0)}, traces=traces(0, 3), part=0)
    checkpoint.save(128, {"n": 2, "a": np.arange(9.0)}, traces=traces(3, 2), part=1)
    damage(checkpoint.folder / name)
    assert checkpoint.load() == (0, None, [])
    assert checkpoint.visits() in (0, 128)  # only its document is asked
    said = "damaged" in caplog.text
    assert said == (checkpoint.folder / "checkpoint.json").exists()
