"""Tables of made-up neurons for the tests of survival and report."""

import numpy as np
import polars as pl


def neurons(
    rates_per_h,
    *,
    units=4,
    per_unit=40,
    interval_h=0.5,
    end_h=24.0,
    lost_per_h=0.0,
    unit_sd=0.0,
    blocks=None,
    late=0.2,
    seed=1,
):
    """Return a calls-like table; ``rates_per_h`` maps each group to its death rate."""
    rng = np.random.default_rng(seed)
    parts = []
    for group, rate in rates_per_h.items():
        for unit in range(units):
            block = blocks[unit % len(blocks)] if blocks else "plate1"
            parts.append(
                _unit(
                    rng,
                    group,
                    f"{group}-{unit}",
                    block,
                    rate * np.exp(unit_sd * rng.normal()),
                    per_unit,
                    interval_h,
                    end_h,
                    lost_per_h,
                    late,
                )
            )
    table = pl.concat(parts)
    return table.with_columns(neuron_id=pl.int_range(1, table.height + 1))


def _unit(rng, group, unit, block, rate, n, interval_h, end_h, lost_per_h, late):
    entry = np.where(rng.random(n) < late, rng.integers(1, 8, n) * interval_h, 0.0)
    death = entry + rng.exponential(1 / rate, n)
    loss = entry + (rng.exponential(1 / lost_per_h, n) if lost_per_h else np.full(n, np.inf))
    leave = np.minimum(loss, end_h)
    dead = death < leave
    low = np.floor(np.where(dead, death, leave) / interval_h) * interval_h
    lost = ~dead & (loss < end_h)
    return pl.DataFrame(
        {
            "arm": [group] * n,
            "unit": [unit] * n,
            "block": [block] * n,
            "well": [unit] * n,
            "entry_h": entry,
            "last_alive_h": low,
            "first_dead_h": np.where(dead, low + interval_h, np.nan),
            "death_h": np.where(dead, death, np.nan),
            "outcome": np.where(dead, "dead", np.where(lost, "lost", "alive")),
        }
    ).with_columns(pl.col("first_dead_h", "death_h").fill_nan(None))
