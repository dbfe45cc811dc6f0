"""Drives a Micro-Manager core with pycromanager: the only module that imports it.

In goes one event, out comes its image or one clear failure. pycromanager's own
``Acquisition`` moves the hardware; what it cannot promise is kept here: an image is
matched to its attempt, nothing waits without a deadline, and no hook of ours raises.
It stores nothing.

Import this module lazily; it needs the extra ``acquisition``.
"""

import contextlib
import queue
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pymmcore
from numpy.typing import NDArray

from livedeath.errors import OptionalDependencyError, StudyError
from livedeath_acquisition.microscope import ExposureError, HungError
from livedeath_acquisition.unicore import UniMMCore

try:
    from mmpycorex import launcher
    from mmpycorex.core import ZMQRemoteMMCoreJ
    from pycromanager import Acquisition
    from pycromanager.acquisition.acq_eng_py.internal.engine import Engine
except ImportError:
    raise OptionalDependencyError("driving a microscope", "acquisition") from None

# The image is handed over right after its event ends; it comes through a queue.
_HAND_OVER_S = 2.0
_CONNECT_MS = 2000


class PycroCore(UniMMCore):
    """The Micro-Manager core, answering snake_case names as pycromanager asks them."""

    # pycromanager makes its end-of-data marks with it.
    TaggedImage = launcher.TaggedImage

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any method of the core
        """Answer ``set_xy_position`` as ``setXYPosition``."""
        camel = _CAMEL.get(name)
        if camel is None:
            raise AttributeError(f"the core has no {name!r}")
        return getattr(self, camel)

    def _do_snap_image(self) -> None:
        """Open the shutter round the exposure: for Python cameras nobody else does."""
        shutter = self.getShutterDevice() if self.getAutoShutter() else ""
        if self._py_camera() is None or not shutter:
            super()._do_snap_image()
            return
        self.setShutterOpen(shutter, True)
        try:
            self.waitForDevice(shutter)
            super()._do_snap_image()
        finally:
            self.setShutterOpen(shutter, False)

    def get_config_data(self, group: str, preset: str) -> pymmcore.Configuration:
        """Return a preset in the form that pycromanager's engine reads."""
        return self.getConfigData(group, preset, native=True)

    def get_tagged_image(self, index: int, camera: str, *_: object) -> Any:  # noqa: ANN401 - untyped
        """Return the image just snapped; never raises.

        pycromanager asks again without end while this raises, so a failure comes back as
        an image without pixels.
        """
        try:
            pixels = self.getImage()
        except Exception as error:  # noqa: BLE001 - any driver may fail in any way
            return launcher.TaggedImage({"Camera": camera, "Failure": str(error)}, None)
        return launcher.TaggedImage({"Camera": camera, "CameraChannelIndex": index}, pixels)


def _snake(name: str) -> str:
    words = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z0-9])([A-Z])", r"\1_\2", words).lower()


_CAMEL = {_snake(name): name for name in dir(PycroCore) if name[0] != "_" and not name.islower()}


def start_core(config: Path, adapters: Path | None = None) -> PycroCore:
    """Load a configuration into a new core and put it under pycromanager's engine.

    Only one core can be under the engine in a process; one that is there is released.

    Parameters
    ----------
    config : Path
        Micro-Manager configuration file; ``#py`` lines name Python devices.
    adapters : Path or None
        Folder of the device adapters; None when the file names none.

    Raises
    ------
    StudyError
        If the core cannot load the configuration.
    """
    stop_core()
    core = PycroCore()
    if adapters is not None:
        core.setDeviceAdapterSearchPaths([str(adapters)])
    try:
        core.loadSystemConfiguration(str(config))
    except Exception as error:  # noqa: BLE001 - whatever a driver throws
        raise StudyError(f"{config}: the core cannot load it: {first_line(error)}") from None
    launcher._PYMMCORES.append(core)
    Engine(core)
    return core


def stop_core() -> None:
    """Take the core from under the engine and release its devices; may be repeated."""
    engine = getattr(Engine, "singleton", None)
    if engine is not None:
        engine.shutdown()
        del Engine.singleton
    while launcher._PYMMCORES:
        core = launcher._PYMMCORES.pop()
        core.unloadAllDevices()
        # Else the core's own thread calls into an interpreter that is being taken down.
        pymmcore.CMMCore.registerCallback(core, None)


