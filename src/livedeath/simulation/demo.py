"""The embedded default of ``livedeath demo``: a small plate that dies in a day."""

from livedeath.model.study import Study
from livedeath.simulation.parameters import WorldParameters

STUDY_TOML = """\
schema_version = 1
title = "Demonstration: cortical neurons under glutamate"
description = "A simulated plate: four cultures, three arms, killed at the end."

[[vessels]]
id = "plate1"
format = "96-well"
wells = ["B2:D5"]

[optics]
objective = "10x/0.45"
pixel_size_um = 1.3
image_shape_px = [512, 512]
bit_depth = 16
camera = { offset_adu = 100.0, gain_e_per_adu = 0.46, read_noise_e = 1.6, saturation_adu = 65535.0 }

[[channels]]
name = "fill"
role = "fill"
exposure_ms = 100.0

[[channels]]
name = "indicator"
role = "indicator"
exposure_ms = 100.0

[schedule]
interval_h = 0.5
duration_h = 23.0

[[entities]]
id = "rat1"
kind = "animal"
species = "Rattus norvegicus"

[[entities]]
id = "rat2"
kind = "animal"
species = "Rattus norvegicus"

[[entities]]
id = "culture1"
kind = "culture"
parent = "rat1"
wells = ["B2:D2"]

[[entities]]
id = "culture2"
kind = "culture"
parent = "rat1"
wells = ["B3:D3"]

[[entities]]
id = "culture3"
kind = "culture"
parent = "rat2"
wells = ["B4:D4"]

[[entities]]
id = "culture4"
kind = "culture"
parent = "rat2"
wells = ["B5:D5"]

[[interventions]]
kind = "vehicle"
wells = ["B2:B5"]
start_h = 2.25

[[interventions]]
kind = "compound"
compound = "glutamate"
dose = 10.0
unit = "uM"
wells = ["C2:C5"]
start_h = 2.25

[[interventions]]
kind = "compound"
compound = "glutamate"
dose = 50.0
unit = "uM"
wells = ["D2:D5"]
start_h = 2.25

[[comparisons]]
name = "glutamate against vehicle"
control = "vehicle"
unit = "well"
block = "culture"

[end_kill]
at_h = 19.25
compound = "sodium azide"
dose = 0.2
unit = "percent"
"""

PARAMETERS_TOML = """\
seed = 20

[death]
hazard_per_day = 0.2

[death.hazard_ratio]
"glutamate 10 uM" = 3.0
"glutamate 50 uM" = 8.0

[stage]
error_um = 1.0
focus_drift_um_per_h = 0.05
"""


def demo_study() -> Study:
    """Return the study of the demonstration: 12 wells, 3 arms, 1,128 frames, a kill."""
    return Study.from_toml(STUDY_TOML, where="demonstration")


def demo_parameters() -> WorldParameters:
    """Return the world of the demonstration: the defaults, dying faster, on a better stage.

    So its culture is sparse, with debris, and its indicator an ordinary one: threefold on
    average, from 1.3 on.
    """
    return WorldParameters.from_toml(PARAMETERS_TOML, where="demonstration")
