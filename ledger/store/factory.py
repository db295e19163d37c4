"""How the `eventsourcing` library makes what it needs of one of our stores."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from eventsourcing.persistence import (
    AggregateRecorder,
    InfrastructureFactory,
    InfrastructureFactoryError,
    Mapper,
    ProcessRecorder,
    TrackingRecorder,
)

from ledger.store.log import LogRecorder
from ledger.store.mapper import EventMapper
from ledger.store.urls import DEFAULT_URL


class LogFactory(InfrastructureFactory[TrackingRecorder]):
    """Makes recorder and mapper from the environment variable `LEDGER_STORE`."""

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        self._recorders: list[LogRecorder] = []

    @abstractmethod
    def recorder(self, url: str) -> LogRecorder:
        """Return a recorder of the store that a URL names."""

    def application_recorder(self) -> LogRecorder:
        """Return a recorder of the store that the environment names."""
        recorder = self.recorder(self.env.get("LEDGER_STORE") or DEFAULT_URL)
        self._recorders.append(recorder)
        return recorder

    def mapper(self, *_args: Any, **_kwargs: Any) -> Mapper[Any]:
        """Return the mapper; transcoders, ciphers and compressors have no place in it."""
        return EventMapper()

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        """Return a recorder of events; the log has no snapshots."""
        if purpose != "events":
            raise InfrastructureFactoryError("a ledger keeps no snapshots")
        return self.application_recorder()

    def tracking_recorder(self, *_args: Any, **_kwargs: Any) -> Any:
        """Refuse: positions are tracked beside the views, by `ledger.projections`."""
        raise InfrastructureFactoryError("use ledger.projections to track positions")

    def process_recorder(self) -> ProcessRecorder:
        """Refuse: views live apart from the log."""
        raise InfrastructureFactoryError("use ledger.projections to process events")

    def close(self) -> None:
        """Close the recorders that this factory made."""
        for recorder in self._recorders:
            recorder.close()