def first_line(error: BaseException) -> str:
    """Return what an error says last and clearest: drivers wrap their reasons."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


class _Answer(NamedTuple):
    """What came back of one attempt: an image, or why there is none."""

    axes: tuple[tuple[str, object], ...]
    image: NDArray[Any] | None
    reason: str


def _frozen(axes: dict[str, Any]) -> tuple[tuple[str, object], ...]:
    return tuple(sorted(axes.items()))


class EventDriver:
    """Takes one event at a time through pycromanager's ``Acquisition``.

    A context manager. Every attempt carries its own axes; an answer with other axes than
    the ones waited for came too late and is dropped.
    """

    def __init__(self) -> None:
        self._answers: queue.SimpleQueue[_Answer] = queue.SimpleQueue()
        self._running: Future[object] | None = None
        self._submitted = threading.Event()
        self._acquisition = Acquisition(image_process_fn=self._take)
        self._watch(self._acquisition._acq)

    def _take(self, image: NDArray[Any] | None, metadata: dict[str, Any]) -> None:
        """Receive an image from the engine's thread; returns nothing, never raises."""
        try:
            axes = _frozen(metadata.get("Axes", {}))
            reason = str(metadata.get("Failure", ""))
            self._answers.put(_Answer(axes, image, reason))
        except Exception as error:  # noqa: BLE001 - an exception here loses frames silently
            self._answers.put(_Answer((), None, str(error)))

    def _watch(self, engine_side: Any) -> None:  # noqa: ANN401 - untyped library
        """Keep the future of each event, which pycromanager drops with its exception."""
        submit = engine_side.submit_event_iterator

        def submit_and_keep(events: Iterator[Any]) -> Future[object]:
            self._running = submit(events)
            self._submitted.set()
            return self._running

        engine_side.submit_event_iterator = submit_and_keep

    def expose(self, event: dict[str, Any], *, deadline_s: float) -> NDArray[Any]:
        """Run one event and return its image.

        Parameters
        ----------
        event : dict
            In pycromanager's words; its axes must differ from every earlier attempt's.
        deadline_s : float
            How long the image may take, seconds.

        Raises
        ------
        ExposureError
            If this attempt failed; the engine is idle again.
        HungError
            If the engine does not come back within twice the deadline.
        """
        self._submitted.clear()
        self._acquisition.acquire(event)
        failure = self._await_end(deadline_s)
        if failure:
            raise ExposureError(failure)
        return self._await_image(_frozen(event["axes"]))

    def _await_end(self, deadline_s: float) -> str:
        """Wait until the engine is through with the event; return why it failed, or ''."""
        if not self._submitted.wait(deadline_s) or self._running is None:
            raise HungError(f"the engine took no event within {deadline_s:g} s")
        try:
            self._running.result(timeout=deadline_s)
        except FutureTimeoutError:
            if not self._running.done():
                return self._drain(deadline_s)
            return "the camera gave no image in time"
        except Exception as error:  # noqa: BLE001 - whatever a driver throws
            return first_line(error)
        return ""

    def _drain(self, deadline_s: float) -> str:
        """Wait for the end of an event that is late, so that the next finds an idle engine."""
        assert self._running is not None
        with contextlib.suppress(Exception):
            self._running.result(timeout=deadline_s)
        if not self._running.done():
            raise HungError(f"the hardware did not answer within {2 * deadline_s:g} s")
        return f"no image within {deadline_s:g} s"

    def _await_image(self, axes: tuple[tuple[str, object], ...]) -> NDArray[Any]:
        """Return the image of these axes, dropping those of earlier attempts."""
        while True:
            try:
                answer = self._answers.get(timeout=_HAND_OVER_S)
            except queue.Empty:
                raise ExposureError("the camera gave no image in time") from None
            if answer.axes != axes:
                continue
            if answer.image is None:
                raise ExposureError(answer.reason or "the camera gave an image without pixels")
            return answer.image

    def __enter__(self) -> "EventDriver":
        return self

    def __exit__(self, *_: object) -> None:
        """End the acquisition; its threads stop."""
        self._acquisition.mark_finished()
        with contextlib.suppress(Exception):
            self._acquisition.await_completion()


class RemoteCore:
    """The core of a running Micro-Manager, over its server port.

    Each call is given a deadline, since a remote driver may hang like a local one.

    Parameters
    ----------
    port : int
        Micro-Manager's server port, usually 4827.
    deadline_s : float
        How long one call may take, seconds.
    """

    def __init__(self, port: int, *, deadline_s: float) -> None:
        self._deadline_s = deadline_s
        self._calls = ThreadPoolExecutor(max_workers=1, thread_name_prefix="remote core")
        self._core = self._in_time(
            lambda: ZMQRemoteMMCoreJ(port=port, timeout=_CONNECT_MS), f"no answer on port {port}"
        )

    def _in_time(self, call: Callable[[], Any], what: str) -> Any:  # noqa: ANN401 - any answer
        future = self._calls.submit(call)
        try:
            return future.result(timeout=self._deadline_s)
        except FutureTimeoutError:
            raise HungError(f"{what} within {self._deadline_s:g} s") from None
        except Exception as error:  # noqa: BLE001 - whatever the far side throws
            raise ExposureError(first_line(error)) from None

    def call(self, name: str, *arguments: object) -> Any:  # noqa: ANN401 - any answer
        """Call a method of the core by its snake_case name.

        Raises
        ------
        ExposureError
            If the core refused.
        HungError
            If it did not answer in time.
        """
        return self._in_time(
            lambda: getattr(self._core, name)(*arguments), f"{name} did not answer"
        )

    def image(self) -> NDArray[Any]:
        """Return the image just snapped, (Y, X) uint8 or uint16."""
        tagged = self.call("get_tagged_image")
        image: NDArray[Any] = self._in_time(lambda: _pixels(tagged), "the image did not arrive")
        return image

    def close(self) -> None:
        """Let go of the connection; the microscope stays with Micro-Manager."""
        self._core = None
        self._calls.shutdown(wait=False, cancel_futures=True)


def _pixels(tagged: Any) -> NDArray[Any]:  # noqa: ANN401 - untyped library
    tags, pixels = tagged.tags, np.asarray(tagged.pix)
    image: NDArray[Any] = pixels.reshape(int(tags["Height"]), int(tags["Width"]))
    return image
