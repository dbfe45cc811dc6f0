"""Micro-Manager position lists (``.pos``) to sites, both of its file formats."""

import json
import re
from pathlib import Path
from typing import Any

from livedeath.errors import StoreError, StudyError
from livedeath.model.plate import row_column, well_name
from livedeath.model.vessels import Site

_WELL_LABEL = re.compile(r"(?:Well\s*)?([A-P]0*[1-9][0-9]?)\b")


def read_positions(path: Path) -> list[Site]:
    """Read the XY stage positions of a position list.

    Parameters
    ----------
    path : Path
        File saved by Micro-Manager's Stage Position List, 1.4 or 2.0.

    Returns
    -------
    list of Site
        ``well`` is read from labels such as ``B03-Site_0`` and empty where there is none;
        ``z_um`` is None where the list holds no height.

    Raises
    ------
    StoreError
        If the file is missing, no position list, or holds no XY position.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise StoreError(f"{path}: there is no such file.") from None
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: this is no Micro-Manager position list ({error}).") from None
    try:
        sites = _modern(data) if "map" in data else _classic(data)
    except (KeyError, TypeError, IndexError):
        raise StoreError(
            f"{path}: this is no Micro-Manager position list; save one from its Stage "
            f"Position List window."
        ) from None
    if not sites:
        raise StoreError(f"{path}: the position list holds no XY position; mark some and save.")
    return sites


def _modern(data: dict[str, Any]) -> list[Site]:
    """Read format 2.0: property maps inside property maps."""
    sites = []
    for entry in data["map"]["StagePositions"]["array"]:
        xy_stage = entry["DefaultXYStage"]["scalar"]
        axes = {
            device["Device"]["scalar"]: device["Position_um"]["array"]
            for device in entry["DevicePositions"]["array"]
        }
        z = axes.get(entry.get("DefaultZStage", {}).get("scalar", ""), [None])
        if xy_stage in axes:
            x, y = axes[xy_stage][:2]
            sites.append(_site(entry["Label"]["scalar"], x, y, z[0]))
    return sites


def _classic(data: dict[str, Any]) -> list[Site]:
    """Read format 1.4: one object per position, with its devices."""
    sites = []
    for entry in data["POSITIONS"]:
        devices = {device["DEVICE"]: device for device in entry["DEVICES"]}
        xy = devices.get(entry["DEFAULT_XY_STAGE"])
        z = devices.get(entry.get("DEFAULT_Z_STAGE", ""), {}).get("X")
        if xy is not None:
            sites.append(_site(entry["LABEL"], xy["X"], xy["Y"], z))
    return sites


def _site(label: str, x_um: float, y_um: float, z_um: float | None) -> Site:
    match = _WELL_LABEL.match(label)
    try:
        well = well_name(*row_column(match[1])) if match else ""
    except StudyError:
        well = ""
    height = None if z_um is None else float(z_um)
    return Site(x_um=float(x_um), y_um=float(y_um), z_um=height, well=well)
