"""What a person did to a study: checked, then added to its journal, and read back.

A deed, its wells, hour and dose go in; a durable entry comes out, or one sentence that says
why not. Nothing written is changed: an entry that was wrong is retracted by another one.
"""

import math
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from livedeath.errors import StudyError, command
from livedeath.model.base import decimal_point, known_names, nearest
from livedeath.model.doses import unit_named
from livedeath.model.events import RETRACT
from livedeath.model.rounds import end_h
from livedeath.model.rules.wells import some
from livedeath.store.folder import StudyFolder
from livedeath.store.journal import LOG, Entry, with_id, zero_of

DEEDS = ("dose", "exclude", "media", "load", "unload", "kill", "note")
"""What can be logged, beside the retraction of an entry."""

NOW = "now"

_NEEDS_WELLS = frozenset({"dose", "exclude", "media", "kill"})
_NEEDS_REASON = frozenset({"exclude", "note"})
_TAKES_DOSE = frozenset({"dose", "kill"})

_EXPLAINS_A_STEP = frozenset({"dose", "media", "load"})
"""Deeds after which an analysis expects a step of a well's neurons, if it is told in time."""

_MAY_COME_LATER = frozenset({"note", "unload"})
"""Deeds that may lie after the end of the study: no measurement depends on them."""

_OWN_CLOCK = ("simulated", "replay")
"""Microscopes whose clock stands where their last frame was taken."""


@dataclass(frozen=True)
class Deed:
    """What a person says was done.

    Attributes
    ----------
    what : str
        One of `DEEDS`.
    wells : tuple of str
        Names, blocks, or several of them with commas between.
    vessel : str or None
        Needed where the study has several.
    at : str
        Hours since the study's start, or ``now``.
    why, compound, unit : str
        In the person's words; ``unit`` is a unit of doses.
    dose : float or None
        How much.
    """

    what: str
    wells: tuple[str, ...] = ()
    vessel: str | None = None
    at: str = NOW
    why: str = ""
    compound: str = ""
    dose: float | None = None
    unit: str = ""


@dataclass(frozen=True)
class Logged:
    """An entry that is in the journal, and what about it is doubtful."""

    entry: Entry
    notes: list[str] = field(default_factory=list)


def log(folder: StudyFolder, deed: Deed) -> Logged:
    """Add what was done to a study's journal; it is durable when this returns.

    Parameters
    ----------
    folder : StudyFolder
        The study.
    deed : Deed
        What was done.

    Raises
    ------
    StudyError
        If it makes no sense for this study; then nothing is written.
    """
    entries = folder.journal.read()
    entry = _checked(folder, deed, entries)
    notes = [*_doubts(folder, entry, standing(entries)), *_too_late(entry, entries)]
    return Logged(_write(folder, entry), notes)


def retract(folder: StudyFolder, entry_id: str, why: str) -> Logged:
    """Void an entry by another one, which says why; both stay in the journal.

    Parameters
    ----------
    folder : StudyFolder
        The study.
    entry_id : str
        Id of the entry; see `logged`.
    why : str
        The reason.

    Raises
    ------
    StudyError
        If there is no such entry, it is void already, or no reason is given.
    """
    entries = logged(folder.journal.read())
    ids = [str(entry["id"]) for entry in entries]
    if entry_id not in ids:
        near = known_names(entry_id, ids) if ids else "the journal holds none yet"
        raise StudyError(
            f"--entry is {entry_id!r}, which is no entry of the log; {near}, see "
            f"'{command('log', folder.path, 'list')}'."
        )
    entry = entries[ids.index(entry_id)]
    if entry.get("what") == RETRACT:
        raise StudyError(
            f"--entry is {entry_id!r}, which is a retraction; log anew what was done instead."
        )
    if entry_id in voided(entries):
        raise StudyError(f"--entry is {entry_id!r}, which was retracted already; leave it.")
    if not why.strip():
        raise StudyError("'retract' needs a reason; give it with --why \"...\".")
    said = {"kind": LOG, "what": RETRACT, "voids": entry_id, "why": why.strip()}
    return Logged(_write(folder, said))


def logged(entries: Iterable[Entry]) -> list[Entry]:
    """Return all log entries, oldest first, retracted ones and retractions included."""
    return [entry for entry in entries if entry.get("kind") == LOG]


