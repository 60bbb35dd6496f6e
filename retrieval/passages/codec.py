"""Token vectors, small: projected to fewer dimensions, one byte a number."""

import hashlib
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from memory.encoders.port import Floats, unit
from memory.errors import SetupError

Codes = NDArray[np.int8]

_SCALE = 127.0


class TokenCodec:
    """Projects unit token vectors onto their main directions and keeps them as int8.

    The dot product of codes with a query scaled `for_codes` approximates the cosine. Directions come from a
    principal component analysis without centring (so that dot products are kept), fitted by
    `python -m eval.train.projection`.
    """

    def __init__(self, projection: Floats) -> None:
        """Take a float32 matrix (encoder dim, code dim) with orthonormal columns."""
        self._projection = projection
        self.encoder_dim, self.dim = (int(size) for size in projection.shape)
        digest = hashlib.sha256(np.ascontiguousarray(projection).tobytes()).hexdigest()
        self.id = f"pca{self.dim}-int8/{digest[:8]}"

    def project(self, tokens: Floats) -> Floats:
        """Return float32 (n, code dim), unit length: the query's side of a comparison."""
        return unit(tokens @ self._projection)

    def encode(self, tokens: Floats) -> Codes:
        """Return int8 (n, code dim): the stored side."""
        codes: Codes = np.rint(self.project(tokens) * _SCALE).astype(np.int8)
        return codes

    @staticmethod
    def for_codes(projected: Floats) -> Floats:
        """Return projected vectors scaled so that their dot product with raw codes approximates a cosine.

        It is cheaper to scale a query's few tokens than to decode the many that they are compared with.
        """
        scaled: Floats = projected / np.float32(_SCALE)
        return scaled


def default_codec(encoder_dim: int) -> TokenCodec:
    """Return the shipped codec, or for another dimension a fixed random projection.

    A random projection keeps dot products on average (Johnson and Lindenstrauss 1984); it is worse
    than a fitted one, and good enough for an encoder that nobody has fitted one for.
    """
    shipped = shipped_projection()
    if shipped.shape[0] == encoder_dim:
        return TokenCodec(shipped)
    width = min(encoder_dim, shipped.shape[1])
    drawn = np.random.default_rng(0).standard_normal((encoder_dim, width))
    return TokenCodec(np.linalg.qr(drawn)[0].astype(np.float32))


def shipped_projection() -> Floats:
    """Return the fitted projection, float32 (384, 96)."""
    path = files("retrieval") / "models" / "projection.npy"
    try:
        with path.open("rb") as file:
            loaded: NDArray[np.float16] = np.load(file, allow_pickle=False)
    except OSError as error:
        raise SetupError("retrieval/models/projection.npy is missing; reinstall satchel") from error
    return loaded.astype(np.float32)
