"""The heartbeats that a worker sends its supervisor, and how its process ends.

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

ANOTHER_FOLLOWS = b"another follows\n"
"""Said to a worker before its pipe closes: it ends, the acquisition does not."""

Heartbeat = dict[str, Any]


def line(heartbeat: Heartbeat) -> bytes:
    """Return a heartbeat as one line of the pipe."""
    return json.dumps(heartbeat, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"


def read(text: bytes) -> Heartbeat | None:
    """Return the heartbeat of a line, or None where it is none: a driver may print there too."""
    try:
        heartbeat = json.loads(text)
    except ValueError:
        return None
    return heartbeat if isinstance(heartbeat, dict) and "what" in heartbeat else None
