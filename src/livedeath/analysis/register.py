"""Somata of a visit go in; how its frame lies against the field's reference comes out.

The neurons that are followed have the vote. Where most are where they were, nothing is
looked for. Otherwise (a plate put back) the pattern of somata is looked for at all shifts and
turns; where it is too poor for that, binned pictures are correlated. What is not certain is
not applied.
"""

import dataclasses
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.special import bdtrc

from livedeath.analysis.plane import refined, to_frame, to_reference
from livedeath.kernels.assign import clear_pairs
from livedeath.kernels.near import near_pairs
from livedeath.kernels.placing import n_inside, vote
from livedeath.kernels.register import peak_offset
from livedeath.model.measures import LevelledFrame, Placing, Shift

MOST = 0.8
"""Where this part of the somata is at its place, the frame lies as before."""

AT_PLACE = 0.5
"""A soma is at a neuron's place if it is nearer than this, in soma diameters;"""

CLOSELY = 0.2
"""so many nearer than this, after the fit, are there by chance more rarely still."""

FARTHEST = 0.5
"""Largest shift of the pattern that is looked for, in sides of the frame,"""

TURNED = math.radians(12.0)
"""and largest turn: plates are put back within half a degree, dishes within a few."""

BINS = 0.5
"""Shifts that agree within twice this, in soma diameters, are one."""

PATTERN = 250
"""Somata that are looked for, the brightest, against all neurons."""

TRIED = 10
"""Turns with the most votes that are looked at closely."""

BY_CHANCE = 1e-3
"""Times that as many neurons would be found at their places by chance, over all that is tried."""

BRIGHTEST = 25.0
"""Noises above which all light counts the same, so that one bright neuron does not rule."""

FAINTEST = 3.0
"""Noises below which light does not count."""

STEP = 10.0
"""Grey values of a stored picture per noise."""

SIDE = 512
"""Largest side of a picture, px."""

SOMA_IN_PICTURE = 5.0
"""Smallest diameter of a soma in a picture, px, while it is below `SIDE`."""

LEAST_HEIGHT = 0.25
"""Smallest correlation that is believed."""

LEAST_LEAD = 1.15
"""And it must exceed its best rival by this factor."""

REACH = 0.25
"""Largest shift looked for, in sides of the frame."""


SAME_TURN = math.radians(1.0)
"""Pictures of frames that are turned against each other farther than this are not correlated."""

SMALL_SHIFT = 0.25
"""A change of shift below this part of a soma's diameter needs no vote."""


class Placed(NamedTuple):
    """How a frame lies, and whether that is certain."""

    placing: Placing
    certain: bool


