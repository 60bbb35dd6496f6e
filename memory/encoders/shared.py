"""One encoder for many callers: waiting queries share a batch and go before indexing."""

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from memory.encoders.over import EncoderOver
from memory.encoders.port import Encoder, Encoding
from memory.errors import UnavailableError

# Indexing hands over this many texts at a time, so that a query never waits for more.
_SLICE = 8


@dataclass(slots=True)
class _Request:
    texts: list[str]
    done: Future[list[Encoding]] = field(default_factory=Future)


class SharedEncoder(EncoderOver):
    """An `Encoder` whose callers take turns on one thread.

    All queries that wait when a forward pass ends go into the next one together; texts sent with
    `encode_later` are taken only while no query waits.
    """

    def __init__(self, encoder: Encoder) -> None:
        super().__init__(encoder)
        self._queries: deque[_Request] = deque()
        self._rest: deque[_Request] = deque()
        self._wake = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="encoder", daemon=True)
        self._thread.start()

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """Return one encoding per text, before anything that can wait."""
        return self._submit(self._queries, list(texts)).result()

    def encode_later(self, texts: Sequence[str]) -> list[Encoding]:
        """Return one encoding per text, letting queries pass."""
        slices = [list(texts[i : i + _SLICE]) for i in range(0, len(texts), _SLICE)]
        waiting = [self._submit(self._rest, part) for part in slices]
        return [encoding for done in waiting for encoding in done.result()]

    @property
    def waiting(self) -> int:
        """Requests that no pass has taken yet."""
        return len(self._queries) + len(self._rest)

    def close(self) -> None:
        """Finish what is running, refuse what waits, stop the thread."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join()

    def _submit(self, queue: deque[_Request], texts: list[str]) -> Future[list[Encoding]]:
        request = _Request(texts)
        with self._wake:
            if self._closed:
                raise UnavailableError("the encoder is shutting down")
            queue.append(request)
            self._wake.notify()
        return request.done

    def _serve(self) -> None:
        while batch := self._next():
            texts = [text for request in batch for text in request.texts]
            try:
                encodings = self._encoder.encode(texts)
            except Exception as error:  # noqa: BLE001 - handed to every caller that waits for it
                for request in batch:
                    request.done.set_exception(error)
                continue
            start = 0
            for request in batch:
                end = start + len(request.texts)
                request.done.set_result(encodings[start:end])
                start = end

    def _next(self) -> list[_Request]:
        """Wait for work; return what goes into the next pass, nothing when closed."""
        with self._wake:
            while not (self._closed or self._queries or self._rest):
                self._wake.wait()
            if self._closed:
                for request in (*self._queries, *self._rest):
                    request.done.set_exception(UnavailableError("the encoder is shutting down"))
                return []
            if self._queries:
                batch = list(self._queries)
                self._queries.clear()
                return batch
            return [self._rest.popleft()]
