"""How results are shown: tables and colors for people, plain text and JSON for programs."""

from __future__ import annotations

import re
import sys
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])

Row = Sequence[object]

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def format_option(*choices: str, text: str = "How to show it.") -> Callable[[Function], Function]:
    """Add `--format` with these choices, of which the first is usual."""
    return click.option(
        "--format",
        "format_",
        type=click.Choice(choices),
        default=choices[0],
        show_default=True,
        help=text,
    )


list_format_option = format_option("table", "json", "jsonl")


def show_list(
    format_: str,
    columns: Sequence[str],
    items: Iterable[Any],
    to_row: Callable[[Any], Row],
    to_record: Callable[[Any], object] = lambda item: item,
) -> None:
    """Print a list.

    Args:
        format_: table, json (one array) or jsonl (an object a line, as they come).
        columns: The table's headings.
        items: What to list.
        to_row: Makes an item's cells, one for each column.
        to_record: Makes what JSON shows of an item.
    """
    # Imported here: `--help` and completion need none of it.
    import msgspec

    if format_ == "jsonl":
        for item in items:
            click.echo(msgspec.json.encode(to_record(item)))
    elif format_ == "json":
        show_object([to_record(item) for item in items])
    else:
        show_table(columns, map(to_row, items))


def show_object(value: object) -> None:
    """Print one JSON object."""
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))


def show_table(columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Print a table: fitted to the window on a terminal, whole and aligned elsewhere."""
    texts = [[plain(value) for value in row] for row in rows]
    if is_terminal() and _show_rich(columns, texts):
        return
    if not texts:
        return
    table = [list(columns), *texts]
    widths = [max(map(_width, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = (cell + " " * (w - _width(cell)) for cell, w in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def _show_rich(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    try:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError:
        return False
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)
    return True


def plain(value: object) -> str:
    """Return a value as text that does not drive a terminal, whatever an entry says."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return show_time(value)
    return _CONTROLS.sub("\ufffd", str(value))


def _width(text: str) -> int:
    """Return how many cells of a terminal a text takes."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def is_terminal() -> bool:
    """Return whether a person reads the output; there may be none at all."""
    return sys.stdout is not None and sys.stdout.isatty()


def show_time(moment: datetime) -> str:
    """Return a UTC time as published pages write it; with the fraction, where there is one.

    So what is shown can be given back to `--as-of` and `--known-at`.
    """
    return moment.replace(tzinfo=None).isoformat(" ")


def show_published(moment: datetime, basis: str) -> str:
    """Return a time of publication, marked where an import had to assume it."""
    return show_time(moment) + (" (inferred)" if basis == "inferred" else "")


@contextmanager
def progress(label: str, unit: str) -> Iterator[Callable[[int, int], None] | None]:
    """Lend something to tell progress to: a bar on a terminal, None elsewhere.

    The bar shows how many of the unit are done, how many a second, and the time left.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    began = time.monotonic()
    rate: Callable[[str | None], str] = lambda text: text or ""  # noqa: E731
    with click.progressbar(
        length=1, label=label, file=sys.stderr, show_pos=True, item_show_func=rate
    ) as bar:

        def tell(done: int, total: int) -> None:
            bar.length = max(total, 1)
            seconds = max(time.monotonic() - began, 1e-9)
            bar.update(done - bar.pos, f"{done / seconds:,.0f} {unit}/s")

        yield tell
