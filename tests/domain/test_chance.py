from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger.domain.chance import SIZE, random_bytes, random_id


def test_nobody_is_given_what_another_was() -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: random_bytes(), range(5000)))
    assert len(set(found)) == 5000
    assert {len(one) for one in found} == {SIZE}
    assert [len(random_bytes(size)) for size in (0, 1, 40)] == [0, 1, 40]


def test_a_random_id_says_that_it_is_one() -> None:
    ids = {random_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert {(one.version, one.variant) for one in ids} == {(4, "specified in RFC 4122")}


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_is_given_others() -> None:
    random_bytes()
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    child = context.Process(target=lambda: theirs.send([random_bytes() for _ in range(300)]))
    child.start()
    found = ours.recv()
    child.join()
    assert not {random_bytes() for _ in range(300)} & set(found)
