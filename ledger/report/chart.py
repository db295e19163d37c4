"""The chart of activity over time, as SVG within a page; its colours are the page's."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from ledger.report.bars import height, name_of, told
from ledger.report.model import Activity, Bar

WIDTH, HEIGHT = 760, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 752, 14, 218
_MOST_NAMES = 8
_TICKS = 4


def svg(activity: Activity, caption: str) -> str:
    """Return the chart as an `svg` element, with a title and a description."""
    first, last = activity.bars[0], activity.bars[-1]
    span = [name_of(bar.start, activity.period) for bar in (first, last)]
    created = sum(bar.created for bar in activity.bars)
    edits = sum(bar.edits for bar in activity.bars)
    description = f"{created:,} created and {edits:,} edits, from {span[0]} to {span[1]}."
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'aria-labelledby="chart-title chart-description">'
        f'<title id="chart-title">{escape(caption)}</title>'
        f'<desc id="chart-description">{escape(description)}</desc>'
        f"{''.join(_parts(activity))}</svg>"
    )


def _parts(activity: Activity) -> Iterator[str]:
    step = _step(height(activity))
    top = -(-height(activity) // step) * step
    scale = (_BOTTOM - _TOP) / top
    for number in range(0, top + 1, step):
        y = _BOTTOM - number * scale
        yield f'<line class="grid" x1="{_LEFT}" x2="{_RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="y" x="{_LEFT - 6}" y="{y + 4:.1f}">{number:,}</text>'
    room = (_RIGHT - _LEFT) / len(activity.bars)
    width = min(room * 0.78, 40)
    every = -(-len(activity.bars) // _MOST_NAMES)
    for index, bar in enumerate(activity.bars):
        middle = _LEFT + room * (index + 0.5)
        yield from _bar(bar, middle - width / 2, width, scale, told(bar, activity.period))
        if index % every == 0:
            name = name_of(bar.start, activity.period)
            yield f'<text class="x" x="{middle:.1f}" y="{_BOTTOM + 20}">{name}</text>'


def _bar(bar: Bar, x: float, width: float, scale: float, said: str) -> Iterator[str]:
    yield f"<g><title>{escape(said)}</title>"
    base = float(_BOTTOM)
    for kind, number in (("created", bar.created), ("edits", bar.edits)):
        if number:
            base -= number * scale
            yield (
                f'<rect class="{kind}" x="{x:.1f}" y="{base:.1f}" width="{width:.1f}" '
                f'height="{number * scale:.1f}"/>'
            )
    yield "</g>"


def _step(most: int) -> int:
    """Return a round distance between the lines of the grid: 1, 2 or 5, and zeros."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if step * factor * _TICKS >= most:
                return step * factor
        step *= 10
