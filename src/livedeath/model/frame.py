"""Names of fields and frames, and a visit: what the stages are given."""

import dataclasses
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:  # a declaration is read without loading numpy
    from numpy.typing import NDArray


class FieldKey(NamedTuple):
    """One place the camera looks: its vessel, acquisition, well and field.

    ``acquisition`` counts from 0; a changed objective starts a new one.
    """

    vessel: str
    acquisition: int
    well: str
    field: int

    @property
    def name(self) -> str:
        """A short text for people, like ``plate1/B3/0``."""
        again = f"#{self.acquisition}" if self.acquisition else ""
        return f"{self.vessel}{again}/{self.well}/{self.field}"


class FrameKey(NamedTuple):
    """One planned image; ``t`` is the nth visit of its field, ``z`` the plane, from 0."""

    vessel: str
    acquisition: int
    well: str
    field: int
    t: int
    channel: str
    z: int

    @property
    def field_key(self) -> FieldKey:
        """The field that the frame shows."""
        return FieldKey(self.vessel, self.acquisition, self.well, self.field)


@dataclasses.dataclass(frozen=True)
class Visit:
    """One time the camera looked at a field: all its channels.

    Parameters
    ----------
    field : FieldKey
        Where.
    t : int
        The nth visit of this field, from 0.
    time_h : float
        Hours since the study's start, as it really was.
    session : str
        Name of the session the vessel was on the stage for.
    images : dict of str to array
        Channel name to (Y, X) or (Z, Y, X) image in the camera's dtype; a channel that
        was missed is absent.
    missing : dict of str to str
        Channel name to the reason why it is absent.
    x_um, y_um, z_um : float
        Where the stage really stood.
    intervened : bool
        Whether something was done to the well since its last visit (a dose, a medium
        change, a new load): then a step common to its neurons is expected.
    """

    field: FieldKey
    t: int
    time_h: float
    session: str
    images: "dict[str, NDArray[Any]]"
    missing: dict[str, str] = dataclasses.field(default_factory=dict)
    x_um: float = 0.0
    y_um: float = 0.0
    z_um: float = 0.0
    intervened: bool = False
