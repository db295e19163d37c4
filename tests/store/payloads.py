"""What events say, generated: every type, every field."""

from __future__ import annotations

from datetime import UTC

from hypothesis import strategies as st
from msgspec import UNSET

from ledger.domain.events import (
    CorrectionPublished,
    EntryCreated,
    EntryEdited,
    EntryErased,
    EntryMerged,
    EntryReinstated,
    EntryRestated,
    EntryRetracted,
    Meta,
    Remains,
)
from ledger.domain.values import Layout, Source

texts = st.text(max_size=40)
times = st.datetimes(timezones=st.just(UTC))
sources = st.lists(st.builds(Source, texts, texts, st.none() | texts), max_size=3).map(tuple)
names = st.lists(texts, max_size=3).map(tuple)
layouts = st.builds(
    Layout, st.sampled_from(["current", "older", "archive"]), st.none() | texts, st.none() | texts
)
optional = st.none() | texts
metas = st.builds(
    Meta,
    actor=texts,
    published_at=times,
    command=st.uuids(),
    basis=st.sampled_from(["stated", "listed", "commit", "inferred"]),
    reason=optional,
    minor=st.booleans(),
)
created = st.builds(
    EntryCreated,
    date=st.dates(),
    headline=texts,
    slug=texts,
    edition=texts,
    language=texts,
    topic=optional,
    summary=optional,
    sources=sources,
    cover_image=optional,
    contexts=names,
    layout=layouts,
    inferred=names,
    origin=optional,
)
unset = st.just(UNSET)
edited = st.builds(
    EntryEdited,
    date=unset | st.dates(),
    headline=unset | texts,
    slug=unset | texts,
    topic=unset | optional,
    summary=unset | optional,
    sources=unset | sources,
    cover_image=unset | optional,
    contexts=unset | names,
    language=unset | texts,
    edition=unset | texts,
    layout=unset | layouts,
    reverts_to=st.none() | st.integers(1, 2**40),
    inferred=unset | names,
    origin=optional,
)
kinds = st.sampled_from(["correction", "clarification", "update", "editors-note"])
remains = st.builds(
    Remains,
    version=st.integers(1, 2**40),
    stays=edited,
    gone=names,
    kind=st.none() | kinds,
    into=st.none() | st.uuids(),
    meta=st.none() | metas,
)
others = st.one_of(
    st.builds(EntryRetracted, origin=optional, digest=st.binary()),
    st.builds(EntryReinstated, origin=optional),
    st.builds(EntryMerged, into=st.uuids(), origin=optional),
    st.builds(
        CorrectionPublished,
        kind=kinds,
        text=texts,
        origin=optional,
    ),
    st.builds(EntryErased, authority=texts, blanked=names),
    st.builds(EntryRestated, versions=st.lists(remains, max_size=3).map(tuple)),
)
