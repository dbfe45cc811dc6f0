"""One registry of doubts about a measurement; columns, docs and colours come from it."""

from enum import IntFlag


class Flag(IntFlag):
    """Bits of the ``flags`` column of traces and calls (uint32).

    A doubtful measurement is flagged, never raised. A call's flags are those of its neuron's
    trace rows, joined. A bit keeps its meaning for good.
    """

    CLIPPED = 1
    TOUCHES_BORDER = 2
    MERGED = 4
    DIVIDED = 8
    TRACK_GAP = 16
    MASK_LOST = 32
    OUTSIDE_COMMON_AREA = 64
    LOW_LIGHT = 128
    UNCALIBRATED = 256
    MISSING_CHANNEL = 512
    COMMON_STEP = 1024
    OUTLIER = 2048
    UNREGISTERED = 4096
    DOUBTED = 8192
    FIELD_FAULT = 16384
    BAD_FRAME = 32768
    UNPROVEN = 65536


DESCRIPTIONS: dict[Flag, str] = {
    Flag.CLIPPED: "Some of the soma's pixels reached the camera's ceiling.",
    Flag.TOUCHES_BORDER: "The soma is cut by the border of the frame.",
    Flag.MERGED: "The soma could not be told apart from a neighbour in this visit.",
    Flag.DIVIDED: "It divided; its daughters go on under ids of their own. Its last row.",
    Flag.TRACK_GAP: "The neuron was not found in the visit before and was found again.",
    Flag.MASK_LOST: "No soma was found; measured at the neuron's last place.",
    Flag.OUTSIDE_COMMON_AREA: "The neuron's place was not inside this frame.",
    Flag.LOW_LIGHT: "Too little light to tell a fold of three in one visit.",
    Flag.UNCALIBRATED: "The camera's gain is unknown; intensities are not electrons.",
    Flag.MISSING_CHANNEL: "A channel of this visit was missed.",
    Flag.COMMON_STEP: "A step common to the well's neurons was taken out.",
    Flag.OUTLIER: "The value does not fit the neuron's past and was given little weight.",
    Flag.UNREGISTERED: "How the frame of this visit lies could not be measured; taken as in the "
    "visit before.",
    Flag.DOUBTED: "Unseen for long, or more often than seen, or taken for another: no evidence "
    "of life or death.",
    Flag.FIELD_FAULT: "All neurons of the field changed at once, by death or by an accident; the "
    "visit is no evidence until that is known.",
    Flag.BAD_FRAME: "The frame was judged bad before any neuron (dark, saturated, out of focus, "
    "obstructed); its values are no evidence.",
    Flag.UNPROVEN: "Not at risk yet: it has still to show that it is a neuron.",
}


def names(bits: int) -> list[str]:
    """Return the names of the flags set in ``bits``, lowest bit first."""
    return [flag.name for flag in Flag if bits & flag and flag.name]
