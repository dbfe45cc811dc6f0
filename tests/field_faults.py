"""Tables and movies in which something happens to a whole field; no word of the simulator.

Tables: fill of four times the indicator's electrons, read noise of 26 electrons a soma, slow
wander of 8 %, 5 to 8 % of white noise, folds of 3 (log sd 0.35), rises of 30 min (log sd 0.7),
fills that fall to 0-30 %. Movies: rough Gaussian somata and specks on a shaded background.
"""

import numpy as np
from scipy import ndimage

VISITS, WHEN, EVERY_H = 30, 18, 2.0


def table(seed, *, neurons=36, fields=1, indicator=True, sd=True, dies=None, light=None):
    """Return columns of a table, and the hour at which each neuron dies.

    ``dies`` is the field all of whose neurons die between visits `WHEN` - 1 and `WHEN`;
    ``light(visit)`` what the signal's and the reference's light is multiplied with.
    """
    rng = np.random.default_rng(seed)
    parts, onsets = [], {}
    for field in range(fields):
        time_h = EVERY_H * np.arange(VISITS) + 0.01 * field
        bright = np.maximum(np.exp(0.7 * rng.normal(size=neurons)), 0.5)
        ratio = np.exp(0.31 * rng.normal(size=neurons))
        fold = np.exp(np.log(3) + 0.35 * rng.normal(size=neurons))
        tau_h = 0.5 * np.exp(0.7 * rng.normal(size=neurons))
        left = rng.uniform(0, 0.3, neurons)
        onset = np.full(neurons, np.inf)
        if dies == field:
            onset = time_h[WHEN] - EVERY_H * rng.random(neurons)
        risen = 1 - np.exp(-np.clip(time_h[:, None] - onset, 0, None) / tau_h)
        wander = np.cumsum(0.03 * rng.normal(size=(VISITS, neurons)), axis=0) * 0.5
        white = np.exp(0.05 * rng.normal(size=risen.shape) + wander)
        gains = np.array([(1.0, 1.0) if light is None else light(k) for k in range(VISITS)])
        if indicator:
            together = np.exp(0.08 * rng.normal(size=risen.shape))
            true = {
                "signal": 300 * bright * ratio * (1 + (fold - 1) * risen) * white * together,
                "reference": 1200 * bright * together,
            }
        else:
            true = {"signal": 1200 * bright * (1 - (1 - left) * risen) * white}
        ids = field * neurons + np.arange(neurons)
        onsets |= dict(zip(ids.tolist(), onset.tolist(), strict=True))
        part = {
            "neuron_id": np.tile(ids, VISITS),
            "time_h": np.repeat(time_h, neurons),
            "field": np.full(VISITS * neurons, field),
        }
        for k, (name, values) in enumerate(true.items()):
            values = values * gains[:, k, np.newaxis]
            var = values + 150.0 * gains[:, k, np.newaxis] + 26.0**2
            part[name] = (values + np.sqrt(var) * rng.normal(size=var.shape)).ravel()
            if sd:
                part[f"{name}_sd"] = np.sqrt(var).ravel()
        parts.append(part)
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return columns, onsets


def between(factor, *, visits=1, signal=True, reference=True):
    """Return light that is multiplied from `WHEN` on, for some visits."""

    def light(visit):
        on = WHEN <= visit < WHEN + visits
        return (factor if on and signal else 1.0), (factor if on and reference else 1.0)

    return light


class Movie:
    """A field of 24 neurons, 192 px, one or two channels; frames as a camera gives them."""

    side, neurons, visits, when = 192, 24, 16, 9

    def __init__(self, seed, *, indicator=True, dies=False):
        rng = np.random.default_rng(seed)
        self.channels = ("fill", "indicator") if indicator else ("fill",)
        self.rng, self.dies = rng, dies
        step = self.side // 5
        grid = [(y, x) for y in range(5) for x in range(5)][: self.neurons]
        places = step * (np.array(grid) + 0.5) + rng.uniform(-4, 4, (self.neurons, 2))
        self.y, self.x = np.indices((self.side, self.side))
        self.somata = []
        for y, x in places:
            sd = rng.uniform(3.5, 5.0, 2)
            soma = np.exp(-0.5 * (((self.y - y) / sd[0]) ** 2 + ((self.x - x) / sd[1]) ** 2))
            rough = ndimage.gaussian_filter(rng.normal(size=soma.shape), 1.2)
            self.somata.append(soma * np.clip(1 + 0.7 * rough, 0.3, 2))
        self.bright = np.maximum(np.exp(0.5 * rng.normal(size=self.neurons)), 0.6)
        self.ratio = 0.3 * np.exp(0.31 * rng.normal(size=self.neurons))
        self.fold = np.exp(np.log(3) + 0.35 * rng.normal(size=self.neurons))
        self.left = rng.uniform(0, 0.3, self.neurons)
        self.specks = np.zeros((self.side, self.side))
        self.specks[tuple(rng.integers(4, self.side - 4, (2, 12)))] = rng.uniform(100, 400, 12)
        self.specks = ndimage.gaussian_filter(self.specks, 1.1)
        middle = (self.side - 1) / 2
        far = ((self.y - middle) ** 2 + (self.x - middle) ** 2) / middle**2
        self.shading = 1 - 0.15 * far

    def scene(self, visit, channel):
        """Return somata and specks without background, electrons."""
        dead = self.dies and visit >= self.when
        if len(self.channels) == 1:
            amplitude = self.bright * (self.left if dead else 1.0)
        elif channel == "fill":
            amplitude = self.bright
        else:
            amplitude = self.bright * self.ratio * (self.fold if dead else 1.0)
        amplitude = amplitude * np.exp(0.04 * self.rng.normal(size=self.neurons))
        light = np.tensordot(60 * amplitude, self.somata, 1)
        return light + self.specks * (1.0 if channel == "fill" else 0.15)

    def frame(self, visit, channel, *, light=1.0, blur=0.0, shadow=None):
        """Return one frame; ``shadow`` (Y, X) multiplies all that is there."""
        scene = self.scene(visit, channel)
        if blur:
            scene = ndimage.gaussian_filter(scene, blur)
        seen = (scene + (40 if channel == "fill" else 25)) * self.shading * light
        if shadow is not None:
            seen = seen * shadow
        electrons = self.rng.poisson(seen) + 1.6 * self.rng.normal(size=seen.shape)
        return np.clip(np.rint(electrons / 0.46 + 100), 0, 65535).astype(np.uint16)
