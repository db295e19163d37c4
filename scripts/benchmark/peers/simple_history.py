"""django-simple-history: a model with `HistoricalRecords`, and its bulk functions."""

from __future__ import annotations

from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

import django
from django.conf import settings
from django.db import connection, models, transaction

from benchmark.contestant import Contestant, cannot, checkpointed, settings_of
from benchmark.peers.layers import layers
from benchmark.workload import Change

FIELDS = ("actor", "headline", "summary", "sources", "contexts")


class SimpleHistory(Contestant):
    """django-simple-history on SQLite."""

    name = "django-simple-history"
    fewer: ClassVar[dict[str, int]] = {"append": 50, "changes": 250, "as_of": 100}

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        settings.configure(
            INSTALLED_APPS=["simple_history", "benchmark.peers"],
            DATABASES={
                "default": {
                    "ENGINE": "django.db.backends.sqlite3",
                    "NAME": str(folder / "news.db"),
                    "OPTIONS": {
                        "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"
                    },
                }
            },
            USE_TZ=True,
        )
        django.setup()
        self._entry, bulk = _model()
        self._bulk_create, self._bulk_update = bulk
        with connection.schema_editor() as editor:
            editor.create_model(self._entry)
            editor.create_model(self._entry.history.model)

    def about(self) -> str:
        """Return versions and settings."""
        connection.ensure_connection()
        return (
            f"django-simple-history {version('django-simple-history')}, "
            f"Django {django.__version__}, {settings_of(connection.connection)}"
        )

    def close(self) -> None:
        """Close the connection."""
        connection.close()

    # Writing

    def load(self, prepared: list[Change]) -> None:
        """Create and update in bulk, with history, no object twice in a call."""
        with transaction.atomic():
            for layer in layers(prepared):
                fresh = [self._created(change) for change in layer if change.new is not None]
                edits = [change for change in layer if change.new is None]
                if fresh:
                    self._bulk_create(fresh, self._entry, batch_size=500)
                if edits:
                    found = self._entry.objects.in_bulk([change.entry + 1 for change in edits])
                    objects = [self._edited(found[change.entry + 1], change) for change in edits]
                    self._bulk_update(objects, self._entry, FIELDS, batch_size=100)

    def append(self, change: Change) -> None:
        """Save an object: it, and its history, in one transaction."""
        with transaction.atomic():
            if change.new is not None:
                self._created(change).save(force_insert=True)
            else:
                self._edited(self._entry.objects.get(pk=change.entry + 1), change).save()

    append_beside = cannot

    def settle(self) -> None:
        """Nothing is behind."""

    def _created(self, change: Change) -> Any:
        assert change.new is not None
        entry = self._entry(pk=change.entry + 1, actor=change.actor, **change.new._asdict())
        entry._history_date = change.at
        return entry

    @staticmethod
    def _edited(entry: Any, change: Change) -> Any:
        entry.actor = change.actor
        for name, value in change.edited.items():
            setattr(entry, name, value)
        entry._history_date = change.at
        return entry

    # Reading

    def current(self, entry: int) -> Any:
        """Get the object."""
        return self._entry.objects.get(pk=entry + 1)

    def changes(self, entry: int) -> list[Any]:
        """Go through the history, and leave out what kept its headline."""
        found = list(self._entry.history.filter(id=entry + 1).order_by("history_id"))
        return [
            (number, each)
            for number, each in enumerate(found, 1)
            if number == 1 or each.headline != found[number - 2].headline
        ]

    def as_of(self, entry: int, at: datetime) -> Any:
        """Ask the history."""
        return self._entry.history.as_of(at).get(pk=entry + 1)

    by_path = search = current_in_view = changes_in_view = path = cannot

    # Upkeep

    rebuild = rebuild_all = verify = cannot

    def size(self) -> int:
        """Return the bytes of the file."""
        return checkpointed(self.folder / "news.db")

    # What answers say

    def said(self, version: Any) -> tuple[object, ...]:
        """Return the fields."""
        sources = tuple(map(tuple, version.sources))
        return version.headline, version.summary, sources, tuple(version.contexts)

    def listed(self, changes: list[Any]) -> list[tuple[int, datetime, str]]:
        """Return the lines."""
        return [(number, each.history_date, each.headline) for number, each in changes]


def _model() -> tuple[Any, tuple[Any, Any]]:
    # Models can be declared only once Django is set up, and so can what works on them.
    from simple_history.models import HistoricalRecords
    from simple_history.utils import bulk_create_with_history, bulk_update_with_history

    class Entry(models.Model):
        actor = models.TextField()
        day = models.DateField()
        headline = models.TextField()
        summary = models.TextField()
        topic = models.TextField()
        sources = models.JSONField()
        contexts = models.JSONField()
        history = HistoricalRecords(history_user_id_field=models.IntegerField(null=True))

        class Meta:
            app_label = "peers"

    return Entry, (bulk_create_with_history, bulk_update_with_history)
