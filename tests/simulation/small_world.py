"""A small study and its world, quick to render, for the tests of this folder."""

from livedeath.model.study import Study
from livedeath.simulation.parameters import WorldParameters
from livedeath.simulation.world import World

STUDY = """
title = "small"
[[vessels]]
id = "p"
wells = ["B2:C3"]
[optics]
pixel_size_um = 0.65
image_shape_px = [160, 200]
[[channels]]
name = "fill"
role = "fill"
exposure_ms = 100.0
[[channels]]
name = "indicator"
role = "indicator"
exposure_ms = 100.0
[schedule]
interval_h = 1.0
duration_h = 12.0
[[interventions]]
kind = "vehicle"
wells = ["B2:B3"]
start_h = 1.5
[[interventions]]
kind = "compound"
compound = "toxin"
dose = 1.0
unit = "uM"
wells = ["C2:C3"]
start_h = 1.5
"""

KILL = """
[end_kill]
at_h = 9.5
"""

SESSIONS = """
[[sessions]]
id = "s0"
vessel = "p"
loaded_h = 0.0
removed_h = 5.5
[[sessions]]
id = "s1"
vessel = "p"
loaded_h = 5.5
"""


def study(more="", **changes):
    found = Study.from_toml(STUDY + more)
    return found.replace(**changes) if changes else found


def parameters(seed=3, **groups):
    """Return the defaults, denser, with some parameters of some groups changed."""
    given = {"culture": {"density_per_mm2": 300.0}, "death": {"hazard_per_day": 1.0}}
    for group, changes in groups.items():
        given[group] = given.get(group, {}) | changes
    return WorldParameters.model_validate({"seed": seed, **given})


def still(**groups):
    """Return parameters of a world in which nothing moves, flickers or fades."""
    calm = {
        "stage": {"error_um": 0, "focus_jitter_um": 0, "focus_drift_um_per_h": 0, "motion_um": 0},
        "light": {"lamp_flicker": 0, "lamp_drift": 0},
    }
    for group, changes in groups.items():
        calm[group] = calm.get(group, {}) | changes
    return parameters(**calm)


def world(more="", **groups):
    return World(study(more), parameters(**groups))


def take(of, visit, channel="fill", **changes):
    """Render one planned visit of a world."""
    asked = {
        "vessel": visit.field.vessel,
        "x_um": visit.x_um,
        "y_um": visit.y_um,
        "z_um": visit.z_um[0],
        "planned_h": visit.planned_h,
        "channel": channel,
        "exposure_ms": 100.0,
        "session": visit.session,
    }
    return of.render(**(asked | changes))
