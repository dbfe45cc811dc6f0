"""The simulated plates: each is named, says what it is, and becomes a world."""

from dataclasses import dataclass, field
from typing import Any

from livedeath.model.study import Study
from livedeath.simulation.demo import demo_parameters, demo_study
from livedeath.simulation.parameters import WorldParameters
from livedeath.simulation.world import World

STUDY = """
schema_version = 1
title = "{name}"
channels = [
  {{ name = "fill", role = "fill", exposure_ms = 100.0 }},
  {{ name = "indicator", role = "indicator", exposure_ms = 100.0 }},
]
vessels = [{{ id = "plate1", format = "96-well", wells = ["A1:H12"] }}]
{sessions}

[optics]
objective = "20x/0.75"
pixel_size_um = {pixel_um}
image_shape_px = [{side}, {side}]
bit_depth = {bit_depth}
{camera}

[schedule]
interval_h = {interval_h}
duration_h = {duration_h}
"""

CALIBRATED = "camera = { offset_adu = 100.0, gain_e_per_adu = 0.46, read_noise_e = 1.6 }"

Changes = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """One simulated plate; ``changes`` are parameters of the world that are not the default.

    ``seg`` is what is asked of the outlines' overlap (SEG). With ``reseat_h`` the plate is put
    back so often.
    """

    name: str
    says: str
    changes: Changes = field(default_factory=dict)
    interval_h: float = 0.5
    duration_h: float = 19.0
    wells: int = 12
    side: int = 512
    seed: int = 20
    pixel_um: float = 0.65
    bit_depth: int = 16
    camera: str = CALIBRATED
    reseat_h: float = 0.0
    seg: float = 0.85

    def world(self, seed: int | None) -> World:
        """Return the plate, with another seed where one is given."""
        if self.name == DEMONSTRATION:
            world = demo_parameters()
            return World(demo_study(), world if seed is None else world.replace(seed=seed))
        study = Study.from_toml(STUDY.format_map(vars(self) | {"sessions": self._sessions()}))
        told = {"seed": self.seed if seed is None else seed, **self.changes}
        return World(study, WorldParameters.model_validate(told))

    def _sessions(self) -> str:
        """Return the plate's stays on the stage, between whose visits it is put back."""
        if not self.reseat_h:
            return ""
        count = int(self.duration_h // self.reseat_h) + 1
        off = self.interval_h / 2
        hours = [max(k * self.reseat_h - off, 0.0) for k in range(count)] + [None]
        return (
            "sessions = [\n"
            + "".join(
                f'  {{ id = "s{k}", vessel = "plate1", loaded_h = {hours[k]}'
                + (f", removed_h = {hours[k + 1]}" if hours[k + 1] is not None else "")
                + " },\n"
                for k in range(count)
            )
            + "]"
        )


DEMONSTRATION = "demonstration"
CROWDED = {"density_per_mm2": 320.0, "debris_per_mm2": 20.0}
GOOD = {"fold": 4.0, "fold_log_sd": 0.3, "fold_min": 1.8}
DYING = {"hazard_per_day": 0.7}
STEADY = {"error_um": 1.0, "focus_drift_um_per_h": 0.05}
MOVING = {"error_um": 4.0, "focus_drift_um_per_h": 0.4, "motion_um": 4.5}
HEAPED = {"density_per_mm2": 800.0, "debris_per_mm2": 100.0}

DEATHS = (
    Case("demo", "320 neurons per mm2, good indicator: fold 4 from 1.8",
         {"culture": CROWDED, "signal": GOOD, "death": DYING, "stage": STEADY}),
    Case("weak", "the same, fold 3 from 1.3",
         {"culture": CROWDED, "death": DYING, "stage": STEADY}),
    Case("drift", "fold 4; neurons move three times as far, stage and focus drift",
         {"culture": CROWDED, "signal": GOOD, "death": DYING, "stage": MOVING}),
    Case("dense", "fold 4; 800 neurons and 100 bits of debris per mm2",
         {"culture": HEAPED, "signal": GOOD, "death": DYING, "stage": STEADY}),
    Case("sparse", "the simulator's defaults: 40 neurons and 20 bits of debris per mm2, fold 3",
         {}, 1.0, 72.0, wells=48, seed=5),
    Case(DEMONSTRATION, "what `livedeath demo` shows, up to its kill", duration_h=19.25),
)  # fmt: skip
"""Plates on which deaths are counted: visits half an hour apart."""

BRIGHT = {"fill_electrons": 30000.0}
UNCALIBRATED = {"gain_e_per_adu": 0.46, "offset_adu": 100.0}


def _days(name: str, says: str, changes: Changes | None = None, **more: Any) -> Case:  # noqa: ANN401
    """Return a plate on which outlines and identities are counted: six days, every four hours."""
    base: Changes = {
        "culture": CROWDED, "signal": GOOD, "death": {"hazard_per_day": 0.1}, "stage": STEADY
    }  # fmt: skip
    groups = base | {group: base.get(group, {}) | told for group, told in (changes or {}).items()}
    return Case(name, says, groups, 4.0, 144.0, **({"wells": 26, "seed": 31} | more))


DAYS = (
    _days("plain", "320 neurons per mm2, 20x"),
    _days("crowded", "800 neurons and 100 bits of debris per mm2", {"culture": HEAPED}, wells=10),
    _days("thin", "40 neurons and 20 bits of debris per mm2",
          {"culture": {"density_per_mm2": 40.0}}, side=1024, wells=30),
    _days("10x", "1 um pixels: somata of 8 px radius", {"light": {"psf_sigma_um": 0.6}},
          pixel_um=1.0, seg=0.75, wells=12),
    _days("40x", "0.325 um pixels: somata of 25 px radius", {"light": {"psf_sigma_um": 0.25}},
          pixel_um=0.325, side=1024),
    _days("textured", "bright somata full of granules",
          {"culture": {"soma_cv": 0.6, "granules": 1.5}, "signal": BRIGHT}),
    _days("round", "round somata with the profile of a sphere",
          {"culture": {"soma_dome": 0.5, "soma_aspect": 0.9, "soma_corners": 0.0},
           "signal": BRIGHT}),
    _days("flat", "flat-topped, smooth somata",
          {"culture": {"soma_dome": 0.0, "soma_cv": 0.0}, "signal": BRIGHT}),
    _days("touching", "half of the neurons lie against another one",
          {"culture": {"paired_fraction": 0.5}, "signal": BRIGHT}),
    _days("neurites", "neurites of 200 px, all with branches, that cross other somata",
          {"culture": {"neurite_length_um": 130.0, "neurite_reach_um": 200.0,
                       "neurite_branches": 1.0, "neurite_fraction": 0.4}, "signal": BRIGHT}),
    _days("focus", "focus drifts by 4 um a day and hunts by 2 um",
          {"stage": {"focus_drift_um_per_h": 1.0, "focus_swing_um": 2.0}}, seg=0.75),
    _days("turned", "the view turns by 4 degrees (sd) and shifts by 30 px at every visit",
          {"stage": {"turn_deg": 4.0, "error_um": 20.0}}, seg=0.75),
    _days("reseated", "once a day the plate is put back, turned by 4 degrees, 70 px off (sd)",
          {"stage": {"reseat_corrected": True, "reseat_turn_deg": 4.0, "reseat_um": 45.0}},
          reseat_h=24.0, seg=0.75),
    _days("vignetted", "60 % of the light is lost in the corners", {"light": {"vignetting": 0.6}}),
    _days("debris", "150 bits of debris per mm2 that float about by 10 um",
          {"culture": {"debris_per_mm2": 150.0, "debris_motion_um": 10.0}}),
    _days("corpses", "0.3 deaths per day, corpses stay and keep their light",
          {"death": {"hazard_per_day": 0.3, "detached_fraction": 0.0, "clearing_h": 1e5,
                     "leak_h": 1e5}}),
    _days("glia", "100 glia per mm2 of which a fifth divides every day",
          {"culture": {"glia_per_mm2": 100.0, "glia_divisions_per_day": 0.2}}),
    _days("clipped", "the offset and the background are taken off and cut at 0, gain not known",
          {"camera": {**UNCALIBRATED, "subtracted_adu": 110.0}}, camera=""),
    _days("bytes", "the same, then divided by 4 into 8 bits",
          {"camera": {**UNCALIBRATED, "subtracted_adu": 110.0, "divided_by": 4.0}},
          camera="", bit_depth=8),
)  # fmt: skip
"""Plates on which outlines and identities are counted."""

CASES = {case.name: case for case in (*DEATHS, *DAYS)}
