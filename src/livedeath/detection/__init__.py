"""Values of one visit in, calls of death out; the whole traces in, dates of death out.

``scorer`` holds the detector; ``learning`` what living neurons teach it, ``record`` what it
keeps of each neuron, ``wells`` the steps that a well's neurons share, ``rows`` the columns
of a table. The loops are in `livedeath.kernels`.
"""

from livedeath.detection.scorer import Scorer, score_traces

__all__ = ["Scorer", "score_traces"]
