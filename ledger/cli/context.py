"""What every command is given: the store to open, and who is asking."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ledger.cli.times import moment, moment_or_position
from ledger.errors import InvalidInput, InvalidStoreURL

if TYPE_CHECKING:
    from ledger.ledger import Ledger
    from ledger.options import CommandOptions

Function = TypeVar("Function", bound=Callable[..., Any])


class App:
    """The settings of one run.

    Args:
        store: The store's URL.
        actor: Who is asking; None: the login name.
        debug: Whether errors show where they come from.
    """

    def __init__(self, store: str, actor: str | None, debug: bool) -> None:
        self.store = store
        self.debug = debug
        self._actor = actor

    def open(self) -> Ledger:
        """Open the ledger; use it as a context manager."""
        # Imported here: `--help` and completion need none of it.
        from ledger.ledger import Ledger

        if not self.store:
            raise InvalidStoreURL("the store is empty; write it as sqlite:///news.db")
        return Ledger.open(self.store)

    @property
    def actor(self) -> str:
        """Who is asking.

        Raises:
            InvalidInput: Nobody said, and the login name is not known.
        """
        if self._actor is not None:
            return self._actor
        import getpass

        try:
            return getpass.getuser()
        except (KeyError, OSError):
            raise InvalidInput("say who you are, with --actor or LEDGER_ACTOR") from None


pass_app = click.make_pass_decorator(App)

entry_argument = click.argument("entry")


def command_options(function: Function) -> Function:
    """Add the options that every command which writes takes."""
    for option in reversed(
        (
            click.option("--reason", metavar="TEXT", help="Why."),
            click.option("--minor", is_flag=True, help="Mark it as a minor edit."),
            click.option(
                "--published-at",
                type=moment,
                metavar="TIME",
                help="When it became public.  [default: now]",
            ),
            click.option(
                "--command-id",
                type=click.UUID,
                metavar="UUID",
                help="Give a command that may be repeated the same id: it is stored once.",
            ),
        )
    ):
        function = option(function)
    return function


def expected_version_option(function: Function) -> Function:
    """Add `--expect-version`."""
    return click.option(
        "--expect-version",
        type=click.IntRange(min=1),
        metavar="N",
        help="Refuse if the entry has moved on from this version.",
    )(function)


def moment_options(function: Function) -> Function:
    """Add `--as-of` and `--known-at`; the command gets them as the facade takes them."""
    for name, text in (("--known-at", "the ledger knew"), ("--as-of", "was public")):
        option = click.option(
            name, type=moment_or_position, metavar="TIME", help=f"What {text} at that time."
        )
        function = option(function)
    return function


def to_options(app: App, given: dict[str, Any]) -> CommandOptions:
    """Take the common options out of `given`, and return them as the facade takes them."""
    options: CommandOptions = {
        "actor": app.actor,
        "reason": given.pop("reason"),
        "minor": given.pop("minor"),
        "published_at": given.pop("published_at"),
    }
    if (command_id := given.pop("command_id")) is not None:
        options["id"] = command_id
    if (expected := given.pop("expect_version", None)) is not None:
        options["expected_version"] = expected
    return options