def voided(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Return the retraction of each entry that was retracted, by that entry's id."""
    return {str(e["voids"]): e for e in logged(entries) if e.get("what") == RETRACT}


def standing(entries: Iterable[Entry]) -> list[Entry]:
    """Return the log entries that count: neither retracted nor retractions."""
    everything = logged(entries)
    void = voided(everything)
    return [e for e in everything if e["id"] not in void and e.get("what") != RETRACT]


def said_of(entry: Mapping[str, Any]) -> str:
    """Say an entry in a few words, like ``dose of C2 C3 at 26.00 h: drug 10 uM``."""
    if entry.get("what") == RETRACT:
        return f"retraction of {entry.get('voids')}: {entry.get('why', '')}"
    where = " ".join(entry.get("wells") or ()) or str(entry.get("vessel", ""))
    dose = "" if entry.get("dose") is None else f" {entry['dose']:g} {entry.get('unit', '')}"
    rest = "; ".join(
        part for part in (f"{entry.get('compound') or ''}{dose}", entry.get("why")) if part
    )
    at = entry.get("at_h")
    hour = "" if at is None else f" at {at:.2f} h"
    return f"{entry.get('what')} of {where}{hour}" + (f": {rest}" if rest else "")


def _write(folder: StudyFolder, entry: Entry) -> Entry:
    whole = with_id(entry)
    folder.journal.append(whole)
    return whole


def _checked(folder: StudyFolder, deed: Deed, entries: list[Entry]) -> Entry:
    if deed.what not in DEEDS:
        raise StudyError(f"{deed.what!r} cannot be logged; {known_names(deed.what, DEEDS)}.")
    _check_dose(deed)
    if deed.what in _NEEDS_REASON and not deed.why.strip():
        raise StudyError(f"'{deed.what}' needs a reason; give it with --why \"...\".")
    vessel = _vessel(folder, deed)
    return {
        "kind": LOG,
        "what": deed.what,
        "vessel": vessel,
        "wells": _wells(folder, deed, vessel),
        "at_h": _hour(folder, deed, entries),
        "why": deed.why.strip(),
        "compound": deed.compound.strip(),
        "dose": deed.dose,
        "unit": _unit(deed),
    }


def _check_dose(deed: Deed) -> None:
    given = {"--compound": deed.compound.strip(), "--dose": deed.dose, "--unit": deed.unit.strip()}
    said = [name for name, value in given.items() if value not in ("", None)]
    if said and deed.what not in _TAKES_DOSE:
        raise StudyError(
            f"{said[0]} has a meaning with 'dose' and 'kill' only, not with {deed.what!r}; leave "
            f"it out, or log the dose by itself."
        )
    if deed.what == "dose" and not given["--compound"]:
        raise StudyError("'dose' needs what was added; name it with --compound.")
    if deed.dose is None and given["--unit"]:
        raise StudyError(f"--unit is {deed.unit!r} without dose; give it with --dose.")
    if deed.what == "dose" and deed.dose is None and not deed.why.strip():
        raise StudyError(
            "'dose' needs how much; give it with --dose and --unit, or say it in --why."
        )
    if deed.dose is not None and not (math.isfinite(deed.dose) and deed.dose >= 0):
        raise StudyError(f"--dose is {deed.dose:g}; give a number of 0 or more.")
    if deed.dose is not None and not given["--unit"]:
        raise StudyError(f"--dose is {deed.dose:g} without unit; give it with --unit, like uM.")


def _unit(deed: Deed) -> str:
    try:
        return unit_named(deed.unit) if deed.unit.strip() else ""
    except StudyError as error:
        raise StudyError(f"--unit: {error}; say the dose in --why for another one.") from None


def _vessel(folder: StudyFolder, deed: Deed) -> str:
    known = [vessel.id for vessel in folder.study.vessels]
    if deed.vessel is None:
        if len(known) > 1:
            raise StudyError(
                f"the study has several vessels; say which with --vessel ({', '.join(known)})."
            )
        return known[0]
    if deed.vessel not in known:
        raise StudyError(
            f"--vessel is {deed.vessel!r}, which is no vessel; {known_names(deed.vessel, known)}."
        )
    return deed.vessel


def _wells(folder: StudyFolder, deed: Deed, vessel: str) -> list[str]:
    named = tuple(part for said in deed.wells for part in said.replace(",", " ").split())
    if not named and deed.what in _NEEDS_WELLS:
        raise StudyError(f"'{deed.what}' concerns wells; name them with --wells, like B3 or A1:A4.")
    apart = [part for said in named for part in re.split(r"[;&+]", said) if part]
    if len(apart) > len(named):
        raise StudyError(
            f"--wells is {' '.join(deed.wells)!r}; put commas between wells: --wells "
            f"{','.join(apart)}."
        )
    try:
        wells = folder.study.vessel(vessel).expand(named)
    except StudyError as error:
        raise StudyError(f"--wells: {error}.") from None
    visited = folder.study.wells(vessel)
    unseen = tuple(well for well in wells if well not in visited)
    if unseen and "all" in (part.lower() for part in named):
        return list(visited)
    if unseen:
        raise StudyError(
            f"--wells names {some(unseen)} of vessel {vessel!r}, not visited in this study; "
            f"visited are {some(visited)}."
        )
    return list(wells)


def _hour(folder: StudyFolder, deed: Deed, entries: list[Entry]) -> float:
    """Return the hour meant, inside the study as far as it has gone."""
    frames_h = [float(e["time_h"]) for e in entries if e.get("time_h") is not None]
    end = max(end_h(folder.study), *frames_h) if frames_h else end_h(folder.study)
    if deed.at == NOW:
        hour = _now_h(folder, entries, frames_h)
        if hour > end and not _is_running(entries) and deed.what not in _MAY_COME_LATER:
            raise StudyError(
                f"--at is 'now', {hour:.1f} h after the start, but the study ended at {end:g} h; "
                f"give with --at the hour at which it was done."
            )
        return hour
    try:
        hour = float(deed.at)
    except ValueError:
        hour = -1.0
    if not (0 <= hour and math.isfinite(hour)):
        point = decimal_point(deed.at)
        meant = f"write a decimal point, {point}: " if point else ""
        raise StudyError(
            f"--at is {deed.at!r}; {meant}give hours since the study's start as a number, like "
            f"26.5, or 'now'."
        )
    if hour > end and deed.what not in _MAY_COME_LATER:
        raise StudyError(
            f"--at is {hour:g}, but the study ends at {end:g} h; give hours since its start."
        )
    return hour


def _is_running(entries: list[Entry]) -> bool:
    last = [entry.get("what") for entry in entries if entry.get("kind") == "acquisition"][-1:]
    return last in (["start"], ["resume"])


def _now_h(folder: StudyFolder, entries: list[Entry], frames_h: list[float]) -> float:
    """Return the study's hour now, by the clock of its microscope or as declared."""
    begun = [entry for entry in entries if entry.get("kind") == "acquisition"]
    microscope = str(begun[0].get("microscope", "")) if begun else ""
    if microscope.startswith(_OWN_CLOCK):
        return max(frames_h, default=0.0)
    zero = zero_of(entries)
    start = zero or folder.study.schedule.start
    if (begun and zero is None) or start is None:
        cause = (
            "this study was not acquired here and has no clock"
            if begun
            else "the acquisition has not begun and schedule.start is not declared"
        )
        raise StudyError(f"--at is 'now', but {cause}; give the hour since its start with --at.")
    hour = (time.time() - start.timestamp()) / 3600.0
    if hour < 0:
        raise StudyError(
            f"--at is 'now', but the study starts at {start.isoformat()} only; give the hour since "
            f"then with --at."
        )
    return hour


def _doubts(folder: StudyFolder, entry: Entry, before: list[Entry]) -> Iterator[str]:
    """Yield what may be a slip: it is logged all the same."""
    alike = [old for old in before if _is_alike(old, entry)]
    if alike:
        yield f"entry {alike[-1]['id']} says the same: {said_of(alike[-1])}"
        return
    compounds = [i.compound for i in folder.study.interventions if i.compound]
    kill = folder.study.end_kill
    compounds += [kill.compound] if kill is not None and kill.compound else []
    compound = str(entry["compound"])
    near = nearest(compound, compounds) if compound and compound not in compounds else ""
    if near:
        yield f"{compound!r} is not declared; perhaps {near!r} is meant"
    if entry["what"] == "exclude":
        yield from _excluded_before(entry, before)
    if entry["what"] in ("load", "unload"):
        yield from _moved_before(entry, before)


def _too_late(entry: Entry, entries: list[Entry]) -> Iterator[str]:
    """Say that visits after a deed were taken before it was told: calls are never revised."""
    if entry["what"] not in _EXPLAINS_A_STEP:
        return
    wells = entry.get("wells") or ()
    if any(
        one.get("kind") == "frame"
        and one.get("status") == "saved"
        and one.get("vessel") == entry["vessel"]
        and (not wells or one.get("well") in wells)
        and float(one.get("time_h", -math.inf)) > entry["at_h"]
        for one in entries
    ):
        yield (
            "visits after it were taken already, and calls are never revised: the report knows of "
            "it, the calls do not"
        )


def _is_alike(old: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    keys = ("what", "vessel", "wells", "at_h", "compound", "dose", "unit", "why")
    return all(old.get(key) == entry.get(key) for key in keys)


def _excluded_before(entry: Entry, before: list[Entry]) -> Iterator[str]:
    for old in before:
        same_vessel = old.get("vessel") in (None, "", entry["vessel"])
        again = [w for w in entry["wells"] if same_vessel and w in (old.get("wells") or ())]
        if again and old.get("what") == "exclude" and old["at_h"] <= entry["at_h"]:
            yield (
                f"{some(tuple(again))} did not count any more from {old['at_h']:g} h on, by entry "
                f"{old['id']}"
            )


def _moved_before(entry: Entry, before: list[Entry]) -> Iterator[str]:
    """Say that a vessel is brought that is there, or taken that is away."""
    vessel, what = entry["vessel"], entry["what"]
    moves = [
        old
        for old in before
        if old.get("what") in ("load", "unload")
        and old.get("vessel") in (None, "", vessel)
        and old["at_h"] <= entry["at_h"]
    ]
    last = max(moves, key=lambda old: float(old["at_h"]), default=None)
    if last is not None and last["what"] == what:
        yield f"{vessel!r} was {what}ed at {last['at_h']:g} h already, by entry {last['id']}"
    elif last is None and what == "load" and entry["at_h"] > 0:
        yield f"{vessel!r} was never unloaded, so it counts as on the stage"
