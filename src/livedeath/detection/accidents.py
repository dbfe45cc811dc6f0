"""What happens to a whole field, told from what its neurons die of: a visit in, gains out.

A lamp, a shutter, a filter or a medium changes all neurons of a field at once and by one
number, or takes them all to zero. Dying neurons differ in onset, fold and what is left of
them, also where a well dies at once. So before a visit is scored, each field's values are
held against what its neurons showed before: a number common to them is taken out as the
field's gain, channel by channel; a visit at which nothing can be seen, or at which both
explanations stay possible, is no evidence; everything else is left to the detector.

Only visits given before count, in the order given, and nothing is known of arms or kills.
A field of a single neuron is judged by the fields seen last before it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from livedeath.detection import alike
from livedeath.kernels import levels

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SCORED, REFERENCE = 0, 1
"""The two things that are followed: what is scored (signal, or ratio) and the reference."""

MEMORY_VISITS = 10.0
"""Visits over which a neuron's level is remembered."""
FIRST_SD = 0.12
"""Visit-to-visit change of a neuron before it is learnt, fraction (rat cortical neurons: 0.13)."""
DIFFER_RISE, DIFFER_LOSS = 0.4, 0.1
"""Dying neurons differ by this part of their common change: folds of 3, log sd 0.35, on the
rise; fills that fall to 0-30 %."""
AWAY_VISITS = 3.0
"""Visits in a row beyond its noise after which a neuron is taken to have moved on its own."""
MOVED = 0.6
"""Share of a field's neurons that must have moved before the field is looked at closely."""
NEGATIVE = 0.3
"""Share of values of a fill below zero from which a field that is not known shows nothing."""
SMALLEST_LN = 0.15
"""Smaller common changes, ln, are left to `livedeath.detection.wells`."""
FAINT_LN = float(np.log(0.2))
"""Below this part of its light a signal of unknown noise says nothing: what was learnt of its
noise no longer holds."""
SURE, SURE_DEATH = 3.0, 2.0
"""Log odds from which accident or death is decided; between them both are possible."""
MANY, PRIOR = 8, 2.0
"""So many neurons seldom begin to die between two visits: prior log odds of an accident."""
MOST_ALIKE, MOST_BESIDE = 8.0, 6.0
"""Largest log odds of the neurons' agreement; of the background, and of other fields."""
BESIDE_DEATH, MOST_DYING = 1.0, 6.0
"""The same of other fields that did what the dying do, for a plate that is killed does so too;
and against an accident where most of them were found to be dying."""
UNASKED = 1.0
"""The same of other fields that were not seen since: they can still be waited for."""
AGREE = 0.7
"""Share of a field's neurons that go with a number that is taken out of all of them."""
STAYED = 0.1
"""Share that may be where they were: what is done to a field is done to all of it."""
MILD_LN, MILD = 0.3, 2.0
"""No death that can be called changes all neurons by less, ln: then a gain is likelier."""
SETTLED_VISITS = 3.0
"""Visits after which a gain is no longer provisional."""
DYING_H = 12.0
"""After a field was seen to die, its last neurons are no measure of its light, h."""
OTHERS = 8.0
"""Neurons of other fields, seen since the field's own last visit, that can speak for it."""
BACKGROUND_SD = 0.1
"""Scatter of a field's background between visits that nobody touched, ln."""
LEAST_BACKGROUND = 3.0
"""Background, electrons per pixel, from which its change can be seen."""
ENOUGH = 8
"""Neurons that can show that two channels were exchanged."""


class Seen(NamedTuple):
    """What one visit shows, (n,) each; NaN where nothing was measured.

    ``place`` is the number of each neuron's field, ``living`` who is neither called nor
    flagged as not measured; backgrounds are light per pixel beneath the neuron.
    """

    rows: Ints
    place: Ints
    living: Bools
    signal: Floats
    signal_sd: Floats
    reference: Floats | None
    reference_sd: Floats
    signal_background: Floats
    reference_background: Floats


class Verdict(NamedTuple):
    """What is taken out of each row, ln; which rows say nothing; whose gain changed now."""

    signal: Floats
    reference: Floats
    doubt: Bools
    stepped: Bools


class _Shown(NamedTuple):
    """Values of one thing that is followed, and their variance as far as it was measured."""

    value: Floats
    var: Floats
    good: Bools


