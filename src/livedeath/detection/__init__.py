"""Values of one visit in, calls of death out; the whole traces in, dates of death out.

``scorer`` holds the detector; ``learning`` what living neurons teach it, ``record`` what it
keeps of each neuron, ``wells`` the steps that a well's neurons share, ``fields`` when each was
looked at, ``rows`` the columns of a table, ``table`` a whole one. The loops are in
`livedeath.kernels`.
"""

from livedeath.detection.scorer import Scorer
from livedeath.detection.table import score_traces

__all__ = ["Scorer", "score_traces"]
