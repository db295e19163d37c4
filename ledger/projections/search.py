"""Full-text search of headline, topic, summary and sources, in every version ever published."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from uuid import UUID

import msgspec
from msgspec import UNSET

from ledger.domain.events import EntryCreated, EntryEdited, EventData, RecordedEvent
from ledger.domain.values import Source
from ledger.projections.database import Db, ViewsDb, select_among
from ledger.projections.moments import NOW, Moment, begun, held
from ledger.projections.projection import Projection, known_before
from ledger.projections.tokens import Term, terms, tokens

FIELDS = ("headline", "topic", "summary", "sources")
_NOTHING = (UNSET,) * len(FIELDS)


class Hit(msgspec.Struct, frozen=True):
    """A version that holds what was searched for: the first one with this text."""

    entry: UUID
    version: int


class Search(Projection):
    """Indexes each version whose text differs from the one before.

    The index is over tokens that come ready made. SQLite's FTS5 has only to part them at spaces,
    and keeps no text of its own. PostgreSQL's full text finds the documents that hold all tokens;
    whether they follow each other is looked up in the tokens themselves, because its positions
    end at 16,383, and at 256 for one token, and its vectors at a megabyte (PostgreSQL, 12.11).
    """

    name = "search"
    schema = 2
    ddl = (
        """
        CREATE TABLE documents (
            position INTEGER PRIMARY KEY,
            entry BLOB NOT NULL,
            since INTEGER NOT NULL,
            until INTEGER
        ) STRICT
        """,
        "CREATE INDEX documents_by_entry ON documents (entry) WHERE until IS NULL",
        """
        CREATE TABLE texts (
            entry BLOB PRIMARY KEY,
            headline TEXT NOT NULL,
            topic TEXT NOT NULL,
            summary TEXT NOT NULL,
            sources TEXT NOT NULL
        ) STRICT
        """,
        """
        CREATE VIRTUAL TABLE words USING fts5 (
            headline, topic, summary, sources, content = '', tokenize = 'ascii'
        )
        """,
        "CREATE VIRTUAL TABLE words_held USING fts5vocab (words, instance)",
    )
    tables = {
        "documents": "position, entry, since, until",
        "texts": "entry, headline, topic, summary, sources",
    }
    indexes = {"words_held": 'term, doc, col, "offset"'}
    postgres_ddl = (
        *ddl[:3],
        """
        CREATE TABLE words (
            rowid INTEGER PRIMARY KEY,
            headline TEXT NOT NULL,
            topic TEXT NOT NULL,
            summary TEXT NOT NULL,
            sources TEXT NOT NULL,
            lexemes TSVECTOR GENERATED ALWAYS AS (
                CASE WHEN octet_length(concat_tokens) < 1000000 THEN
                    array_to_tsvector(array_remove(string_to_array(concat_tokens, ' '), ''))
                END
            ) STORED
        )
        """.replace("concat_tokens", " || ' ' || ".join(FIELDS)),
        "CREATE INDEX words_by_lexeme ON words USING gin (lexemes)",
        "CREATE INDEX words_too_long ON words (rowid) WHERE lexemes IS NULL",
        """
        CREATE VIEW words_held AS
        SELECT term COLLATE "C" AS term, rowid AS doc, col COLLATE "C" AS col, at - 1 AS "offset"
        FROM words
        CROSS JOIN LATERAL (VALUES
            ('headline', headline), ('topic', topic), ('summary', summary), ('sources', sources)
        ) AS fields (col, tokens)
        CROSS JOIN LATERAL unnest(string_to_array(tokens, ' ')) WITH ORDINALITY AS held (term, at)
        """,
    )
    postgres_indexes = indexes

    def apply(self, events: Sequence[RecordedEvent], db: Db) -> None:
        """Add a document for each event that changed a text."""
        saying = [(event, data) for event in events if (data := _saying(event.data))]
        rows = select_among(
            db,
            "SELECT entry, position, since, headline, topic, summary, sources "
            "FROM texts JOIN documents USING (entry) WHERE until IS NULL AND entry IN (?)",
            known_before([event for event, _ in saying]),
        )
        texts: dict[bytes, tuple[str, ...]] = {}
        shown: defaultdict[bytes, list[tuple[int, int]]] = defaultdict(list)
        for entry, position, since, *said in rows:
            texts[entry] = tuple(said)
            shown[entry].append((position, since))
        documents: dict[int, tuple[int, bytes, int, int | None]] = {}
        words = []
        # An edit leaves most texts as they were. Kept for one batch: what is erased must be gone.
        joined = cache(lambda text: " ".join(tokens(text)))
        for event, data in saying:
            entry = event.entry.bytes
            if isinstance(data, EntryCreated):
                after = _texts(("", "", "", ""), data)
            else:
                after = _texts(texts[entry], data)
                if after == texts[entry]:
                    continue
                for position, since in shown.pop(entry):
                    documents[position] = (position, entry, since, event.version)
            texts[entry] = after
            shown[entry].append((event.position, event.version))
            documents[event.position] = (event.position, entry, event.version, None)
            words.append((event.position, *map(joined, after)))
        db.executemany(
            "INSERT INTO documents VALUES (?, ?, ?, ?) "
            "ON CONFLICT (position) DO UPDATE SET until = excluded.until",
            documents.values(),
        )
        db.executemany(
            "INSERT INTO texts VALUES (?, ?, ?, ?, ?) ON CONFLICT (entry) DO UPDATE SET "
            "headline = excluded.headline, topic = excluded.topic, summary = excluded.summary, "
            "sources = excluded.sources",
            [(entry, *said) for entry, said in texts.items()],
        )
        db.executemany(
            "INSERT INTO words (rowid, headline, topic, summary, sources) VALUES (?, ?, ?, ?, ?)",
            words,
        )


def _saying(data: EventData) -> EntryCreated | EntryEdited | None:
    """Return the data of an event if it sets any of `FIELDS`."""
    if isinstance(data, EntryEdited):
        said = (data.headline, data.topic, data.summary, data.sources)
        return None if said == _NOTHING else data
    return data if isinstance(data, EntryCreated) else None


def _texts(before: tuple[str, ...], data: EntryCreated | EntryEdited) -> tuple[str, ...]:
    """Return the texts of an entry after an event, in the order of `FIELDS`."""
    headline, topic, summary, sources = before
    return (
        headline if data.headline is UNSET else data.headline,
        topic if data.topic is UNSET else data.topic or "",
        summary if data.summary is UNSET else data.summary or "",
        sources if data.sources is UNSET else _sources(data.sources),
    )


def _sources(sources: tuple[Source, ...]) -> str:
    return " / ".join(f"{source.name} {source.url}" for source in sources)


def search(
    db: ViewsDb, query: str, moment: Moment = NOW, *, all_versions: bool = False
) -> list[Hit]:
    """Return the versions that hold everything a query asks for, by entry, then by version.

    Args:
        db: The views.
        query: See `tokens.terms`.
        moment: Which versions count: those that entries had at this moment.
        all_versions: Those that they had before, too.
    """
    wanted = terms(query)
    if not wanted:
        return []
    condition, parameters = (_in_postgres if db.is_postgres else _in_sqlite)(wanted)
    when = (begun if all_versions else held)("documents", moment)
    rows = db.execute(
        "SELECT entry, since FROM documents WHERE position IN "
        f"(SELECT rowid FROM words WHERE {condition}) AND {when} ORDER BY entry, since",
        parameters | moment.parameters,
    )
    return [Hit(UUID(bytes=entry), version) for entry, version in rows]


def _in_sqlite(wanted: Sequence[Term]) -> tuple[str, dict[str, object]]:
    """Return the condition on `words` that they hold all this, and its parameters."""
    match = " AND ".join(
        f'"{" ".join(sequence)}"' + (" *" if is_prefix else "") for sequence, is_prefix in wanted
    )
    return "words MATCH :match", {"match": match}


def _in_postgres(wanted: Sequence[Term]) -> tuple[str, dict[str, object]]:
    """Return the condition on `words` that they hold all this, and its parameters."""
    lexemes = " & ".join(
        f"'{token}'" + (":*" if is_prefix and token is sequence[-1] else "")
        for sequence, is_prefix in wanted
        for token in sequence
    )
    # What is too long to have lexemes is looked through.
    conditions = ["(lexemes @@ CAST(:lexemes AS tsquery) OR lexemes IS NULL)"]
    parameters = {"lexemes": lexemes}
    for number, (sequence, is_prefix) in enumerate(wanted):
        parameters[f"phrase{number}"] = f" {' '.join(sequence)}" + ("" if is_prefix else " ")
        fields = (f"strpos(' ' || {field} || ' ', :phrase{number}) > 0" for field in FIELDS)
        conditions.append(f"({' OR '.join(fields)})")
    return " AND ".join(conditions), {**parameters}
