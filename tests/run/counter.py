"""Stands in for the pipeline where only the way of the visits matters."""

import numpy as np

import scenes
import small_studies
from livedeath.model.flags import Flag
from livedeath.model.measures import VisitResult
from livedeath.model.tables import CALLS, trace_columns


class Whole:
    """Does all of a visit when it is taken."""

    @property
    def noted(self):
        return {}

    def begin(self, field):
        pass

    def see(self, visit, labels, *, turn):
        return labels

    def take(self, visit, seen):
        return self.push(visit, seen)


class Counter(Whole):
    """One neuron per field; its value depends on all the past."""

    def __init__(self, study):
        self.channels = tuple(c.name for c in study.channels)
        self.memory = 0.5
        self.fields = {}
        self.log = []

    def push(self, visit, labels=None):
        neuron = self.fields.setdefault(visit.field.name, len(self.fields) + 1)
        mean = sum(float(image.mean()) for image in visit.images.values())
        self.memory = 0.9 * self.memory + 0.1 * mean + 0.01 * visit.intervened
        self.log.append((visit.field.well, visit.t, visit.intervened, tuple(visit.missing)))
        said = np.zeros((small_studies.SIDE, small_studies.SIDE), np.int32)
        said[4:9, 4:9] = neuron
        names = trace_columns(self.channels)
        columns = {name: np.full(1, self.memory) for name in names}
        columns |= {
            "vessel": np.array([visit.field.vessel], object),
            "well": np.array([visit.field.well], object),
            "field": np.array([visit.field.field]),
            "session": np.array([visit.session], object),
            "population": np.array(["all"], object),
            "neuron_id": np.array([neuron]),
            "t": np.array([visit.t]),
            "time_h": np.array([visit.time_h]),
            "flags": np.array([Flag.UNCALIBRATED], np.uint32),
        }
        return VisitResult(scenes.outlined(said), {name: columns[name] for name in names}, ())

    def calls(self, traces, *, final=True):
        ids, first, counts = np.unique(traces["neuron_id"], return_index=True, return_counts=True)
        columns = {c.name: np.full(ids.size, np.nan) for c in CALLS}
        text = {"population": "all", "endpoint": "indicator_rise", "outcome": "alive"}
        columns |= {k: np.full(ids.size, v) for k, v in text.items()}
        columns |= {"neuron_id": ids, "loss_reason": np.full(ids.size, "")}
        columns |= {name: traces[name][first] for name in ("vessel", "well", "field")}
        columns["evidence"] = counts + self.memory
        columns["entry_h"] = traces["time_h"][first]
        columns["last_alive_h"] = traces["time_h"][first] + counts
        return columns

    def state(self):
        return {"memory": self.memory, "fields": "\n".join(self.fields)}

    def restore(self, state):
        self.memory = state["memory"]
        self.fields = {name: k + 1 for k, name in enumerate(state["fields"].splitlines())}
