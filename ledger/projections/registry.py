"""Which read models there are: those of `ledger`, and those of the services that embed it."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from typing import cast

from ledger.errors import InvalidInput
from ledger.projections.activity import Activity
from ledger.projections.changes import Changes
from ledger.projections.contexts import Contexts
from ledger.projections.current import Current
from ledger.projections.days import Days
from ledger.projections.permalinks import Permalinks
from ledger.projections.projection import Projection
from ledger.projections.search import Search
from ledger.projections.tree import Tree

BUILT_IN: tuple[Projection, ...] = (
    Current(),
    Changes(),
    Permalinks(),
    Days(),
    Contexts(),
    Search(),
    Activity(),
    Tree(),
)

ENTRY_POINTS = "ledger.projections"
"""The entry point group of installed read models: each names a `Projection` class."""

_log = logging.getLogger("ledger")

_OURS = ("generation", "projections")


class Registry:
    """The read models of one ledger.

    Args:
        read_models: Those to begin with.

    Attributes:
        broken: Those that installed packages bring and that cannot be used, with the reason.
    """

    def __init__(self, read_models: Iterable[Projection] = BUILT_IN) -> None:
        self._models = {model.name: model for model in read_models}
        self._chosen: dict[tuple[str, ...], tuple[Projection, ...]] = {}
        self._discovered = False
        self.broken: dict[str, str] = {}

    def add(self, model: Projection) -> None:
        """Add a read model.

        Raises:
            InvalidInput: It is not declared as it must be, or another has its name or a table.
        """
        if not isinstance(cast("object", model), Projection):
            raise InvalidInput(f"{model!r} is no Projection")
        model.check()
        other = self._models.get(model.name)
        if type(other) is type(model):
            return
        if other is not None:
            raise InvalidInput(f"two projections are called {model.name}")
        taken = {table for known in self._models.values() for table in known.tables} | {*_OURS}
        for table in model.tables:
            if table in taken:
                raise InvalidInput(f"the projection {model.name} wants {table}, which is taken")
        self._models[model.name] = model
        self._chosen = {}

    def discover(self) -> None:
        """Add the read models that installed packages bring, once.

        One that cannot be used is left out, with a warning.
        """
        if self._discovered:
            return
        self._discovered = True
        # Imported here: it takes longer than a read does.
        from importlib.metadata import entry_points

        for point in entry_points(group=ENTRY_POINTS):
            try:
                self.add(point.load()())
            except Exception as error:  # noqa: BLE001 - whatever it raises, the others go on
                self.broken[point.name] = f"{point.value} cannot be used: {error}"
                self._chosen = {}
                _log.warning("the projection %s of %s", point.name, self.broken[point.name])

    def all(self) -> tuple[Projection, ...]:
        """Return all read models known so far."""
        return tuple(self._models.values())

    def chosen(self, names: Collection[str]) -> tuple[Projection, ...]:
        """Return the read models of these names, in the usual order; all where there are none.

        Raises:
            InvalidInput: No read model is called so.
        """
        # Every read chooses, and most of them the same.
        chosen, key = self._chosen, tuple(names)
        if key not in chosen:
            chosen[key] = self._choose(key)
        return chosen[key]

    def _choose(self, names: tuple[str, ...]) -> tuple[Projection, ...]:
        if not names or not self._models.keys() >= set(names):
            self.discover()
        for name in names:
            if name in self.broken:
                raise InvalidInput(f"the projection {name} of {self.broken[name]}")
            if name not in self._models:
                known = ", ".join(self._models)
                raise InvalidInput(f"no projection is called {name!r}; there are: {known}")
        return tuple(model for model in self.all() if not names or model.name in names)
