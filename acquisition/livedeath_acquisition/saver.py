"""Makes frames durable while the microscope already moves on.

One frame may be on its way to the disk while the next is taken, never two; frames reach
the disk and the journal in the order in which they were taken, each frame before its line.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from numpy.typing import NDArray

from livedeath.errors import HardwareError
from livedeath.model.frame import FrameKey
from livedeath.store.folder import StudyFolder
from livedeath.store.journal import Entry


class Saver:
    """Writes frames and their journal lines in a thread of its own.

    Parameters
    ----------
    folder : StudyFolder
        The study.
    saved : callable
        Called with each frame's key once its journal line is durable.
    """

    def __init__(self, folder: StudyFolder, *, saved: Callable[[FrameKey], None]) -> None:
        self._folder = folder
        self._saved = saved
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="saver")
        self._pending: Future[None] | None = None

    def save(self, key: FrameKey, image: NDArray[Any], entry: Entry) -> None:
        """Start to save a frame, once the one before is saved.

        Parameters
        ----------
        key : FrameKey
            The frame.
        image : (Y, X) uint8 or uint16
            Must not change any more.
        entry : dict
            Its journal line.

        Raises
        ------
        HardwareError
            If the frame before could not be written.
        FrameError
            If the frame before was not of the declared shape or type.
        """
        self.wait()
        self._pending = self._pool.submit(self._save, key, image, entry)

    def wait(self) -> None:
        """Return when everything given so far is durable; raises like `save`."""
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()

    def close(self) -> None:
        """End the thread; what was given is still written."""
        self._pool.shutdown(wait=True)

    def _save(self, key: FrameKey, image: NDArray[Any], entry: Entry) -> None:
        try:
            self._folder.images.write(key, image)
            self._folder.journal.append(entry)
        except OSError as error:
            raise HardwareError(
                f"{self._folder.path}: the frame {key.field_key.name} t={key.t} {key.channel} "
                f"cannot be written ({error.strerror or error}); mend it and run 'livedeath "
                f"acquire' again"
            ) from None
        self._saved(key)
