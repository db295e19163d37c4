"""Where the views of a log in a file lie."""

from __future__ import annotations

from pathlib import Path

from ledger.projections.sqlite.place import FilePlace


def views_folder(log: Path) -> Path:
    return FilePlace.beside(log).folder
