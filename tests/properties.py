"""Properties that hold on both kinds of store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.stores import Store

Test = Callable[[Store], None]


def on_both(
    examples: int, *strategies: st.SearchStrategy[Any], few: int = 8
) -> Callable[[Callable[..., None]], Test]:
    """Let a test that takes a store, and what is drawn, run on both kinds of store.

    Args:
        examples: How many examples are drawn on SQLite.
        strategies: What is drawn for each argument after the store.
        few: How many examples are drawn on PostgreSQL, where each costs a schema of its own.
    """

    def decorate(check: Callable[..., None]) -> Test:
        def test(store: Store) -> None:
            def example(drawn: tuple[Any, ...]) -> None:
                check(store, *drawn)

            # By its name, what failed is tried first the next time.
            example.__name__ = check.__name__
            number = examples if store.kind == "sqlite" else few
            limited = settings(deadline=None, max_examples=number)
            limited(given(st.tuples(*strategies))(example))()

        test.__name__ = check.__name__
        test.__module__ = check.__module__
        return test

    return decorate
