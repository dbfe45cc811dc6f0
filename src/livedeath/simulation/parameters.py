"""What the simulated world is made of: a TOML file goes in and out, every number has a source.

Sources, by the short names used in the descriptions: *Malik* - measured on 268 rat cortical
neurons over ten visits, example data of Malik et al., eLife 35977 (2018); *MINISOG* - the
public development log of a miniSOG-RGEDI assay (Finkbeiner lab); *Marana* - arXiv 2510.14484;
*textbook* - a usual value of the instrument, not measured here; *chosen* - ours, because
no open measurement was found.
"""

from pathlib import Path
from typing import Self

import tomli_w
from pydantic import Field

from livedeath.model.base import Declared, validate
from livedeath.model.toml import parse_toml, read_toml_file


class CultureParameters(Declared):
    """Who lives in a well, before anything happens."""

    density_per_mm2: float = Field(
        default=40.0, gt=0, le=1500, description="Labelled neurons per mm2; 67 per 96-well (Malik)."
    )
    soma_diameter_um: float = Field(
        default=16.2, gt=2, le=100, description="Median equivalent diameter of a soma (Malik)."
    )
    soma_diameter_log_sd: float = Field(
        default=0.24, ge=0, le=1, description="Its log-sd, from the quartiles 14.1-19.4 um (Malik)."
    )
    min_gap_um: float = Field(
        default=3.0, ge=0, description="Smallest gap between the outlines of two somata; chosen."
    )
    touching_fraction: float = Field(
        default=0.03, ge=0, le=1, description="Somata that may touch a neighbour; chosen."
    )
    paired_fraction: float = Field(
        default=0.0, ge=0, le=1, description="Neurons that lie against one neighbour; chosen."
    )
    soma_cv: float = Field(
        default=0.4,
        ge=0,
        le=1.5,
        description="Variation of the light inside a soma; 0.56 with noise and rim (Malik).",
    )
    soma_dome: float = Field(
        default=0.4,
        ge=0,
        le=2,
        description="Exponent of the soma's profile 1 - (r/R)^2: 0 flat, 0.5 a sphere; chosen.",
    )
    soma_aspect: float = Field(
        default=0.65, gt=0.2, le=1, description="Smallest axis ratio of a soma, 1: round; chosen."
    )
    soma_corners: float = Field(
        default=1.0,
        ge=0,
        le=2,
        description="How far somata are drawn out to their neurites, 0: not at all; chosen.",
    )
    granules: float = Field(
        default=0.0,
        ge=0,
        le=3,
        description="Light of a granule's middle over that of the soma around it; chosen.",
    )
    granule_um: float = Field(
        default=1.2, gt=0, le=10, description="Diameter of a granule, 0.5-2 um; textbook."
    )
    granules_per_100_um2: float = Field(
        default=12.0, ge=0, le=200, description="Granules per area of a soma; chosen."
    )
    neurite_fraction: float = Field(
        default=0.3, ge=0, lt=1, description="Share of a neuron's light in its neurites; textbook."
    )
    neurite_length_um: float = Field(
        default=60.0, gt=0, le=300, description="Median length of a neurite that is seen; textbook."
    )
    neurite_reach_um: float = Field(
        default=110.0, ge=20, le=400, description="Where every neurite has ended; chosen."
    )
    neurite_branches: float = Field(
        default=0.5, ge=0, le=1, description="Neurites that have a branch; chosen."
    )
    debris_per_mm2: float = Field(
        default=20.0, ge=0, description="Bits of old corpses per mm2, range 0-100; textbook."
    )
    debris_motion_um: float = Field(
        default=0.0,
        ge=0,
        le=40,
        description="Sd per axis of the place of debris that floats, as it wanders; chosen.",
    )
    debris_motion_h: float = Field(default=6.0, gt=0, description="Its time constant; chosen.")
    glia_per_mm2: float = Field(
        default=0.0, ge=0, le=500, description="Labelled glia per mm2 at the start; chosen."
    )
    glia_diameter_um: float = Field(
        default=14.0, gt=2, le=60, description="Diameter of a glial cell that is seen; chosen."
    )
    glia_light: float = Field(
        default=0.6, ge=0, description="Its light over that of a neuron of its size; chosen."
    )
    glia_divisions_per_day: float = Field(
        default=0.06, ge=0, le=2, description="Divisions of a glial cell, 0.02-0.1; textbook."
    )
    glia_motion_um: float = Field(
        default=3.0, ge=0, le=20, description="Sd per axis of a glial cell's wandering; chosen."
    )
    marker_fraction: float = Field(
        default=0.5, ge=0, le=1, description="Neurons that a marker channel shows; chosen."
    )


