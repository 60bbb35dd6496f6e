"""Who asked lately, and whether there is room for what they ask: told from memory, without the ledger."""

from collections import OrderedDict
from hashlib import sha256

from api.access.admission import Admission
from api.access.caller import Caller

_REMEMBERED = 10_000
# What computes and hardly waits: two at once take as long as one after the other, in one interpreter.
_RECALLS = {"/v1/context", "/v1/search"}
# Requests of callers not seen before share one queue, however many names they make up.
STRANGER = ""


class Lobby:
    """Remembers callers by a hash of what they sent, and has a lane for each kind of work.

    It decides who is sent away; it lets nobody in. For the one thread of an event loop.
    """

    def __init__(self, *, recalls: Admission, others: Admission, strangers: Admission) -> None:
        """strangers: who is not known yet; they are asked for their credential apart from what is known."""
        self.strangers = strangers
        self._recalls, self._others = recalls, others
        self._seen: OrderedDict[bytes, Caller] = OrderedDict()

    @property
    def running(self) -> int:
        """How many known callers' requests are worked on."""
        return self._recalls.running + self._others.running

    @property
    def waiting(self) -> int:
        """How many of them wait."""
        return self._recalls.waiting + self._others.waiting

    def lane(self, path: str) -> Admission:
        """Return what hands out places for requests of a path."""
        return self._recalls if path in _RECALLS else self._others

    def check(self, path: str, sent: str | None) -> None:
        """Raise `OverloadedError` where a request with this credential would be sent away now."""
        caller = self.known(sent)
        if caller is None:
            self.strangers.check(STRANGER)
        else:
            self.lane(path).check(caller.tenant)

    def known(self, sent: str | None) -> Caller | None:
        """Return who sent this credential lately, None where nobody did."""
        return self._seen.get(_mark(sent))

    def remember(self, sent: str | None, caller: Caller) -> None:
        """Remember whose credential it is."""
        mark = _mark(sent)
        self._seen[mark] = caller
        self._seen.move_to_end(mark)
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)

    def forget(self, sent: str | None) -> None:
        """Forget it: it is nobody's."""
        self._seen.pop(_mark(sent), None)


def _mark(sent: str | None) -> bytes:
    return sha256((sent or "").encode("utf-8", "replace")).digest()
