"""Visits of one field go in; its neurons, their outlines and their traces come out.

For one place the camera looks, a visit's way is: correct each channel, segment the one that
shows somata, join the pieces of a soma, register by the neurons that are known, track, and
trace every channel. It calls no deaths. What comes out depends only on what was pushed and
in which order.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from livedeath.analysis import (
    correct,
    judge,
    outline,
    pieces,
    plane,
    register,
    segment,
    trace,
    track,
)
from livedeath.errors import FrameError
from livedeath.model.flags import Flag
from livedeath.model.frame import Visit
from livedeath.model.measures import (
    Columns,
    CorrectedFrame,
    FieldVisit,
    LevelledFrame,
    Outlined,
    Placing,
    Runs,
    Seen,
    Segmentation,
    State,
    TraceBlock,
    Tracking,
    below,
)
from livedeath.model.optics import Optics
from livedeath.model.settings import AnalysisSettings
from livedeath.model.tables import trace_columns

ALL = "all"
"""Population of a neuron when the study declares none that fits it."""

NOWHERE = -1e6
"""Place of who is no more, px: in no frame."""

SHAPE_SD = 0.1
"""Smoothing of the picture that a soma's profile is taken from: sd in soma diameters."""

RENEW = 2.0
"""When so many times as many or as few somata are found, the reference picture is renewed."""


