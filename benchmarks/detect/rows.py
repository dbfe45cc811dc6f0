"""The rows of the benchmark: laws, what is asked of the detector under each, and where it stood."""

from dataclasses import replace

from detect.faults import FAULTS
from detect.figures import Row
from detect.traces import Law

CONTAMINATED = {"outliers": 0.01, "transients_per_day": 0.5}
"""Shares of outliers per value and of transients per day."""

AS_FRAMES = {"interval_min": 30.0, "fold": 4.0, "fold_sd": 0.3, "electrons": 600.0, "days": 3.0,
             "outliers": 0.002, "transients_per_day": 0.2}  # fmt: skip
"""What the good indicator of `frames.cases` is like."""


def _delays() -> list[Row]:
    """Return the rows that time deaths, with today's figures and the targets."""
    law = Law()
    slow = {"days": 14.0}
    table = [
        ("reference", {}, "1.30-1.48", 1.12, 0.995),
        ("5min", {"interval_min": 5.0, "neurons": 400}, "1.21", 1.12, 0),
        ("60min", {"interval_min": 60.0}, "2.10", 1.20, 0),
        ("6h", {"interval_min": 360.0, **slow}, "1.19", 1.15, 0),
        ("12h", {"interval_min": 720.0, **slow}, "1.38", 1.15, 0),
        ("100e", {"electrons": 100.0}, "1.25-1.34", 1.25, 0),
        ("1000e", {"electrons": 1000.0}, "1.74", 1.15, 0),
        ("5000e", {"electrons": 5000.0}, "1.85", 1.15, 0),
        ("fold6", {"fold": 6.0}, "1.93", 1.10, 0),
        ("fold2", {"fold": 2.0}, "1.47", 1.30, 0),
        ("fold1.6", {"fold": 1.6}, "2.03", 1.60, 0),
        ("50e", {"electrons": 50.0}, "1.50", 1.30, 0.985),
        ("missing-30%", {"missing": 0.3}, "1.45", 1.20, 0),
        ("outliers+transients", CONTAMINATED, "2.24", 0, 0),
        ("as-frames", AS_FRAMES, "", 0, 0),
        ("t4", {"heavy_tails": True}, "1.52", 0, 0),
        ("first-day", {"first_onset_h": 0.0, "days": 2.0}, "", 0, 0),
        ("8-wells", {"wells": 8}, "", 1.12, 0),
        ("fill-loss", {"endpoint": "loss_of_fill"}, "1.07-1.12", 1.12, 0),
    ]
    return [
        Row(name, "delay", replace(law, **kw), f"<= {reach}" if reach else "", today,
            f">= {found}" if found else "")
        for name, kw, today, reach, found in table
    ]  # fmt: skip


def _nulls() -> list[Row]:
    """Return the sets in which nobody dies."""
    live = Law(dying=0.0, days=7.0)
    sets = {
        "clean": {},
        "t4": {"heavy_tails": True},
        "outliers": {"outliers": 0.01},
        "transients-.002": {"transients_per_day": 0.002},
        "transients-.005": {"transients_per_day": 0.005},
        "transients-.02": {"transients_per_day": 0.02},
        "transients-.1": {"transients_per_day": 0.1},
        "transients-.5": {"transients_per_day": 0.5},
        "outliers+transients": CONTAMINATED,
        "bleaching": {"bleaching_per_day": 0.2},
        "wander-x2": {"wander": 0.16},
        "irregular": {"schedule": "irregular"},
        "adaptive": {"schedule": "adaptive"},
        "missing-30%": {"missing": 0.3},
        "well-steps-logged": {"well_steps_per_day": 0.5, "steps_logged": True, "wells": 8},
        "well-steps": {"well_steps_per_day": 0.5, "wells": 8},
        "50e": {"electrons": 50.0},
        "no-sd": {"sd_given": False},
        "50e-no-sd": {"electrons": 50.0, "sd_given": False},
        "60min": {"interval_min": 60.0},
        "12h": {"interval_min": 720.0, "days": 28.0},
        "fill": {"endpoint": "loss_of_fill"},
    }
    today = {"no-sd": "", "50e-no-sd": "12.9"}
    return [
        Row(f"null-{name}", "null", replace(live, **law), today=today.get(name, ""))
        for name, law in sets.items()
    ]


