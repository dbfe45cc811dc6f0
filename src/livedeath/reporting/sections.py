"""The report's numbers, section by section: a material goes in, plain values come out.

What a section cannot say is an empty value, and the page says why in one sentence.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from livedeath._version import __version__
from livedeath.model.flags import DESCRIPTIONS, Flag
from livedeath.model.optics import Optics
from livedeath.model.plate import FORMATS, row_column
from livedeath.model.tables import FIELD_FAULT, FURTHER, NOT_SHOWN, PLACE
from livedeath.reporting.figures import WellSurvival
from livedeath.reporting.material import Material
from livedeath.run import logbook
from livedeath.run.coverage import NOT_YET
from livedeath.statistics.declared import arms_in_order
from livedeath.statistics.estimate import ArmEstimate, estimate
from livedeath.store.declared import declared_at_start
from livedeath.store.places import field_of

MOST_MISSED_SHOWN = 15
MOST_LOGGED_SHOWN = 40
MOST_FIELDS_SHOWN = 6

LOSS_WORDS = {
    "": "no reason recorded",
    FIELD_FAULT: "the field showed nothing, or death and accident could not be told apart",
}


def summary(material: Material, arms: tuple[ArmEstimate, ...]) -> dict[str, Any]:
    """Return the figures that open the report."""
    calls, traces = material.calls, material.traces
    n_visits, n_fields = _scored_visits(material)
    hours = traces["time_h"].to_numpy()
    return {
        "wells": calls.select("vessel", "well").n_unique(),
        "arms": len(arms),
        "fields": n_fields,
        "neurons": sum(arm.n_neurons for arm in arms),
        "neurons_found": material.called.calls.height,
        "neuron_days": sum(arm.neuron_hours for arm in arms) / 24.0,
        "visits": n_visits,
        "rounds": _most_visits(traces),
        "hours": float(hours.max()) if len(hours) else 0.0,
        "dead": sum(arm.n_dead for arm in arms),
        "lost": sum(arm.n_lost for arm in arms),
        "dead_on_arrival": sum(arm.n_dead_on_arrival for arm in arms),
        "calibrated": is_calibrated(material),
        "from_table": material.from_table,
        "has_indicator": bool(material.study.indicators),
    }


def whereabouts(material: Material, arms: tuple[ArmEstimate, ...]) -> dict[str, Any]:
    """Say where each neuron of the run went, per arm; every column adds up.

    Returns
    -------
    dict
        ``arms`` (names), ``rows`` of (words, level, counts per arm, total): ``found`` is the
        sum of the rows at level 1, ``followed`` of those at level 2.
    """
    names = [arm.group for arm in arms]
    after = material.called.after_end
    late = {
        cause: Counter(after.filter(pl.col("ended_by") == cause)["arm"])
        for cause in ("kill", "exclusion")
    }
    names += [arm for arm in after["arm"].unique(maintain_order=True) if arm not in names]
    by_name = {arm.group: arm for arm in arms}

    def counted(attribute: str) -> dict[str, int]:
        return {name: getattr(by_name[name], attribute) for name in names if name in by_name}

    shown_not = never_shown(material)
    once = counted("n_without_time")
    parts: list[tuple[str, int, Mapping[str, int]]] = [
        ("found", 0, Counter(material.called.calls["arm"])),
        ("first seen after the kill", 1, late["kill"]),
        ("first seen after its well was excluded", 1, late["exclusion"]),
        ("dead on arrival", 1, counted("n_dead_on_arrival")),
        ("not shown to be a neuron", 1, shown_not),
        ("seen once only", 1, {arm: n - shown_not.get(arm, 0) for arm, n in once.items()}),
        ("followed", 1, counted("n_neurons")),
        ("died", 2, counted("n_dead")),
        ("lost", 2, counted("n_lost")),
        ("alive when watching ended", 2, counted("n_alive")),
        ("of them called once, and taken back", 3, _taken_back(material)),
    ]
    rows: list[dict[str, Any]] = [
        {"words": words, "level": level, "counts": [own.get(name, 0) for name in names]}
        for words, level, own in parts
    ]
    kept = [row for row in rows if sum(row["counts"]) or row["words"] in ("found", "followed")]
    return {"arms": names, "rows": [row | {"total": sum(row["counts"])} for row in kept]}


def _taken_back(material: Material) -> Counter[str]:
    back = pl.Series(material.table.at_risk & ~material.table.event & ~material.table.lost)
    return Counter(material.calls.filter(back & pl.col("revoked_at_h").is_not_null())["arm"])


def never_shown(material: Material) -> Counter[str]:
    """Count, per arm, what was found and never shown to be a neuron, before any end."""
    calls = material.called.calls
    late = material.called.after_end["neuron_id"].implode()
    own = (pl.col("loss_reason") == NOT_SHOWN) & ~pl.col("neuron_id").is_in(late)
    return Counter(calls.filter(own.fill_null(value=False))["arm"])


def _scored_visits(material: Material) -> tuple[int, int]:
    """Return how many visits were scored, and to how many fields, neurons in them or not."""
    taken = {
        (key.vessel, key.well, key.field, key.acquisition, key.t)
        for key, entry in material.frames.items()
        if entry.get("status") == "saved"
    }
    if not taken:
        taken = set(material.traces.select(*PLACE, "t").unique().iter_rows())
    n_visits = len(taken) - sum(one.visits for one in material.unscored)
    return n_visits, len({visit[:3] for visit in taken})


def _most_visits(traces: pl.DataFrame) -> int:
    visits = traces.select(*PLACE, "t").unique()
    return max(visits.group_by(PLACE).len()["len"].to_list(), default=0)


def is_calibrated(material: Material) -> bool:
    """Say whether intensities are electrons; a table says by its flags where they are not."""
    bits = material.traces["flags"]
    uncalibrated = ((bits.cast(pl.Int64) & int(Flag.UNCALIBRATED)) > 0).any()
    known = material.from_table or material.study.optics.camera.gain_e_per_adu is not None
    return not uncalibrated and known


def unscored(material: Material) -> list[dict[str, Any]]:
    """Return, for each reason, how many visits were acquired and are not in the run.

    Returns
    -------
    list of dict
        ``why``, ``is_pending`` (scoring again mends it), ``visits``, ``fields``, ``places``
        (the first few), ``from_h``, ``to_h``.
    """
    found = []
    for why in dict.fromkeys(one.why for one in material.unscored):
        own = [one for one in material.unscored if one.why == why]
        hours = [hour for one in own for hour in one.hours]
        found.append(
            {
                "why": why,
                "is_pending": why == NOT_YET,
                "visits": len(hours),
                "fields": len(own),
                "places": [one.field.name for one in own[:MOST_FIELDS_SHOWN]],
                "from_h": min(hours),
                "to_h": max(hours),
            }
        )
    return found


def dates(material: Material) -> tuple[str, str]:
    """Return the first and the last day on which anything was journaled, or two blanks."""
    walls = [entry["wall"] for entry in material.entries if entry.get("wall")]
    days = sorted(_day(wall) for wall in walls)
    return (days[0], days[-1]) if days else ("", "")


def _day(wall: str) -> str:
    try:
        return datetime.fromisoformat(wall).strftime("%Y-%m-%d")
    except ValueError:
        return str(wall)[:10]


def wells(material: Material, horizon_h: float) -> dict[str, list[WellSurvival]]:
    """Return the wells of each vessel with their survival at the horizon."""
    table = material.table
    places = material.calls.select("vessel", "well").rows()
    names = np.array([f"{vessel}\t{well}" for vessel, well in places], dtype=object)
    found: dict[str, list[WellSurvival]] = {vessel.id: [] for vessel in material.study.vessels}
    for (vessel, well), arm in material.study.arms().items():
        rows = names == f"{vessel}\t{well}"
        watched = table.take(rows & table.at_risk)
        alive = estimate(watched, landmarks_h=[horizon_h]) if len(watched) else ()
        row, column = row_column(well)
        found[vessel].append(
            WellSurvival(
                row,
                column,
                well,
                arm,
                survival=_share_alive(alive),
                n_neurons=len(watched),
                excluded=material.events.exclusion(vessel, well) is not None,
            )
        )
    return found


def _share_alive(arms: tuple[ArmEstimate, ...]) -> float:
    value = arms[0].landmarks[0].survival.value if arms else None
    return float("nan") if value is None else value


def plate_shape(material: Material, vessel: str) -> tuple[int, int]:
    """Return rows and columns of a vessel."""
    geometry = FORMATS[material.study.vessel(vessel).format]
    return geometry.rows, geometry.columns


def missed(material: Material) -> dict[str, Any]:
    """Return what was planned and not had: frames, wells, neurons, with reasons."""
    statuses = Counter(entry.get("status") for entry in material.frames.values())
    lost = [e for e in material.frames.values() if e.get("status") == "missed"]
    reasons = Counter(str(entry.get("reason") or "no reason given") for entry in lost)
    return {
        "planned": material.folder.plan.n_frames,
        "saved": statuses.get("saved", 0),
        "missed": len(lost),
        "not_planned": statuses.get("not_planned", 0),
        "journaled": bool(material.frames),
        "reasons": reasons.most_common(MOST_MISSED_SHOWN),
        "examples": [_frame_row(entry) for entry in lost[:MOST_MISSED_SHOWN]],
        "exclusions": [
            {"place": f"{v}/{w}", "from_h": hour, "why": why}
            for (v, w), (hour, why) in material.events.exclusions.items()
        ],
        "losses": losses(material),
        "at_border": int(material.provenance.get("at_border", 0)),
        "bad_frames": sorted(material.provenance.get("bad_frames", {}).items()),
        "logged": _logged(material)[:MOST_LOGGED_SHOWN],
    }


def _frame_row(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "place": field_of(entry).name,
        "t": entry["t"],
        "channel": entry["channel"],
        "hour": entry.get("time_h", entry.get("planned_h")),
        "reason": entry.get("reason") or "no reason given",
    }


def _logged(material: Material) -> list[dict[str, Any]]:
    entries = logbook.logged(material.entries)
    void = logbook.voided(entries)
    return [_log_row(entry, retracted=entry["id"] in void) for entry in entries]


def _log_row(entry: dict[str, Any], *, retracted: bool) -> dict[str, Any]:
    return {
        "id": entry["id"],
        "retracted": retracted,
        "what": entry.get("what", ""),
        "wells": ", ".join(entry.get("wells") or ()) or "all",
        "hour": entry.get("at_h"),
        "why": _why(entry),
    }


def _why(entry: dict[str, Any]) -> str:
    said = str(entry.get("why") or entry.get("compound") or "")
    return f"{said} (voids {entry['voids']})" if entry.get("voids") else said


def losses(material: Material) -> dict[str, Any]:
    """Return lost neurons by reason and arm, as they stood before the kill."""
    table = material.table
    lost = material.calls.filter(pl.Series(table.lost & table.at_risk))
    arms = arms_in_order(material.called)
    counted = Counter(zip(lost["loss_reason"].fill_null(""), lost["arm"], strict=True))
    reasons = sorted({reason for reason, _ in counted})
    return {
        "arms": arms,
        "rows": [
            {
                "reason": LOSS_WORDS.get(reason, reason).replace("_", " "),
                "counts": [counted.get((reason, arm), 0) for arm in arms],
            }
            for reason in reasons
        ],
        "total": lost.height,
        "field_fault": int((lost["loss_reason"] == FIELD_FAULT).sum()),
        "at_risk": int(table.at_risk.sum()),
        "not_shown": (unproven := sum(never_shown(material).values())),
        "unwatched": int((table.lost & ~table.at_risk).sum()) - unproven,
    }


def flag_shares(material: Material) -> tuple[list[dict[str, Any]], np.ndarray, np.ndarray]:
    """Return the flags that occur, the rounds' hours, and the share flagged in each.

    Returns
    -------
    flags : list of dict
        ``name``, ``share`` of all measurements, ``says``; commonest first.
    hours : (V,) float64
        Median hour of each round.
    share : (F, V) float64
        0..1.
    """
    traces = material.traces
    bits = traces["flags"].cast(pl.Int64).to_numpy()
    t = traces["t"].to_numpy()
    rounds = np.unique(t)
    hours = np.array([float(np.median(traces["time_h"].to_numpy()[t == r])) for r in rounds])
    found = []
    for flag in Flag:
        carried = (bits & int(flag)) > 0
        if carried.any():
            found.append((float(carried.mean()), flag, carried))
    found.sort(key=lambda item: -item[0])
    share = np.array([[carried[t == r].mean() for r in rounds] for _, _, carried in found])
    rows = [
        {"name": _flag_words(flag), "share": overall, "says": DESCRIPTIONS.get(flag, "")}
        for overall, flag, _ in found
    ]
    return rows, hours, share


def _flag_words(flag: Flag) -> str:
    return (flag.name or "").lower().replace("_", " ")


def reviews(material: Material) -> dict[str, Any]:
    """Return how many verdicts each reviewer gave, and how they agree with the calls."""
    calls = material.called.calls
    said = dict(zip(calls["neuron_id"], calls["outcome"], strict=True))
    rows = []
    for reviewer, verdicts in material.reviews.items():
        words = Counter(one.verdict for one in verdicts.values())
        judged = [
            (one.verdict, said[neuron])
            for neuron, one in verdicts.items()
            if neuron in said and one.verdict in ("dead", "alive", "lost", "dead_on_arrival")
        ]
        agreed = sum(a == b for a, b in judged)
        rows.append(
            {
                "reviewer": reviewer,
                "n": len(verdicts),
                "verdicts": words.most_common(),
                "agreed": agreed,
                "judged": len(judged),
            }
        )
    return {
        "rows": rows,
        "trouble": material.review_trouble,
        "total": sum(row["n"] for row in rows),
    }


def provenance(material: Material) -> list[tuple[str, str]]:
    """Return what the report was made from, as pairs of name and value."""
    made = material.provenance
    libraries = made.get("libraries") or {}
    versions = ", ".join(f"{name} {version}" for name, version in libraries.items() if version)
    pairs = [
        ("Study", "" if material.from_table else str(material.folder.path.name)),
        ("Fingerprint of study.toml", "" if material.from_table else material.study.fingerprint),
        ("Table", str(made.get("input", ""))),
        ("Run", str(made.get("run") or material.run.name)),
        ("Run complete", "yes" if material.run.complete else "no: scored as far as it went"),
        ("Scored with", f"livedeath {made.get('livedeath', 'unknown')}"),
        ("Reported with", f"livedeath {__version__}"),
        ("Scored at", str(made.get("started", ""))),
        ("System", f"{made.get('system', '')}; Python {made.get('python', '')}"),
        ("Libraries", versions),
    ]
    return [(name, value) for name, value in pairs if value]


def optics_line(material: Material) -> str:
    """Return objective, pixel size and frame in one line."""
    return "" if material.from_table else _said(material.study.optics) + " · "


def further(material: Material) -> list[str]:
    """Return the channels that were weighed with what was sensed."""
    if material.from_table:
        return [name for name in FURTHER if name in material.traces.columns]
    return [channel.name for channel in material.study.further.values()]


def declaration_changes(material: Material) -> list[str]:
    """Return what was changed in the declaration since the first frame, one sentence each."""
    start = declared_at_start(material.entries)
    return [] if start is None else start.changes(material.study)


def optics_changes(material: Material) -> list[tuple[float, str]]:
    """Return the hour of each change of optics, and what they were from there on."""
    optics = material.study.optics
    return [
        (change.at_h, _said(optics.of(number)))
        for number, change in enumerate(optics.changes, start=1)
    ]


def _said(optics: Optics) -> str:
    rows, columns = optics.image_shape_px
    parts = [optics.objective, f"{optics.pixel_size_um:g} µm per pixel", f"{columns} × {rows} px"]
    return ", ".join(part for part in parts if part)