class Accidents:
    """Gains of the fields, and what is remembered of neurons to find them.

    Parameters
    ----------
    rises : bool
        Whether the scored signal rises at a death (an indicator) or falls (the fill).

    Notes
    -----
    Memory is 80 bytes per neuron, 136 per field, and 32 per change of a field's gain.
    """

    _of_neurons = ("level", "var", "past", "visits", "away")
    _of_fields = ("gain", "settled", "held", "doubt", "background", "looked", "shown_ln", "other")

    def __init__(self, *, rises: bool) -> None:
        self._rises = rises
        self.level, self.var, self.past, self.visits, self.away = np.zeros((5, 0, 2))
        self.gain, self.settled, self.held, self.doubt, self.shown_ln = np.zeros((5, 0, 2))
        self.background = np.zeros((0, 2))
        self.other = np.zeros((0, 1))
        self.looked = np.zeros((0, 3))
        self.log = np.zeros((0, 4))

    def state(self) -> dict[str, Floats]:
        """Return everything that the next visit depends on."""
        names = (*self._of_neurons, *self._of_fields, "log")
        return {name: getattr(self, name).copy() for name in names}

    def restore(self, state: dict[str, NDArray[np.generic]]) -> None:
        """Take over what `state` returned."""
        for name in self.state():
            setattr(self, name, np.array(state[name], dtype=np.float64))

    def gain_at(self, time_h: Floats, place: int) -> tuple[Floats, Floats]:
        """Return the ln of what was taken out of a field's signal and reference by each time."""
        log = self.log[self.log[:, 1] == place]
        when = np.searchsorted(log[:, 0], time_h, side="right")
        both = np.vstack([np.zeros((1, 2)), log[:, 2:]])[when]
        return both[:, 0], both[:, 1]

    def judge(self, time_h: float, seen: Seen) -> Verdict:
        """Judge one visit of one or several fields.

        Parameters
        ----------
        time_h : float
            Time of the visit, h.
        seen : Seen
            All rows of the visit.

        Returns
        -------
        Verdict
            One entry per row of ``seen``.
        """
        self._grow(seen)
        shown = self._shown(seen)
        before, doubt = self.gain.copy(), np.zeros(seen.rows.size, np.bool_)
        moved = self._moved(seen, shown)
        places = np.flatnonzero(np.bincount(seen.place, minlength=len(self.gain)))
        some = np.bincount(seen.place[shown[SCORED].good], minlength=len(self.gain))
        # Where a field is looked at closely, it is held against those already looked at.
        for part in np.split(places, places.size) if moved[places].any() else [places]:
            if moved[part].any():
                here = np.flatnonzero(seen.place == part[0])
                doubt[here] = self._doubts(time_h, int(part[0]), here, seen, shown)
            else:
                self.shown_ln[part], self.doubt[part], self.other[part] = self.gain[part], 0.0, 0.0
            self._settle(part, before)
            self.looked[part, 0], self.looked[part, 1] = time_h, some[part]
        self._remember(seen, shown, ~doubt & (time_h > self.looked[seen.place, 2]))
        changed = (self.gain != before).any(axis=1)
        total = self.gain.sum(axis=1)
        for place in np.flatnonzero(changed).tolist():
            by = [time_h, place, total[place], self.gain[place, REFERENCE]]
            self.log = np.vstack([self.log, by])
        total = total[seen.place]
        doubt |= np.isnan(seen.signal_sd) & (total < FAINT_LN)
        return Verdict(total, self.gain[seen.place, REFERENCE], doubt, changed[seen.place])

    def _doubts(
        self, time_h: float, place: int, here: Ints, seen: Seen, shown: tuple[_Shown, _Shown]
    ) -> bool:
        """Look at a field closely, unless it was seen to die; return whether its visit is none."""
        watched = time_h > self.looked[place, 2]
        return bool(watched) and not self._judge_field(time_h, place, here, seen, shown)

    def _grow(self, seen: Seen) -> None:
        """Make room for new neurons and fields."""
        rows, places = (int(codes.max(initial=-1)) + 1 for codes in (seen.rows, seen.place))
        for names, n in ((self._of_neurons, rows), (self._of_fields, places)):
            for name in names:
                old = getattr(self, name)
                if n > len(old):
                    start = -np.inf if name == "looked" else 0.0
                    room = np.full((max(n, 2 * len(old)), old.shape[1]), start)
                    room[: len(old)] = old
                    setattr(self, name, room)

    def _shown(self, seen: Seen) -> tuple[_Shown, _Shown]:
        """Return what is scored, and the reference; without one nothing of it is good."""
        good = seen.living & np.isfinite(seen.signal)
        var = np.where(np.isnan(seen.signal_sd), 0.0, seen.signal_sd) ** 2
        if seen.reference is None:
            nothing = np.zeros(good.size)
            return _Shown(seen.signal, var, good), _Shown(nothing, nothing, nothing > 0)
        by_sd = np.where(np.isnan(seen.reference_sd), 0.0, seen.reference_sd)
        reference = _Shown(seen.reference, by_sd**2, seen.living & np.isfinite(seen.reference))
        usual = self.level[seen.rows, REFERENCE] * np.exp(self.gain[seen.place, REFERENCE])
        good &= reference.good & (seen.reference > np.maximum(3.0 * by_sd, 0.02 * usual))
        by = np.where(good, seen.reference, 1.0)
        ratio = seen.signal / by
        return _Shown(ratio, (var + (ratio * by_sd) ** 2) / by**2, good), reference

    def _moved(self, seen: Seen, shown: tuple[_Shown, _Shown]) -> Bools:
        """Return which fields must be looked at closely: most neurons moved, or show nothing."""
        out = np.zeros(len(self.gain), np.bool_)
        for which, (value, _, good) in enumerate(shown):
            if not good.any():
                continue
            known = good & (self.visits[seen.rows, which] > 0)
            level = self.level[seen.rows, which] * np.exp(self.gain[seen.place, which])
            sd = np.sqrt(self.var[seen.rows, which]) * np.abs(level)
            out |= self._share(seen.place, np.abs(value - level) > sd, known) >= MOVED
            if which == REFERENCE or (seen.reference is None and not self._rises):
                out |= self._share(seen.place, value <= 0.0, good) >= NEGATIVE
        return out

    def _share(self, place: Ints, true: Bools, of: Bools) -> Floats:
        """Return the share of each field's rows that are true."""
        n = len(self.gain)
        some = np.bincount(place[true & of], minlength=n)
        total = np.bincount(place[of], minlength=n)
        return np.asarray(some / np.maximum(total, 1))

    def _judge_field(
        self, time_h: float, place: int, here: Ints, seen: Seen, shown: tuple[_Shown, _Shown]
    ) -> bool:
        """Set the gain of one field; return whether its visit can be used."""
        dark = REFERENCE if seen.reference is not None else SCORED
        falls = dark == REFERENCE or not self._rises
        value, _, good = (a[here] for a in shown[dark])
        known = self.visits[seen.rows[here], dark] > 0
        if falls and np.mean(known[good]) < 0.5 and np.mean(value[good] <= 0.0) >= NEGATIVE:
            return False
        if seen.reference is not None:
            one = self._common(REFERENCE, place, here, seen, shown[REFERENCE], DIFFER_LOSS)
            if one is not None and one.nothing:
                self.shown_ln[place] = one.step
                return one.n == 1 and self._other_fields(REFERENCE, place, one) <= 0.0
            if one is not None and self._odds(REFERENCE, place, here, seen, one) >= SURE:
                self.gain[place, REFERENCE] = self._settled_step(one)
            self.other[place] = self._is_other_channel(place, here, seen, shown[SCORED])
            if self.other[place, 0]:
                return False
        differ = DIFFER_RISE if self._rises else DIFFER_LOSS
        one = self._common(SCORED, place, here, seen, shown[SCORED], differ)
        return one is None or self._decide(time_h, place, here, seen, one)

    def _common(
        self, which: int, place: int, here: Ints, seen: Seen, shown: _Shown, differ: float
    ) -> alike.Common | None:
        """Return the number that explains a field's change; None where there is no change."""
        rows = seen.rows[here]
        use = shown.good[here] & (self.visits[rows, which] > 0)
        at, rows = here[use], rows[use]
        if at.size == 0:
            return None
        visits = np.minimum(self.visits[rows, which], MEMORY_VISITS)
        own = self.var[rows, which]
        total = (3.0 * np.median(own) + visits * own) / (3.0 + visits)
        known = alike.neurons(
            shown.value[at], self.level[rows, which], shown.var[at],
            total, self.past[rows, which], visits,
        )  # fmt: skip
        if known is None:
            return None
        before = float(self.gain[place, which])
        one = alike.explain(known, before, differ)
        mild = abs(one.step - before) < SMALLEST_LN
        unsure = abs(np.expm1(before - one.step)) < 3.0 * one.error
        if mild or (unsure and self._other_fields(which, place, one) <= 0.0):
            self.shown_ln[place, which] = before if mild else one.step
            self.doubt[place, which] = 0.0
            return None
        return one

    def _decide(self, time_h: float, place: int, here: Ints, seen: Seen, one: alike.Common) -> bool:
        """Take a common change as gain, as death (the visit is used as it is) or as neither."""
        before = float(self.gain[place, SCORED])
        odds = self._odds(SCORED, place, here, seen, one)
        if one.nothing:
            odds = min(odds, 0.0)
        if one.n == 1:
            self.shown_ln[place, SCORED] = one.step
            if one.nothing:
                return self._other_fields(SCORED, place, one) <= 0.0
            if odds >= SURE:
                self.gain[place, SCORED] = self._settled_step(one)
            return True
        if (one.step > before) != self._rises:
            self.shown_ln[place, SCORED] = one.step
            if one.nothing:
                return False
            # A few that fall back together may have had each its own transient.
            if odds > (0.0 if one.n >= MANY else SURE):
                self.gain[place, SCORED] = self._settled_step(one)
            return True
        if abs(one.step - self.shown_ln[place, SCORED]) < SMALLEST_LN:
            odds += self.doubt[place, SCORED]
        self.shown_ln[place, SCORED] = one.step
        self.doubt[place, SCORED] = odds
        if odds >= SURE:
            self.gain[place, SCORED] = self._settled_step(one)
            return True
        if odds <= -SURE_DEATH:
            self.gain[place, SCORED] = self.settled[place, SCORED]
            self.looked[place, 2] = time_h + DYING_H
            return True
        return False

    def _odds(self, which: int, place: int, here: Ints, seen: Seen, one: alike.Common) -> float:
        """Return the log odds of an accident against deaths, all evidence together."""
        before = float(self.gain[place, which])
        if (one.share < AGREE or one.stayed > STAYED) and not one.nothing:
            return -SURE_DEATH
        odds = float(np.clip(one.odds, -np.inf, MOST_ALIKE))
        odds += PRIOR * (one.n >= MANY)
        if one.nothing:
            odds = 0.0
        elif (one.n >= MANY and abs(one.step - before) < MILD_LN) or (
            before != 0.0 and self._settled_step(one) == 0.0
        ):
            odds += MILD
        odds += self._background_odds(which, place, here, seen, one.step)
        if one.nothing:
            return odds
        beside = self._other_fields(which, place, one)
        if which == SCORED and (one.step > before) == self._rises:
            beside = min(beside, BESIDE_DEATH)
            if beside == 0.0 and np.isfinite(self.looked[:, 0]).sum() > 1:
                beside = -UNASKED
            if self._others_die(place):
                beside = -MOST_DYING
        return odds + beside

    def _others_die(self, place: int) -> bool:
        """Tell whether most fields were found to die that were seen since the field's last visit.

        Of the field that is looked at first, those seen with it the last time.
        """
        since = self.looked[:, 0] > self.looked[place, 0]
        if not since.any():
            since = self.looked[:, 0] == self.looked[place, 0]
            since[place] = False
        dying = self.looked[:, 2] > self.looked[:, 0]
        return bool(np.sum(since & dying) > MOVED * np.sum(since))

    @staticmethod
    def _settled_step(one: alike.Common) -> float:
        """Return a step, and none where it leads back to how it was."""
        return 0.0 if abs(one.step) < max(0.1, 3.0 * one.error) else one.step

    def _background_odds(
        self, which: int, place: int, here: Ints, seen: Seen, step: float
    ) -> float:
        """Return what the background adds: light that changes takes it along."""
        change = self._background_change(place, here, seen)
        moved = change[REFERENCE]
        if which == SCORED:
            moved = change[SCORED] - (moved if seen.reference is not None else 0.0)
        if not np.isfinite(moved):
            return 0.0
        before = float(self.gain[place, which])
        taken, kept = (
            0.9 * np.exp(-0.5 * ((moved - at) / BACKGROUND_SD) ** 2) / BACKGROUND_SD + 0.1
            for at in (max(step, alike.LOWEST_LN), before)
        )
        return float(np.clip(np.log(taken / kept), -MOST_BESIDE, MOST_BESIDE))

    def _background_change(self, place: int, here: Ints, seen: Seen) -> list[float]:
        """Return the ln of each channel's background over what it was; NaN where unknown."""
        out = []
        for which, values in enumerate((seen.signal_background, seen.reference_background)):
            usual, now = self.background[place, which], values[here]
            now = now[np.isfinite(now)]
            known = usual > LEAST_BACKGROUND and now.size > 0
            share = float(np.median(now)) / usual if known else np.nan
            out.append(float(np.log(max(share, np.exp(alike.LOWEST_LN)))) if known else np.nan)
        return out

    def _other_fields(self, which: int, place: int, one: alike.Common) -> float:
        """Return what the fields add that were seen last, not before the field's own last visit."""
        since = np.flatnonzero(self.looked[:, 0] > self.looked[place, 0])
        since = since[since != place]
        since = since[np.argsort(-self.looked[since, 0], kind="stable")]
        n = self.looked[since, 1]
        last = np.cumsum(n) - n < OTHERS
        if n[last].sum() < OTHERS:
            return 0.0
        apart = abs(one.step - float(self.gain[place, which]))
        reach = min(0.1 + 3.0 * one.error, 0.5 * apart)
        same = np.abs(self.shown_ln[since, which] - one.step) < reach
        same |= one.nothing & (self.shown_ln[since, which] < alike.NOTHING_LN)
        if float(n[same & last].sum()) > MOVED * float(n[last].sum()):
            return MOST_BESIDE
        # Light that changed between two fields is seen by the others only at the next visit.
        later = self.doubt[place, which] != 0.0
        return -SURE_DEATH if later and one.n < MANY else -1.0

    def _is_other_channel(self, place: int, here: Ints, seen: Seen, shown: _Shown) -> bool:
        """Tell whether signal and reference show the same, or have changed places."""
        already = bool(self.other[place, 0])
        rows, value = seen.rows[here], shown.value[here]
        level = self.level[rows, SCORED]
        use = shown.good[here] & (self.visits[rows, SCORED] > 0) & (level > 0) & (value > 0)
        if use.sum() < ENOUGH:
            return already
        sd = np.sqrt(self.var[rows, SCORED] / np.maximum(self.visits[rows, SCORED], 1.0))
        noise = float(np.median(sd[use]))
        before, now = np.log(level[use]), np.log(value[use])
        return alike.is_other_channel(before, now, noise, already=already)

    def _settle(self, places: Ints, before: Floats) -> None:
        """Let gains that have held for some visits count as known."""
        same = self.gain[places] == before[places]
        self.held[places] = np.where(same, self.held[places] + 1.0, 0.0)
        old = self.held[places] >= SETTLED_VISITS
        self.settled[places] = np.where(old, self.gain[places], self.settled[places])

    def _remember(self, seen: Seen, shown: tuple[_Shown, _Shown], quiet: Bools) -> None:
        """Learn levels and noise of the neurons, and backgrounds of the fields."""
        gain = np.exp(self.gain)
        for which, (value, var, good) in enumerate(shown):
            by = gain[seen.place, which]
            levels.remember(
                seen.rows, value / by, var / by**2, good & quiet, which,
                self.level, self.var, self.past, self.visits, self.away,
                FIRST_SD, AWAY_VISITS, MEMORY_VISITS,
            )  # fmt: skip
        self._remember_backgrounds(seen, quiet)

    def _remember_backgrounds(self, seen: Seen, quiet: Bools) -> None:
        light = (self.gain.sum(axis=1), self.gain[:, REFERENCE])
        for which, values in enumerate((seen.signal_background, seen.reference_background)):
            use = quiet & np.isfinite(values)
            if not use.any():
                continue
            now = levels.group_medians(values, use, seen.place, len(self.gain))
            now /= np.exp(light[which])
            old = self.background[:, which]
            learnt = np.where(old == 0.0, now, old + (now - old) / MEMORY_VISITS)
            self.background[:, which] = np.where(np.isfinite(now), learnt, old)