def _taught() -> list[Row]:
    """Return the rows of plates that begin with what another one learnt.

    The right teacher has the plate's own law; the wrong ones saw none of what the plate has.
    """
    law = Law(first_onset_h=0.0, days=2.0)
    live = Law(dying=0.0, days=2.0)
    bright = Law(electrons=5000.0, fold=6.0)
    wrong = {
        "faint": (live, {"electrons": 50.0}, bright),
        "fold1.6": (live, {}, Law(fold=1.6)),
        "outliers+transients": (live, CONTAMINATED, Law()),
        "t4": (live, {"heavy_tails": True}, Law()),
        "wander-x2": (live, {"wander": 0.16}, bright),
        "60min": (replace(live, days=4.0), {"interval_min": 60.0}, Law(interval_min=5.0, days=3.0)),
    }
    return [
        Row("first-day-priors", "delay", law, "<= 1.15", taught_by=Law()),
        *(Row(f"wrong-priors-{name}", "null", replace(base, **kw), taught_by=teacher)
          for name, (base, kw, teacher) in wrong.items()),
    ]  # fmt: skip


def _faults() -> list[Row]:
    """Return the accidents of fields, with an indicator and with the fill alone."""
    law = Law(interval_min=30.0, neurons=320, wells=8, dying=0.3)
    alone = replace(law, endpoint="loss_of_fill")
    return [
        Row(
            f"fault-{name}",
            "fault",
            replace(alone if name.startswith("fill-") else law, fault=name),
        )
        for name in FAULTS
    ]


def _fates() -> list[Row]:
    """Return the rows of wells that are killed and of corpses that lose their light."""
    law = Law(interval_min=60.0, neurons=320, wells=8, dying=0.1, rise_min=10.0)
    dying = Law(interval_min=30.0)
    arrived = Law(days=2.0, dying=0.0, dead_before=0.05)
    return [
        *(Row(f"killed-{what}", "killed", replace(law, killed=what), ">= 0.99")
          for what in ("well", "plate")),
        *(Row(f"arrival-{n}e", "arrived", replace(arrived, electrons=float(n)), today=today)
          for n, today in ((300, ""), (50, "0.01"))),
        *(Row(f"corpse-{what}", "kept", replace(dying, corpse=what), "<= 0.01")
          for what in ("indicator-leaks", "both-leak", "cleared")),
    ]  # fmt: skip


def _onsets() -> list[Row]:
    """Return the rows that date onsets."""
    law, same = Law(), {"fold_sd": 0.0, "rise_sd": 0.0, "brightness_sd": 0.0}
    laws = {"15min": {}, "60min": {"interval_min": 60.0}, "one-law": same}
    return [
        Row(f"onset-{name}", "onset", replace(law, **kw), "" if kw is same else "<= 1.05", "1.0")
        for name, kw in laws.items()
    ]  # fmt: skip


def _oracles() -> list[Row]:
    """Return the rows that measure the oracle of each contaminated law, and of the clean one."""
    law = Law()
    laws = {"clean": {}, "t4": {"heavy_tails": True}, "outliers+transients": CONTAMINATED,
            "as-frames": AS_FRAMES}  # fmt: skip
    return [Row(f"oracle-{name}", "oracle", replace(law, **kw)) for name, kw in laws.items()]


def _peers() -> list[Row]:
    """Return the rows that set the detector beside what is practised."""
    law = Law()
    laws = {"reference": {}, "60min": {"interval_min": 60.0}, "outliers+transients": CONTAMINATED}
    return [Row(f"peers-{name}", "peers", replace(law, **kw)) for name, kw in laws.items()]


WITNESSED = Law(electrons=100.0, further=("dye", "shape"))
"""Light at which indicator, dye and shape call deaths about as soon as one another."""


def _fused() -> list[Row]:
    """Return the rows of three channels that show one death, and of nulls of all three."""
    live = replace(WITNESSED, dying=0.0, days=7.0)
    sets = {
        "clean": {},
        "alike-.3": {"alike": 0.3},
        "alike-.7": {"alike": 0.7},
        "bright-alike-.3": {"alike": 0.3, "electrons": 1000.0},
        "bright-alike-.7": {"alike": 0.7, "electrons": 1000.0},
        "t4-alike-.3": {"alike": 0.3, "heavy_tails": True},
        "transients": {"transients_per_day": 0.1, "accidents_shared": True},
        "outliers": {"outliers": 0.01, "accidents_shared": True},
        "outliers+transients": {**CONTAMINATED, "accidents_shared": True},
    }
    laws = {"fused": {}, "fused-alike-.3": {"alike": 0.3}}
    return [
        *(Row(name, "fused", replace(WITNESSED, **kw), "<= 0.8", "1", ">= 0.995")
          for name, kw in laws.items()),
        *(Row(f"null-fused-{name}", "null", replace(live, **kw)) for name, kw in sets.items()),
    ]  # fmt: skip


ROWS = {
    row.name: row
    for rows in (_delays, _nulls, _taught, _faults, _fates, _onsets, _oracles, _peers, _fused)
    for row in rows()
}