class SignalParameters(Declared):
    """How bright a neuron is, and how its indicator moves while it lives."""

    reference_exposure_ms: float = Field(
        default=100.0,
        gt=0,
        description="Exposure that the electrons below hold for; 75-125 ms (Malik).",
    )
    fill_electrons: float = Field(
        default=4000.0,
        ge=0,
        description="Median photo-electrons per soma and exposure, fill; chosen.",
    )
    indicator_electrons: float = Field(
        default=600.0, ge=0, description="The same, indicator of a living neuron; chosen."
    )
    dye_electrons: float = Field(
        default=3000.0, ge=0, description="The same, dye that entered a dead neuron; chosen."
    )
    transmitted_electrons: float = Field(
        default=3000.0, ge=0, description="Electrons per um2 of transmitted light; chosen."
    )
    background_electrons_per_um2: float = Field(
        default=10.0,
        ge=0,
        description="Medium and plate, per um2 and exposure, fluorescence; chosen.",
    )
    brightness_log_sd: float = Field(
        default=0.38, ge=0, le=2, description="Log-sd between neurons of the soma's mean (Malik)."
    )
    brightness_wander_log_sd: float = Field(
        default=0.1, ge=0, le=1, description="Slow change of both channels; 0.13 per day (Malik)."
    )
    brightness_wander_h: float = Field(default=24.0, gt=0, description="Its time constant; chosen.")
    ratio_log_sd: float = Field(
        default=0.31, ge=0, le=2, description="Log-sd between neurons of the live ratio (MINISOG)."
    )
    wander_log_sd: float = Field(
        default=0.08, ge=0, le=1, description="Slow drift of the log ratio of one neuron; chosen."
    )
    wander_h: float = Field(default=12.0, gt=0, description="Its time constant; chosen.")
    white_log_sd: float = Field(
        default=0.05, ge=0, le=1, description="Ratio noise of one visit beside photons; chosen."
    )
    outlier_fraction: float = Field(
        default=0.002,
        ge=0,
        le=0.1,
        description="Visits of a neuron that are spoilt; 0.2-1 % (Malik).",
    )
    outlier_log_sd: float = Field(
        default=0.5, ge=0, le=3, description="Log-sd of a spoilt ratio; chosen."
    )
    trend_log_sd_per_day: float = Field(
        default=0.02, ge=0, le=1, description="Trend of the log ratio, sd between neurons; chosen."
    )
    transients_per_day: float = Field(
        default=0.2, ge=0, le=20, description="Rises of a living neuron that pass; chosen, 0-2."
    )
    transient_log: float = Field(
        default=0.3, ge=0, le=3, description="Mean rise of the log ratio; chosen."
    )
    transient_h: float = Field(default=0.5, gt=0, description="Decay of such a rise; chosen.")
    fold: float = Field(
        default=3.0, ge=1, le=50, description="Mean dead/live fold of the ratio; 1.4-37 (MINISOG)."
    )
    fold_log_sd: float = Field(default=0.35, ge=0, le=2, description="Its log-sd; chosen.")
    fold_min: float = Field(default=1.3, ge=1, description="Smallest fold; chosen.")
    rise_h: float = Field(
        default=0.5, gt=0, description="Median time constant of the rise; chosen."
    )
    rise_log_sd: float = Field(default=0.7, ge=0, le=2, description="Its log-sd; chosen.")
    dye_h: float = Field(
        default=0.17,
        gt=0,
        description="Time constant of dye uptake after rupture, 3-30 min; textbook.",
    )
    crosstalk: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Share of the fill's light seen in other channels; chosen.",
    )


