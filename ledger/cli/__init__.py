"""The command line: parse, call the facade, print."""

from __future__ import annotations

import gc
import io
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module

import click

from ledger import __version__
from ledger.cli.context import App
from ledger.errors import LedgerError
from ledger.store.urls import DEFAULT_URL

USAGE_STATUS = 2
UNEXPECTED_STATUS = 1
OUTPUT_STATUS = 74
INTERRUPTED_STATUS = 130
BROKEN_PIPE_STATUS = 141


HOMES = {
    "write": ("init", "add", "edit", "revert", "retract", "reinstate", "correct", "merge"),
    "read": ("show", "changes", "diff", "blame", "list"),
    "lists": ("day", "related", "search", "contexts", "activity", "silent-edits"),
    "history": ("log", "replay"),
    "imports": ("import",),
    "exports": ("export",),
    "audit": ("audit",),
    "erase": ("erase", "purge"),
    "upkeep": ("projections", "project", "rebuild", "upgrade"),
    "operate": ("copy", "promote", "doctor", "backup"),
}
"""Module to the commands that it has."""


class Commands(click.Group):
    """Commands that are imported when they are called: a short run is mostly imports."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of a name; None where there is none."""
        for home, names in HOMES.items():
            if cmd_name in names:
                self._import(home)
                return self.commands[cmd_name]
        # Whoever is told so is told of those that there are.
        self.list_commands(ctx)
        return None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        for home in HOMES:
            self._import(home)
        return super().list_commands(ctx)

    def _import(self, home: str) -> None:
        for command in import_module(f"ledger.cli.{home}").COMMANDS:
            self.add_command(command)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="ENTRY is an id, the beginning of one that no other entry has, or a permalink with or "
    "without extension. TIME is ISO 8601 (UTC where it has no zone), a date (its first moment), "
    "'yesterday', or '2 days ago'; of the past also a position of the log, as in @1234. "
    "The options above go before the command.",
)
@click.option(
    "--store",
    envvar="LEDGER_STORE",
    default=DEFAULT_URL,
    show_default=True,
    show_envvar=True,
    metavar="URL",
    help="The ledger to work on.",
)
@click.option(
    "--actor",
    envvar="LEDGER_ACTOR",
    show_envvar=True,
    metavar="NAME",
    help="Who you are.  [default: the login name]",
)
@click.option("--debug", is_flag=True, help="Show where in the program an error came from.")
@click.version_option(__version__, prog_name="ledger")
@click.pass_context
def cli(context: click.Context, store: str, actor: str | None, debug: bool) -> None:
    """Keep news entries so that nothing is overwritten: every edit, by whom, when, and why."""
    context.obj = App(store, actor, debug)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: the one place where an error becomes an exit status."""
    logging.basicConfig(format="ledger: warning: %(message)s", level=logging.WARNING)
    # What psycopg warns of ends in an error, which is told.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    status = run(sys.argv[1:] if arguments is None else arguments)
    # At its end Python looks for cycles in all that was imported: a tenth of a short run's time.
    gc.freeze()
    sys.exit(status)


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit status; an error goes to standard error."""
    debug = "--debug" in arguments
    _buffer_output()
    output = sys.stdout
    try:
        status = cli.main(list(arguments), prog_name="ledger", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help())
        return USAGE_STATUS
    except click.NoSuchOption as error:
        if error.option_name not in {"--store", "--actor", "--debug"}:
            return _complain(error.format_message(), USAGE_STATUS, debug)
        return _complain(f"{error.option_name} goes before the command", USAGE_STATUS, debug)
    except click.UsageError as error:
        hint = f" (see `{error.ctx.command_path} --help`)" if error.ctx else ""
        return _complain(error.format_message() + hint, USAGE_STATUS, debug)
    except click.ClickException as error:
        return _complain(error.format_message(), error.exit_code, debug)
    except (click.Abort, KeyboardInterrupt):
        return _complain("stopped", INTERRUPTED_STATUS, debug)
    except LedgerError as error:
        return _complain(str(error), error.exit_status, debug)
    except UnicodeError as error:
        message = f"a text cannot be expressed here: {error}; set PYTHONUTF8=1"
        return _complain(message, OUTPUT_STATUS, debug)
    except OSError as error:
        _forget_output()
        message = f"the output cannot be written: {error.strerror}; what was stored is stored"
        return _complain(message, OUTPUT_STATUS, debug)
    except SystemExit as stop:
        # Where whoever read our output has gone, as `head` does, click puts another in its place.
        if sys.stdout is output:
            return int(stop.code or 0)
        _forget_output()
        return BROKEN_PIPE_STATUS
    except Exception as error:  # noqa: BLE001 - the last resort: one line, and a status of its own
        message = f"unexpected {type(error).__name__}: {error}; run again with --debug for details"
        return _complain(message, UNEXPECTED_STATUS, debug)
    return status if isinstance(status, int) else 0


def _buffer_output() -> None:
    """See to it that all is written: an unbuffered output takes what it can, and says nothing."""
    raw = getattr(sys.stdout, "buffer", None)
    if isinstance(raw, io.RawIOBase):
        sys.stdout = io.TextIOWrapper(
            io.BufferedWriter(raw), encoding=sys.stdout.encoding, errors=sys.stdout.errors
        )


def _forget_output() -> None:
    """Keep Python from flushing at its end what nobody takes."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(message: str, status: int, debug: bool) -> int:
    if debug and status != INTERRUPTED_STATUS:
        traceback.print_exc()
    print("ledger:", " ".join(message.split()), file=sys.stderr)  # noqa: T201
    return status
