"""A small newsroom to report on: what each edit is, its position tells."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import NamedTuple
from uuid import UUID

from ledger import Ledger, Source

COURIER = Source("Courier", "https://courier.example/1")
MOVED = Source("Courier", "https://courier.example/2")
RADIO = Source("Coast & Radio", "https://radio.example/?a=1&b=2")


def day(number: int, month: int = 3) -> datetime:
    return datetime(2021, month, number, 8, tzinfo=UTC)


class Entries(NamedTuple):
    vote: UUID
    storm: UUID
    quiet: UUID


def fill(ledger: Ledger) -> Entries:
    """Store 13 events of 3 entries."""
    vote = ledger.create(  # 1
        date(2021, 3, 1),
        "Port Ellery votes by 7 to 5.",
        topic="Harbour",
        summary="The tide &lt; 4 metres.",
        sources=(COURIER,),
        contexts=("Port Ellery", "Ines Okafor"),
        actor="ana",
        published_at=day(1),
    ).entry
    storm = ledger.create(  # 2
        date(2021, 3, 2), "渡轮停航三天", edition="zh", actor="王", published_at=day(2)
    ).entry
    quiet = ledger.create(  # 3
        date(2021, 3, 2), "Gull lands", actor="ana", published_at=day(2)
    ).entry
    ledger.edit(  # 4: a number, corrected later
        vote, headline="Port Ellery votes by 8 to 5.", actor="ben", published_at=day(3), minor=True
    )
    ledger.correct(vote, "It was eight.", actor="desk", published_at=day(4))  # 5
    ledger.edit(vote, topic="Weather", actor="ben", published_at=day(5))  # 6
    ledger.edit(vote, topic="Harbour", actor="cy", published_at=day(6), reason="as it was")  # 7
    ledger.edit(  # 8: a name, in silence; sources
        vote,
        headline="Port Ellery votes by 8 to 5; Ines Okafor goes.",
        sources=(MOVED, RADIO),
        actor="ben",
        published_at=day(7),
    )
    ledger.edit(storm, headline="渡轮停航四天", actor="王", published_at=day(8))  # 9
    ledger.edit(  # 10: in silence, but no fact
        storm, headline="渡轮将停航四天", actor="cy", published_at=day(9, 4), minor=True
    )
    ledger.edit(vote, sources=(RADIO, MOVED), actor="cy", published_at=day(10, 4))  # 11: an order
    ledger.retract(quiet, actor="ana", published_at=day(11, 4))  # 12
    ledger.edit(vote, summary="Calm.", actor="ben", published_at=day(12, 4))  # 13
    return Entries(vote, storm, quiet)
