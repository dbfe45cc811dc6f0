"""Units of doses: how they are spelled, and which spelling stands in the name of an arm.

A unit as a person writes it goes in, its one spelling comes out. Amounts are never converted:
1000 nM and 1 uM stay two doses, as they were declared.
"""

import re
from typing import Annotated

from pydantic import AfterValidator

from livedeath.errors import StudyError
from livedeath.model.base import listing, nearest

UNITS: dict[str, tuple[str, ...]] = {
    # Concentration of a substance. M is mol/L (SI brochure, 9th edition, table 8, litre).
    "M": ("mol/L",),
    "mM": ("mmol/L",),
    "uM": ("umol/L",),
    "nM": ("nmol/L",),
    "pM": ("pmol/L",),
    "fM": ("fmol/L",),
    # Concentration by mass: proteins, antibodies, extracts, aggregates.
    "g/L": (),
    "mg/L": (),
    "mg/mL": (),
    "ug/mL": (),
    "ng/mL": (),
    "pg/mL": (),
    # Shares and dilutions: vehicles, serum, gases, supplements.
    "%": ("percent",),
    "% v/v": ("% (v/v)", "%v/v", "vol%"),
    "% w/v": ("% (w/v)", "%w/v"),
    "x": ("X", "×", "fold"),
    # Amount per well: nucleic acids, cells added, activity.
    "pmol": (),
    "nmol": (),
    "pg": (),
    "ng": (),
    "ug": (),
    "mg": (),
    "uL": (),
    "mL": (),
    "cells": ("cells/well",),
    "U": (),
    "U/mL": (),
    "IU/mL": (),
    # Viruses: particles per cell, in all, and per volume.
    "MOI": (),
    "vg": ("GC",),
    "vg/cell": ("GC/cell",),
    "vg/mL": ("GC/mL",),
    "TU": (),
    "TU/mL": (),
    "PFU": (),
    "PFU/mL": (),
    # Per weight of the animal.
    "ng/kg": (),
    "ug/kg": (),
    "mg/kg": (),
    "g/kg": (),
    # Light, radiation, heat, osmotic stress.
    "J/cm2": ("J/cm^2", "J/cm²"),
    "mJ/cm2": ("mJ/cm^2", "mJ/cm²"),
    "mW/cm2": ("mW/cm^2", "mW/cm²"),
    "mW/mm2": ("mW/mm^2", "mW/mm²"),
    "Gy": (),
    "degC": ("°C", "℃"),
    "mOsm": ("mOsm/L", "mOsm/kg"),
}
"""The spelling that is kept, and others that are read as the same.

The letter u, the micro sign and the Greek mu are one; l is read as L. Case counts
otherwise: mM is not MM.
"""

_MICRO = re.compile(r"[µμ](?=(?:M|mol|g|L|l)\b)")
_WORDS = (
    (re.compile(r"mi[ck]ro[ -]?"), "u"),
    (re.compile(r"milli[ -]?"), "m"),
    (re.compile(r"nano[ -]?"), "n"),
    (re.compile(r"pi[ck]o[ -]?"), "p"),
    (re.compile(r"femto[ -]?"), "f"),
    (re.compile(r"molare?$|mol$|m$"), "M"),
    (re.compile(r"grams?\b|gramm\b"), "g"),
    (re.compile(r"lit(?:er|re)s?\b"), "L"),
)
"""Words that people write in place of the signs of a unit, and the signs."""

_LITRE = re.compile(r"(?<=/)(m|u|n)?l\b|^(m|u)l$")

_SPELLED = {other: unit for unit, others in UNITS.items() for other in (unit, *others)}


def plain_micro(text: str) -> str:
    """Return a text with ``u`` for the micro sign of a unit, as arms are named by.

    Parameters
    ----------
    text : str
        ``drug 10 µM`` becomes ``drug 10 uM``; ``µ-opioid`` stays.
    """
    return _MICRO.sub("u", text)


def unit_named(said: str) -> str:
    """Return the one spelling of a unit.

    Parameters
    ----------
    said : str
        As a person wrote it.

    Raises
    ------
    StudyError
        If it is no unit of a dose.
    """
    text = plain_micro(said.strip())
    text = _LITRE.sub(lambda found: found[0][:-1] + "L", text)
    if text not in _SPELLED:
        near = _of_words(text) or nearest(text, _SPELLED, alike=0.7)
        perhaps = f"perhaps {_SPELLED[near]!r} is meant; " if near else ""
        raise StudyError(
            f"{said!r} is no unit of a dose; {perhaps}known are {listing(list(UNITS))}"
        )
    return _SPELLED[text]


def _of_words(said: str) -> str:
    """Return the unit that is spelled out, like ``mikromolar``; empty if it is none."""
    text = said.casefold()
    for word, sign in _WORDS:
        text = word.sub(sign, text, count=1)
    return text if text != said.casefold() and text in _SPELLED else ""


def _declared_unit(said: str) -> str:
    try:
        return unit_named(said) if said.strip() else ""
    except StudyError as error:
        raise ValueError(
            f"{error}; for another one leave dose and unit out and name the arm"
        ) from None


DoseUnit = Annotated[str, AfterValidator(_declared_unit)]
"""A unit of a dose in its one spelling; empty where there is no dose."""


def refuse_half_a_dose(dose: float | None, unit: str) -> None:
    """Refuse a number without unit, and a unit without number.

    Raises
    ------
    ValueError
        For the declaration that holds them.
    """
    if dose is not None and not unit:
        raise ValueError(f"dose is {dose:g} without unit; add one, like unit = 'uM'")
    if dose is None and unit:
        raise ValueError(f"unit is {unit!r} without dose; add one, like dose = 10")
