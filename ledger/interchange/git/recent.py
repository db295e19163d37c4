"""A dictionary that forgets: however long a history is, what is kept of it stays as large."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

Name = TypeVar("Name")
Value = TypeVar("Value")


class Recent(OrderedDict[Name, Value]):
    """Keeps what was first put, or asked for, last.

    Args:
        most: How many at most.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def __getitem__(self, name: Name) -> Value:
        self.move_to_end(name)
        return super().__getitem__(name)

    def __setitem__(self, name: Name, value: Value) -> None:
        super().__setitem__(name, value)
        if len(self) > self._most:
            self.popitem(last=False)