class FieldPipeline:
    """The stages of one field, in order, and what they keep from visit to visit.

    Parameters
    ----------
    settings : AnalysisSettings
        Settings of the analyser; lengths in pixels follow from them and the optics.
    optics : Optics
        In force during the field's acquisition.
    shown_by : str
        Channel that somata are found on.
    channels : tuple of str
        All channels, in the order of the trace table.
    scored : tuple of str, optional
        Channels that deaths are called from: a bad frame of one is flagged in the rows; of
        another channel it is not measured. Default: all.
    flats : dict of str to (Y, X) float32, optional
        Measured flat field of each channel.
    """

    def __init__(
        self,
        settings: AnalysisSettings,
        optics: Optics,
        *,
        shown_by: str,
        channels: tuple[str, ...],
        scored: tuple[str, ...] | None = None,
        flats: Mapping[str, NDArray[np.float32]] | None = None,
    ) -> None:
        self._settings = settings
        self._optics = optics
        self._shown_by = shown_by
        self._channels = channels
        self._scored = channels if scored is None else scored
        self._flats = dict(flats or {})
        self.resize(settings.expected_soma_um)
        self._shape: tuple[int, int] | None = None
        self._placing = Placing()
        self._stage: tuple[float, float] | None = None
        self._time_h = -np.inf

    def resize(self, soma_um: float) -> None:
        """Begin anew with somata of another diameter, um; only while there are no neurons."""
        pixel_um = self._optics.pixel_size_um
        self.soma_um = soma_um
        self._soma_camera_px = soma_um / pixel_um
        self._binning = correct.binning_for(self._soma_camera_px)
        self._soma = self._soma_camera_px / self._binning
        self._pixel_um = pixel_um * self._binning
        self._tracker = track.Tracker(self._settings, soma_px=self._soma, pixel_um=self._pixel_um)
        self._tracer = trace.Tracer(self._soma, outline.gaussian_taps(SHAPE_SD * self._soma))
        self._judges = {
            name: judge.Judge(self._optics.camera, self._optics.bit_depth, self._soma_camera_px)
            for name in self._channels
        }
        self._reference: register.Picture | None = None
        self._reference_at = (Placing(), 0)

    def push(self, visit: Visit, labels: NDArray[Any] | None = None) -> FieldVisit:
        """Take the next visit of the field.

        Parameters
        ----------
        visit : Visit
            Its images.
        labels : (Y, X) integer, optional
            Outlines made elsewhere: they say where somata are, never who is who.

        Returns
        -------
        FieldVisit
            Labels and traces, neurons by their local number + 1.

        Raises
        ------
        FrameError
            If an image is of another size than before or no image, or the visit is
            earlier than the one before. Nothing has changed then.
        """
        frames = self._level(visit, labels)
        self._time_h = visit.time_h
        self._shape = self._shape or next(iter(self._sizes(visit, labels).values()), None)
        self._stage = self._stage or (visit.x_um, visit.y_um)
        verdicts = {name: self._judges[name].push(visit.images[name]) for name in frames}
        hidden = self._shown_by in verdicts and verdicts[self._shown_by].whole
        result = self._looked_at(visit, frames, labels, hidden=hidden)
        cut = {name: frame.cut_off for name, frame in frames.items() if frame.cut_off}
        return dataclasses.replace(self._with_verdicts(result, verdicts), cut_off=cut)

    def _looked_at(
        self,
        visit: Visit,
        frames: dict[str, LevelledFrame],
        labels: NDArray[Any] | None,
        *,
        hidden: bool,
    ) -> FieldVisit:
        """Find, follow and measure somata; ``hidden`` where the frame that shows them is bad."""
        shown = frames.get(self._shown_by)
        if hidden:
            return self._unseen(visit, frames)
        if labels is not None:
            found = segment.from_labels(labels, binning=self._binning, where=_where(visit))
        elif shown is not None:
            found = segment.segment(shown, soma_px=self._soma, snr=self._settings.detection_snr)
            found = pieces.join(found, soma_px=self._soma)
        else:
            return self._unseen(visit, frames)
        return self._seen(visit, frames, found, trusted=labels is not None)

    def _with_verdicts(self, result: FieldVisit, verdicts: dict[str, judge.Verdict]) -> FieldVisit:
        """Flag or leave out what bad frames show, and note the background of every soma."""
        traces, shape = result.traces, self._shape or (1, 1)
        y, x = traces["y_px"], traces["x_px"]
        for name, verdict in verdicts.items():
            bad = verdict.at(verdict.bad, y, x, shape)
            traces[f"{name}_background"] = verdict.at(verdict.background, y, x, shape)
            if name in self._scored:
                traces["flags"][bad] |= np.uint32(Flag.BAD_FRAME)
            else:
                traces[name][bad] = traces[f"{name}_sd"][bad] = np.nan
        reasons = {name: verdict.reason for name, verdict in verdicts.items() if verdict.reason}
        return dataclasses.replace(result, bad_frames=reasons)

    @property
    def n_neurons(self) -> int:
        """Number of neurons that the field has had."""
        return len(self._tracker.tracks)

    def state(self) -> State:
        """Return everything that the next visit depends on, as arrays and scalars."""
        parts = {"tracker": self._tracker.state(), "tracer": self._tracer.state()}
        parts |= {f"judge/{name}": one.state() for name, one in self._judges.items()}
        state: State = {f"{p}.{k}": v for p, s in parts.items() for k, v in s.items()}
        state["soma_um"] = self.soma_um
        state["time_h"] = self._time_h
        state["shape"] = np.array(self._shape or (), np.int64)
        state["stage"] = np.array(self._stage or ())
        at, somata = self._reference_at
        state["placings"] = np.array([dataclasses.astuple(p) for p in (self._placing, at)])
        state["reference_somata"] = somata
        if self._reference is not None:
            state["reference"] = self._reference.grey.copy()
            state["reference_factor"] = self._reference.factor
        return state

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self.resize(float(state["soma_um"]))
        for name, part in (("tracker", self._tracker), ("tracer", self._tracer)):
            part.restore(below(state, f"{name}."))
        for name, one in self._judges.items():
            one.restore(below(state, f"judge/{name}."))
        self._time_h = float(state["time_h"])
        shape = [int(n) for n in state["shape"]]
        self._shape = (shape[0], shape[1]) if shape else None
        stage = [float(v) for v in state["stage"]]
        self._stage = (stage[0], stage[1]) if stage else None
        self._placing, at = (Placing(*p) for p in np.asarray(state["placings"]).tolist())
        self._reference_at = at, int(state["reference_somata"])
        self._reference = None
        if "reference" in state:
            grey = np.array(state["reference"], np.uint8)
            self._reference = register.Picture(grey, int(state["reference_factor"]))

    def _level(self, visit: Visit, labels: NDArray[Any] | None) -> dict[str, LevelledFrame]:
        """Check the visit, then correct and level each of its images."""
        for what, shape in self._sizes(visit, labels).items():
            if self._shape not in (None, shape) or shape != next(
                iter(self._sizes(visit, labels).values())
            ):
                expected = self._shape or next(iter(self._sizes(visit, labels).values()))
                raise FrameError(
                    f"{_where(visit)}: {what} is {shape[0]} x {shape[-1]} px, the field's other "
                    f"images are {expected[0]} x {expected[-1]}; all visits of a field must be "
                    f"of one size."
                )
        if not visit.time_h > self._time_h:
            raise FrameError(
                f"{_where(visit)}: the time is {visit.time_h} h and the visit before was at "
                f"{self._time_h} h; times must increase."
            )
        return {
            name: correct.level(self._correct(visit, name), self._soma_camera_px)
            for name in self._channels
            if name in visit.images
        }

    @staticmethod
    def _sizes(visit: Visit, labels: NDArray[Any] | None) -> dict[str, tuple[int, int]]:
        images = {name: image.shape for name, image in visit.images.items()}
        images |= {} if labels is None else {"the label image": labels.shape}
        sides = {what: (0, 0, *shape) for what, shape in images.items()}
        return {what: (side[-2], side[-1]) for what, side in sides.items()}

    def _correct(self, visit: Visit, name: str) -> CorrectedFrame:
        return correct.correct(
            visit.images[name],
            self._optics.camera,
            flat=self._flats.get(name),
            bit_depth=self._optics.bit_depth,
            where=f"{_where(visit)} {name}",
        )

    def _register(self, found: Segmentation, shown: LevelledFrame) -> register.Placed:
        """Say how the visit's frame lies; the neurons have the vote, pictures are the last resort.

        ``shown`` is the frame that shows somata, or their outlines.
        """
        rows, neurons = found.detections, self._tracker.landmarks()
        somata = np.column_stack([rows.y, rows.x])
        shape = found.runs.shape
        placed = register.place(
            self._placing, neurons, somata, rows.light, soma_px=self._soma, shape=shape
        )
        picture = None
        if not placed.certain and self._reference is not None:
            picture = register.picture_of(shown, soma_px=self._soma)
            placed = register.place_by_picture(
                self._placing, self._reference, self._reference_at[0], picture, neurons, somata,
                soma_px=self._soma,
            )  # fmt: skip
        n, usual = len(rows), self._reference_at[1]
        if placed.certain and n and not usual / RENEW < n < usual * RENEW:
            self._reference = picture or register.picture_of(shown, soma_px=self._soma)
            self._reference_at = placed.placing, n
        return placed

    def _seen(
        self,
        visit: Visit,
        frames: dict[str, LevelledFrame],
        found: Segmentation,
        *,
        trusted: bool,
    ) -> FieldVisit:
        """Link, measure and write down a visit in which somata could be looked for."""
        shown = frames.get(self._shown_by)
        if trusted or shown is None:
            outlines = correct.of_outlines(found.runs)
            placed, shown = self._register(found, outlines), shown or outlines
        else:
            placed = self._register(found, shown)
        tracking = self._tracker.push(
            found.detections,
            time_h=visit.time_h,
            placing=placed.placing,
            certain=placed.certain,
            trusted=trusted,
            shape=found.runs.shape,
        )
        self._placing = placed.placing
        seen = self._places(tracking, found)
        block = self._tracer.push(frames, seen, found.runs, shown=shown)
        if not placed.certain:
            block.flags[:] |= np.uint32(Flag.UNREGISTERED)
        area = np.full(seen.label.size, np.nan)
        linked = tracking.detection >= 0
        area[linked] = found.detections.area[tracking.detection[linked]] * self._pixel_um**2
        names = np.zeros(len(found.detections) + 1, np.int32)
        names[1:] = tracking.neuron + 1
        outlined = Outlined(found.runs, names, self._binning, self._shape or found.runs.shape)
        not_followed = found.detections.strong & found.detections.border & (tracking.neuron < 0)
        block.flags[tracking.divided] |= np.uint32(Flag.DIVIDED)
        return self._told(outlined, visit, block, area, tracking.divided, int(not_followed.sum()))

    def _unseen(self, visit: Visit, frames: dict[str, LevelledFrame]) -> FieldVisit:
        """Measure a visit without the channel that shows somata, at the last places."""
        n = self.n_neurons
        height, width = self._shape or (1, 1)
        seen = self._places(None, None)
        size = (-(-height // self._binning), -(-width // self._binning))
        nothing = Runs(np.zeros((0, 4), np.int32), size)
        block = self._tracer.push(frames, seen, nothing, shown=None)
        block.flags[:] &= ~np.uint32(Flag.MASK_LOST)
        if self._shown_by not in frames:
            block.flags[:] |= np.uint32(Flag.MISSING_CHANNEL)
        outlined = Outlined(nothing, np.zeros(1, np.int32), self._binning, (height, width))
        nobody = np.zeros(n, np.bool_)
        return self._told(outlined, visit, block, np.full(n, np.nan), nobody, 0)

    def _places(self, tracking: Tracking | None, found: Segmentation | None) -> Seen:
        """Return where every neuron of the field is in this visit's frame."""
        tracks = self._tracker.tracks
        n = len(tracks)
        labels, border = np.zeros(n, np.int32), np.zeros(n, np.bool_)
        gap = np.zeros(n, np.bool_) if tracking is None else tracking.gap
        if tracking is not None and found is not None:
            linked = np.flatnonzero(tracking.detection >= 0)
            labels[linked] = found.detections.label[tracking.detection[linked]]
            border[linked] = found.detections.border[tracking.detection[linked]]
        here = plane.to_frame(tracks.points, self._placing)
        here[tracks.rows["ended"]] = NOWHERE
        y, x = here.T.copy()
        return Seen(y, x, tracks.radius.copy(), labels, gap, border, self._placing.turn)

    def _told(
        self,
        outlines: Outlined,
        visit: Visit,
        block: TraceBlock,
        area: NDArray[np.float64],
        divided: NDArray[np.bool_],
        at_border: int,
    ) -> FieldVisit:
        """Return what the visit says; who divided in an earlier one has no row any more."""
        tracks, pixel = self._tracker.tracks, self._pixel_um
        columns = self._columns(visit, block, area)
        shape = -(-np.array(self._shape or (1, 1)) // self._binning)
        depth = np.minimum(tracks.points, shape - 1.0 - tracks.points).min(axis=1) * pixel
        there = ~tracks.rows["ended"] | divided
        if there.all():
            return FieldVisit(outlines, columns, depth, at_border)
        columns = {name: column[there] for name, column in columns.items()}
        return FieldVisit(outlines, columns, depth[there], at_border)

    def _columns(self, visit: Visit, block: TraceBlock, area: NDArray[np.float64]) -> Columns:
        """Write one row per neuron in the columns of the trace table."""
        n = self.n_neurons
        binning, pixel = self._binning, self._optics.pixel_size_um
        height, width = self._shape or (1, 1)
        tracks = self._tracker.tracks
        stage_x, stage_y = self._stage or (0.0, 0.0)
        here = plane.to_frame(tracks.points, self._placing)
        block.flags[self._tracker.doubted()] |= np.uint32(Flag.DOUBTED)
        block.flags[self._tracker.hidden()] |= np.uint32(Flag.MERGED)
        if visit.missing:
            block.flags[:] |= np.uint32(Flag.MISSING_CHANNEL)
        columns: Columns = {
            "vessel": np.full(n, visit.field.vessel, object),
            "well": np.full(n, visit.field.well, object),
            "field": np.full(n, visit.field.field, np.int64),
            "acquisition": np.full(n, visit.field.acquisition, np.int64),
            "session": np.full(n, visit.session, object),
            "population": np.full(n, ALL, object),
            "neuron_id": np.arange(1, n + 1),
            "parent_id": tracks.rows["parent"] + 1,
            "t": np.full(n, visit.t, np.int64),
            "time_h": np.full(n, visit.time_h),
            "y_px": (here[:, 0] + 0.5) * binning - 0.5,
            "x_px": (here[:, 1] + 0.5) * binning - 0.5,
            "x_um": stage_x + ((tracks.x + 0.5) * binning - 0.5 * width) * pixel,
            "y_um": stage_y + ((tracks.y + 0.5) * binning - 0.5 * height) * pixel,
            "z_um": np.full(n, visit.z_um),
            "area_um2": area,
            "flags": block.flags,
        }
        for name in self._channels:
            columns[name] = block.light.get(name, np.full(n, np.nan))
            columns[f"{name}_sd"] = block.light_sd.get(name, np.full(n, np.nan))
            columns[f"{name}_background"] = np.full(n, np.nan)
        return {name: columns[name] for name in trace_columns(self._channels)}


def _where(visit: Visit) -> str:
    return f"{visit.field.name} t={visit.t}"
