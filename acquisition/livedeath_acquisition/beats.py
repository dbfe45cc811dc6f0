"""The lines that a worker says to its supervisor, and how its process ends.

Standard library only: both sides of the pipe use it.
"""

import json
from typing import Any

FINISHED = 0
FAULT = 1
REFUSED = 2
GAVE_UP = 3
HUNG = 75
ORPHANED = 130

Beat = dict[str, Any]


def line(beat: Beat) -> bytes:
    """Return a beat as one line of the pipe."""
    return json.dumps(beat, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"


def read(text: bytes) -> Beat | None:
    """Return the beat of a line, or None where it is none: a driver may print there too."""
    try:
        beat = json.loads(text)
    except ValueError:
        return None
    return beat if isinstance(beat, dict) and "what" in beat else None
