"""What the analysis may be told; every number has a unit and a source."""

from pydantic import Field

from livedeath.model.base import Declared

USUAL_SOMA_UM = 16.0
"""A neuron's soma; median 16.2 um over 268 rat cortical neurons (eLife 35977)."""


class AnalysisSettings(Declared):
    """Settings of the analyser, frozen for a run and named in its provenance."""

    false_alarms_per_1000_neuron_days: float = Field(
        default=1.0,
        gt=0,
        le=1000,
        description="False deaths allowed per 1,000 neuron-days, chosen; the detector's only "
        "threshold.",
    )
    soma_diameter_um: float | None = Field(
        default=None,
        gt=1,
        le=200,
        description="Typical soma; none: estimated from the first visits, beginning with the "
        "16 um that are usual.",
    )
    detection_snr: float = Field(
        default=5.0,
        gt=0,
        description="Smallest peak at soma scale, in standard deviations of the background; "
        "white noise alone exceeds 5 at one place in 3.5 million.",
    )
    gate_um: float = Field(
        default=28.0,
        gt=0,
        description="Farthest a neuron moves in a day; 99 % of 268 rat cortical neurons stay "
        "within (eLife 35977).",
    )
    gap_visits: int = Field(
        default=3,
        ge=0,
        description="Visits a neuron may go unseen and still be the same neuron; chosen.",
    )
    divisions: bool = Field(
        default=False,
        description="Whether what is followed may divide (glia, nuclei of a dividing line): its "
        "track ends and two begin. Neurons do not.",
    )
    priors: str | None = Field(
        default=None,
        min_length=1,
        description="File of what another study learnt, relative to the study's folder; none "
        "unless chosen, since cultures differ.",
    )

    @property
    def expected_soma_um(self) -> float:
        """Diameter of a typical soma before any was seen: as told, else the usual one."""
        return USUAL_SOMA_UM if self.soma_diameter_um is None else self.soma_diameter_um

    def soma_px(self, pixel_size_um: float) -> float:
        """Return the diameter of a soma as it is expected, in pixels of a size, um."""
        return self.expected_soma_um / pixel_size_um
