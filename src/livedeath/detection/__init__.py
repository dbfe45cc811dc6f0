"""Values of one visit in, calls of death out; the whole traces in, dates of death out.

``scorer`` holds the detector, ``acquisitions`` one per acquisition of a study; ``learning`` what
living neurons teach it, ``record`` what it keeps of each neuron, ``wells`` the steps that a
well's neurons share, ``fields`` when each was looked at, ``fading`` the fill's loss beside an
indicator, ``risk`` who is watched at all, ``revocation`` whether a call stands once everything
was seen, ``null`` what is said of living traces turned round, ``rows`` the columns of a table,
``table`` a whole one. The loops are in `livedeath.kernels`.
"""

from livedeath.detection.acquisitions import Scorers, score_traces
from livedeath.detection.scorer import Scorer

__all__ = ["Scorer", "Scorers", "score_traces"]