class _Pattern(NamedTuple):
    """Places of neurons in the reference and of somata in the frame, px, and the frame."""

    neurons: NDArray[np.float64]
    somata: NDArray[np.float64]
    soma_px: float
    shape: tuple[int, int]

    def pairs(
        self, placing: Placing, within: float = AT_PLACE
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return neurons and somata that are nearest to each other and at one place."""
        points = to_reference(self.somata, placing)
        reach = np.full(len(points), within * self.soma_px)
        told = near_pairs(points, self.neurons, reach)
        links = clear_pairs(*told, (len(points), len(self.neurons)), np.inf, 1.0)
        soma = np.flatnonzero(links >= 0)
        return links[soma], soma

    def refined(self, placing: Placing) -> Placing:
        """Return a placing fitted to the somata that are at places of neurons."""
        neuron, soma = self.pairs(placing)
        return refined(placing, self.neurons[neuron], self.somata[soma])

    def expected(self, placing: Placing) -> int:
        """Return how many neurons or somata, whichever are fewer, the frame shows of both."""
        here = to_frame(self.neurons, placing)
        return min(n_inside(here, float(self.shape[0]), float(self.shape[1])), len(self.somata))

    def by_chance(self, placing: Placing, tries: float = 1.0) -> float:
        """Return how often as many somata would be as near to neurons by chance."""
        rare = 1.0
        for within in (AT_PLACE, CLOSELY):
            n, m = len(self.pairs(placing, within)[0]), len(self.somata)
            part = math.pi * (within * self.soma_px) ** 2 / (self.shape[0] * self.shape[1])
            hit = -math.expm1(-part * len(self.neurons))
            rare = min(rare, float(bdtrc(n - 1, m, hit)) if n else 1.0)
        return 2.0 * tries * rare


def place(
    last: Placing,
    neurons: NDArray[np.float64],
    somata: NDArray[np.float64],
    light: NDArray[np.float64],
    *,
    soma_px: float,
    shape: tuple[int, int],
) -> Placed:
    """Say how a frame lies, by the pattern of its somata.

    Parameters
    ----------
    last : Placing
        Of the visit before.
    neurons : (N, 2) float64
        Places of those that can be expected, in the reference, px.
    somata : (M, 2) float64
        Centres of the visit's outlines, in its frame, px.
    light : (M,) float64
        Their light; the brightest are looked for.
    soma_px : float
        Diameter of a typical soma, px.
    shape : (int, int)
        Sides of the frame, px.

    Returns
    -------
    Placed
        The last placing, fitted to the somata that are where it says, where most are or where
        nothing better is certain; in the latter case it is not certain either, unless as many
        somata as are at their places would hardly be there by chance.

    Notes
    -----
    The pattern is found by votes of pairs (a Hough transform) over turns of up to 12 degrees and
    shifts of up to half a frame, then fitted. What is found must be unlikely by chance, as
    counted against a binomial law over all that was tried (Desolneux, Moisan and Morel 2000).
    """
    pattern = _Pattern(neurons, somata, soma_px, shape)
    if len(neurons) == 0:
        return Placed(last, certain=True)
    if len(somata) == 0:
        return Placed(last, certain=False)
    neuron, soma = pattern.pairs(last)
    if neuron.size >= MOST * max(pattern.expected(last), 1):
        return Placed(refined(last, neurons[neuron], somata[soma]), certain=True)
    last = refined(last, neurons[neuron], somata[soma])
    found, tries = _searched(last, pattern, light)
    moved_by_chance, stay_by_chance = pattern.by_chance(found, tries), pattern.by_chance(last)
    if moved_by_chance < min(BY_CHANCE, stay_by_chance):
        return Placed(found, certain=True)
    return Placed(last, certain=stay_by_chance < BY_CHANCE)


def place_by_picture(
    last: Placing,
    reference: "Picture",
    at: Placing,
    picture: "Picture",
    neurons: NDArray[np.float64],
    somata: NDArray[np.float64],
    *,
    soma_px: float,
) -> Placed:
    """Say how a frame lies, by correlating its picture with an earlier one.

    For frames whose somata are too few for a pattern. Turns are not looked for.

    Parameters
    ----------
    last : Placing
        Of the visit before.
    reference : Picture
        Of an earlier visit of the field.
    at : Placing
        Of that visit.
    picture : Picture
        Of this one.
    neurons, somata : (N, 2), (M, 2) float64
        As in `place`.
    soma_px : float
        Diameter of a typical soma, px.

    Returns
    -------
    Placed
        Certain where the correlation is and more somata come to their places by it, or hardly
        anything moved.
    """
    measured = measure_shift(reference, picture)
    if not measured.certain or abs(last.turn - at.turn) > SAME_TURN:
        return Placed(last, certain=False)
    found = dataclasses.replace(last, y=at.y + measured.y, x=at.x + measured.x)
    shape = (reference.grey.shape[0] * reference.factor, reference.grey.shape[1] * reference.factor)
    pattern = _Pattern(neurons, somata, soma_px, shape)
    before, after = (len(pattern.pairs(placing)[0]) for placing in (last, found))
    if math.hypot(found.y - last.y, found.x - last.x) > SMALL_SHIFT * soma_px and after <= before:
        return Placed(last, certain=before > 0)
    return Placed(found, certain=True)


def _searched(
    last: Placing, pattern: _Pattern, light: NDArray[np.float64]
) -> tuple[Placing, float]:
    """Return the placing that brings most somata to their places, and how many were tried."""
    middle = np.array(pattern.shape) / 2.0
    brightest = np.argsort(-light, kind="stable")[:PATTERN]
    bin_ = BINS * pattern.soma_px
    reach = FARTHEST * max(pattern.shape)
    # A step of the turn moves the frame's corner by one bin.
    n = 1 + 2 * math.ceil(TURNED * float(np.hypot(*middle)) / bin_)
    turns = np.linspace(-TURNED, TURNED, n)
    before = to_frame(pattern.neurons, last) - middle
    votes = vote(before, pattern.somata[brightest] - middle, turns, reach, bin_)
    best, most = last, -1
    for t in np.argsort(-votes[:, 0], kind="stable")[:TRIED].tolist():
        trial = _composed(last, float(turns[t]), votes[t, 1:], middle)
        for _ in range(3):
            trial = pattern.refined(trial)
        there = len(pattern.pairs(trial)[0])
        if there > most:
            best, most = trial, there
    return best, n * (2.0 * reach / bin_) ** 2


def _composed(
    last: Placing, turn: float, shift: NDArray[np.float64], middle: NDArray[np.float64]
) -> Placing:
    """Return a placing turned about the middle of the frame, then shifted."""
    about = to_frame(np.array([[last.y, last.x]]) - middle, Placing(turn=turn))[0] + middle + shift
    return Placing(float(about[0]), float(about[1]), last.turn + turn, last.scale)


@dataclasses.dataclass
class Picture:
    """A small picture of where somata are, in grey values of 0 to 250."""

    grey: NDArray[np.uint8]
    factor: int
    _known: dict[tuple[int, ...], NDArray[Any]] = dataclasses.field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def spectrum(self, size: tuple[int, int]) -> NDArray[Any]:
        """Return the Fourier transform of the picture at a padded size; kept for the next time."""
        if size not in self._known:
            self._known[size] = fft.rfft2(_centred(self.grey), s=size)
        return self._known[size]


def picture_of(frame: LevelledFrame, *, soma_px: float) -> Picture:
    """Bin a levelled frame to a small picture in units of its noise.

    Parameters
    ----------
    frame : LevelledFrame
        Light above background, and its noise.
    soma_px : float
        Diameter of a typical soma, px.

    Returns
    -------
    Picture
        At most 512 px wide; 0 below 3 noises, 250 from 28 noises on.
    """
    factor = max(int(soma_px // SOMA_IN_PICTURE), -(-max(frame.raw.shape) // SIDE), 1)
    small = frame.binned(factor)
    noise = float(np.median(frame.noises)) * factor
    grey = np.clip(small / noise - FAINTEST, 0.0, BRIGHTEST) * STEP
    return Picture(np.rint(grey).astype(np.uint8), factor)


def measure_shift(reference: Picture, picture: Picture) -> Shift:
    """Measure how far a picture is shifted against the reference.

    Parameters
    ----------
    reference, picture : Picture
        Of the same field, same factor and shape.

    Returns
    -------
    Shift
        In working pixels; zero and uncertain where the correlation is below 0.25 or does
        not exceed its best rival by 15 %.

    Notes
    -----
    Normalised cross-correlation by FFT, zero-padded so that nothing wraps around. It is
    not whitened as in phase correlation: the pictures are mostly zero, and whitening
    would raise their noise.
    """
    rows, cols = reference.grey.shape
    if picture.grey.shape != reference.grey.shape or not picture.grey.any():
        return Shift(0.0, 0.0, certain=False)
    reach = max(min(int(REACH * max(rows, cols)), rows - 2, cols - 2), 1)
    height, width = (fft.next_fast_len(n + reach + 1, real=True) for n in (rows, cols))
    product = np.conj(reference.spectrum((height, width))) * picture.spectrum((height, width))
    correlation = fft.irfft2(product, s=(height, width)).astype(np.float32, copy=False)
    power = float(np.linalg.norm(_centred(reference.grey)) * np.linalg.norm(_centred(picture.grey)))
    apart = max(int(2 * SOMA_IN_PICTURE), 2)
    dy, dx, height, rival = peak_offset(correlation, reach, apart)
    if power == 0.0 or height < LEAST_HEIGHT * power or height < LEAST_LEAD * rival:
        return Shift(0.0, 0.0, certain=False)
    return Shift(dy * reference.factor, dx * reference.factor, certain=True)


def _centred(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    return grey.astype(np.float32) - np.float32(grey.mean())