class DeathParameters(Declared):
    """Who dies when, and what a dying neuron looks like."""

    hazard_per_day: float = Field(
        default=0.14,
        ge=0,
        le=50,
        description="Of an untreated neuron; 0.12-0.16 after day one (Malik).",
    )
    hazard_ratio: dict[str, float] = Field(
        default={},
        description="Hazard ratio by name of arm, from the start of its intervention on.",
    )
    default_hazard_ratio: float = Field(
        default=1.5,
        ge=0,
        le=1000,
        description="Of an arm not named, vehicle and untreated excepted.",
    )
    unit_frailty_log_sd: float = Field(
        default=0.2, ge=0, le=2, description="Log-sd of the hazard between units; chosen."
    )
    well_frailty_log_sd: float = Field(
        default=0.2, ge=0, le=2, description="Log-sd of the hazard between wells, 0.1-0.5; chosen."
    )
    dead_on_arrival: float = Field(
        default=0.01,
        ge=0,
        lt=1,
        description="Neurons that died within the day before the start; chosen.",
    )
    kill_lag_h: float = Field(default=0.5, gt=0, description="Median onset after a kill; chosen.")
    kill_lag_log_sd: float = Field(default=0.5, ge=0, le=2, description="Its log-sd; chosen.")
    rupture_h: float = Field(default=1.0, gt=0, description="Median from onset to rupture; chosen.")
    leak_h: float = Field(
        default=6.0, gt=0, description="Time constant of the fill's loss after rupture; textbook."
    )
    leak_floor: float = Field(
        default=0.04, ge=0, lt=1, description="Share that never leaks; chosen."
    )
    detached_fraction: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="Dying neurons that float away; tracks lost 34 % (MINISOG).",
    )
    detach_h: float = Field(default=4.0, gt=0, description="Median from onset to floating; chosen.")
    clearing_h: float = Field(
        default=72.0, gt=0, description="Median from onset until a corpse is gone: days (MINISOG)."
    )
    shrink_area: float = Field(
        default=0.4, ge=0, lt=1, description="Soma area that a dying neuron loses; textbook."
    )
    shrink_h: float = Field(default=3.0, gt=0, description="Time in which it does; textbook.")
    neurite_loss_h: float = Field(
        default=5.0, gt=0, description="Time constant of the fragmented neurites' loss; textbook."
    )


class StageParameters(Declared):
    """Where things are, compared with where they should be."""

    error_um: float = Field(
        default=2.0, ge=0, description="Return error per axis, 0.3-10 um; textbook."
    )
    reseat_um: float = Field(
        default=50.0, ge=0, description="Shift per axis of a plate put back, 10-200 um; textbook."
    )
    reseat_turn_deg: float = Field(
        default=0.3,
        ge=0,
        le=10,
        description="Turn of a plate put back, about its centre; textbook.",
    )
    reseat_corrected: bool = Field(
        default=False,
        description="Whether the stage is corrected for a plate put back, so that every field "
        "turns about its own middle and only shift and turn of that remain.",
    )
    turn_deg: float = Field(
        default=0.0,
        ge=0,
        le=30,
        description="Turn of the view about its middle, sd over visits: a dish by hand; chosen.",
    )
    focus_jitter_um: float = Field(
        default=0.5, ge=0, description="Per visit, with focus lock; textbook."
    )
    focus_drift_um_per_h: float = Field(
        default=0.2,
        ge=0,
        description="Fastest drift of a daily, thermal wave; none with hardware focus.",
    )
    focus_swing_um: float = Field(
        default=0.0, ge=0, le=20, description="Amplitude of a focus that hunts; chosen."
    )
    focus_swing_h: float = Field(
        default=8.0, gt=0, description="Period of the hunting focus, also if held; chosen."
    )
    motion_um: float = Field(
        default=1.5,
        ge=0,
        description="Median neuron's displacement sd per axis: 1.8 um a day with jitter (Malik).",
    )
    motion_log_sd: float = Field(
        default=1.0,
        ge=0,
        le=2,
        description="Log-sd of that sd between neurons: 5 % move more than 12 um a day (Malik).",
    )
    motion_h: float = Field(default=48.0, gt=0, description="Its time constant; chosen.")


