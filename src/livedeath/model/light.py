"""The light that a frame costs, what it adds up to, and what the budget allows.

Channels and frames go in, milliseconds come out: exposure times the declared share of the
lamp's power, so that a second at a tenth of the power counts as 100 ms. The dry run, the
microscope and the simulation ask here, so that what was forecast is what happens.
"""

from collections import defaultdict
from typing import TypeAlias

from livedeath.model.frame import FieldKey, FrameKey
from livedeath.model.optics import Channel
from livedeath.model.study import Study

ROUNDING = 1e-9
"""Share of a budget by which a sum of exact exposures may miss it, in double precision."""

_Place: TypeAlias = tuple[str, str, int]


def frame_light_ms(channel: Channel) -> float:
    """Return the light of one frame of a channel, milliseconds at full power.

    The declared exposure counts: a camera rounds it to its line time, and a frame whose
    exposure, read back, is another one is refused anyway.
    """
    return channel.exposure_ms * (channel.light_percent / 100.0)


def fits(light_ms: float, budget_ms: float) -> bool:
    """Return whether so much light, milliseconds at full power, stays within a budget."""
    return light_ms <= budget_ms * (1.0 + ROUNDING)


class LightLedger:
    """Adds up the light of every field, frame by frame.

    A field keeps its sum when the optics are changed: the neurons are the same.

    Parameters
    ----------
    study : Study
        Whose channels and budget count.
    """

    def __init__(self, study: Study) -> None:
        self._budget_ms = study.light.budget_ms_per_field
        self._frame_ms = {channel.name: frame_light_ms(channel) for channel in study.channels}
        self._given_ms: dict[_Place, float] = defaultdict(float)

    def given_ms(self, field: FieldKey) -> float:
        """Return the light that a field was given so far, milliseconds at full power."""
        return self._given_ms.get(_place(field), 0.0)

    @property
    def most_ms(self) -> float:
        """What the field with the most light was given; 0 before the first frame."""
        return max(self._given_ms.values(), default=0.0)

    def allows(self, key: FrameKey) -> bool:
        """Return whether a frame still fits into the budget of its field."""
        if self._budget_ms is None:
            return True
        return fits(self.given_ms(key.field_key) + self._frame_ms[key.channel], self._budget_ms)

    def add(self, key: FrameKey) -> None:
        """Count a frame that was taken.

        The order of the frames is the order of the sum, so that a resumed acquisition has
        the same number to the last bit. A channel that is declared no more counts nothing.
        """
        self._given_ms[_place(key.field_key)] += self._frame_ms.get(key.channel, 0.0)


def _place(field: FieldKey) -> _Place:
    return field.vessel, field.well, field.field
