"""Plots as SVG: small, readable without a script, coloured by the page's style."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from math import log2

Point = tuple[float, float]

_LABEL_GAP = 14.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 116, 12, 42


@dataclass(slots=True)
class Axis:
    """A scale. ticks: value and what stands beside it. log: equal factors are equally far."""

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    title: str
    log: bool = False

    def share(self, value: float) -> float:
        """Return where a value lies, 0 to 1."""
        change: Callable[[float], float] = log2 if self.log else float
        low, high = change(self.low), change(self.high)
        return (change(value) - low) / (high - low) if high > low else 0.0


@dataclass(slots=True)
class Plot:
    """Lines, bands and dots over two axes; styles are CSS classes."""

    x: Axis
    y: Axis
    description: str
    width: int = 720
    height: int = 400
    right: int = _RIGHT
    _parts: list[str] = field(default_factory=list)
    _labels: list[tuple[float, str, str]] = field(default_factory=list)

    def band(self, lows: Sequence[Point], highs: Sequence[Point], style: str) -> None:
        """Fill between two lines."""
        points = " ".join(self._at(point) for point in [*lows, *reversed(highs)])
        self._parts.append(f'<polygon class="band {style}" points="{points}"/>')

    def line(self, points: Sequence[Point], style: str, title: str = "") -> None:
        """Draw a line through the points."""
        path = " ".join(self._at(point) for point in points)
        self._parts.append(
            f'<polyline class="line {style}" points="{path}"><title>{escape(title)}</title></polyline>'
        )

    def dots(self, points: Sequence[Point], style: str, titles: Sequence[str], radius: float = 3) -> None:
        """Draw a dot at each point; hovering shows its title."""
        for point, title in zip(points, titles, strict=True):
            cx, cy = self._at(point).split(",")
            self._parts.append(
                f'<circle class="dot {style}" cx="{cx}" cy="{cy}" r="{radius:.1f}">'
                f"<title>{escape(title)}</title></circle>"
            )

    def whisker(self, x: float, low: float, high: float, style: str) -> None:
        """Draw an interval at `x`."""
        self.line([(x, low), (x, high)], f"whisker {style}")

    def label(self, y: float, text: str, style: str) -> None:
        """Name a line at its right end; names that would overlap are moved apart."""
        self._labels.append((self._y(y), text, style))

    def render(self) -> str:
        """Return the SVG element."""
        return (
            f'<svg viewBox="0 0 {self.width} {self.height}" role="img" '
            f'xmlns="http://www.w3.org/2000/svg" aria-label="{escape(self.description)}">'
            f"{''.join(self._grid())}{''.join(self._parts)}{''.join(self._placed_labels())}</svg>"
        )

    def _grid(self) -> list[str]:
        bottom, right = self.height - _BOTTOM, self.width - self.right
        found = []
        for value, text in self.y.ticks:
            y = self._y(value)
            found.append(f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
            found.append(f'<text class="tick end" x="{_LEFT - 6}" y="{y + 4:.1f}">{escape(text)}</text>')
        for value, text in self.x.ticks:
            x = self._x(value)
            found.append(f'<text class="tick mid" x="{x:.1f}" y="{bottom + 18}">{escape(text)}</text>')
        middle = (_LEFT + right) / 2
        found.append(
            f'<text class="axis mid" x="{middle}" y="{self.height - 6}">{escape(self.x.title)}</text>'
        )
        found.append(f'<line class="base" x1="{_LEFT}" x2="{right}" y1="{bottom}" y2="{bottom}"/>')
        return found

    def _placed_labels(self) -> list[str]:
        at, found = float("-inf"), []
        for y, text, style in sorted(self._labels):
            at = max(y, at + _LABEL_GAP)
            x = self.width - self.right + 8
            found.append(f'<text class="label {style}" x="{x}" y="{at + 4:.1f}">{escape(text)}</text>')
        return found

    def _at(self, point: Point) -> str:
        return f"{self._x(point[0]):.1f},{self._y(point[1]):.1f}"

    def _x(self, value: float) -> float:
        return _LEFT + self.x.share(value) * (self.width - self.right - _LEFT)

    def _y(self, value: float) -> float:
        return self.height - _BOTTOM - self.y.share(value) * (self.height - _BOTTOM - _TOP)


def shares(title: str = "") -> Axis:
    """Return an axis from 0 to 1."""
    return Axis(0, 1, [(n / 5, f"{n * 20}%") for n in range(6)], title)