class LightParameters(Declared):
    """What happens between the neuron and the sensor."""

    psf_sigma_um: float = Field(
        default=0.35, gt=0, description="20x/0.75 with some out-of-focus light; textbook."
    )
    defocus_sigma_per_um: float = Field(
        default=0.3, ge=0, description="Growth of the blur per um of defocus, about NA/2; textbook."
    )
    vignetting: float = Field(
        default=0.2, ge=0, lt=1, description="Loss in the corners, 5-40 %; textbook."
    )
    lamp_flicker: float = Field(default=0.005, ge=0, description="Log-sd per exposure; textbook.")
    lamp_drift: float = Field(
        default=0.02, ge=0, description="Amplitude of a daily wave; textbook."
    )
    bleaching: float = Field(
        default=0.003, ge=0, lt=1, description="Loss per reference exposure, 0.05-2 %; textbook."
    )
    haze: float = Field(
        default=0.15, ge=0, le=1, description="Uneven background, share of it; chosen."
    )


class CameraParameters(Declared):
    """An sCMOS camera. Empty gain and offset follow what the study declares."""

    quantum_efficiency: float = Field(
        default=0.82,
        gt=0,
        le=1,
        description="At which the electrons of [signal] hold (UCSF imaging core).",
    )
    gain_e_per_adu: float | None = Field(
        default=None, gt=0, description="0.46 at 16 bit; textbook."
    )
    offset_adu: float | None = Field(default=None, ge=0, description="100 at 16 bit; textbook.")
    subtracted_adu: float = Field(
        default=0.0,
        ge=0,
        description="Taken off every frame by the acquisition's program, and cut at 0; chosen.",
    )
    divided_by: float = Field(
        default=1.0,
        ge=1,
        le=256,
        description="Then divided by and rounded down, as a conversion to 8 bits does; chosen.",
    )
    read_noise_e: float = Field(default=1.6, ge=0, description="Median over pixels, rms (Marana).")
    read_noise_log_sd: float = Field(
        default=0.49,
        ge=0,
        le=2,
        description="Lognormal tail: 1 % of the pixels above 5 e-; textbook.",
    )
    dark_e_per_s: float = Field(default=0.06, ge=0, description="Cooled sensor; textbook.")
    dsnu_e: float = Field(
        default=0.3, ge=0, description="Sd of the offset between pixels; textbook."
    )
    prnu: float = Field(
        default=0.005, ge=0, description="Sd of the response between pixels; textbook."
    )
    hot_fraction: float = Field(default=2e-4, ge=0, le=0.1, description="Hot pixels; textbook.")
    hot_e_per_s: float = Field(
        default=300.0, ge=0, description="Their median dark current; chosen."
    )


class WorldParameters(Declared):
    """Everything that the simulated world depends on, besides the study.

    Written as ``simulation.toml`` beside ``study.toml``. Unknown keys are refused.
    """

    seed: int = Field(
        default=1, ge=0, lt=2**63, description="Names the world; another seed, another one."
    )
    culture: CultureParameters = CultureParameters()
    signal: SignalParameters = SignalParameters()
    death: DeathParameters = DeathParameters()
    stage: StageParameters = StageParameters()
    light: LightParameters = LightParameters()
    camera: CameraParameters = CameraParameters()

    @classmethod
    def from_toml(cls, text: str, *, where: str = "simulation.toml") -> Self:
        """Read parameters from TOML text; what is not said keeps its default.

        Raises
        ------
        StudyError
            If the text is no TOML, or says something that is not allowed.
        """
        return validate(cls, parse_toml(text, where=where), where=where)

    @classmethod
    def from_file(cls, path: Path | str) -> Self:
        """Read parameters from a TOML file.

        Raises
        ------
        StoreError
            If there is no such file or it cannot be read.
        StudyError
            If what it says is not allowed.
        """
        text = read_toml_file(path, missing="name a file of simulation parameters")
        return cls.from_toml(text, where=str(path))

    def to_toml(self) -> str:
        """Write every parameter as TOML, defaults included: a later default changes nothing."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))
