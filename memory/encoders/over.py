"""What every encoder that stands before another one says of itself: what that one says."""

from memory.encoders.port import Encoder


class EncoderOver:
    """Base of encoders that share, keep or put together what another one makes."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    @property
    def id(self) -> str:
        """As in `Encoder`."""
        return self._encoder.id

    @property
    def dim(self) -> int:
        """As in `Encoder`."""
        return self._encoder.dim

    @property
    def max_pieces(self) -> int:
        """As in `Encoder`."""
        return self._encoder.max_pieces
