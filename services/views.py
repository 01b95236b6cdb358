"""``tongdui views``: rebuild a service's views beside the ones that are read, compare, and move the pointer.

Readers never wait. A rebuild that is killed leaves a half table nobody reads; the next one drops it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from shared.runtime import rebuild as steps
from shared.runtime.projections import Projections
from shared.runtime.rebuild import Rebuild, RebuildImpossible
from shared.runtime.settings import Settings
from shared.runtime.store import SERVICES, Store

DIFFERENT, IMPOSSIBLE = 1, 2

views = typer.Typer(no_args_is_help=True, help="视图 · Rebuild views beside the ones that are read, compare, switch and back.")

ServiceArgument = Annotated[str, typer.Argument(help="服务 · registry, voucher, settlement or audit")]
ViewArgument = Annotated[str, typer.Argument(help="视图 · a view of the service")]


@views.command()
def status(
    service: Annotated[str | None, typer.Argument(help="服务 · one service; all of the database without it")] = None
) -> None:
    """状态 · Every table of every view: which is read, how far it is."""
    table = Table()
    for name in ("service", "view", "table", "read", "position", "head", "filling"):
        table.add_column(name)
    for name in [service] if service else SERVICES:
        with _projections(name) as projections:
            if not _exists(projections):
                continue
            for row in steps.status(projections):
                marks = ("*" if row.is_read else "", str(row.position), str(row.head), "*" if row.filling else "")
                table.add_row(name, row.view, row.table, *marks)
    Console().print(table)


@views.command()
def rebuild(
    service: ServiceArgument, view: Annotated[str | None, typer.Argument(help="视图 · one view; all without it")] = None
) -> None:
    """重建 · Fill a second table from position 1 while both are kept current. Nothing is read from it until `switch`."""
    with _projections(service) as projections:
        for name in [view] if view else sorted(projections.views):
            with _bar() as bar:
                task = bar.add_task(name, total=None)

                def progress(position: int, head: int) -> None:
                    bar.update(task, completed=position, total=head)  # noqa: B023 - used within its turn only

                table = _of(projections, name).rebuild(progress)
            typer.echo(f"{name}: {table}")


@views.command()
def compare(service: ServiceArgument, view: ViewArgument) -> None:
    """比对 · Both tables row by row at one moment; exit 0 equal, 1 different, 2 it could not be told."""
    with _projections(service) as projections:
        found = _of(projections, view).compare()
    typer.echo(f"{view}: {found.keys} keys at position {found.position}, {found.different} different")
    for one in found.differences:
        typer.echo(f"  {one.key}\n    read:  {one.read}\n    other: {one.other}")
    if found.different:
        raise typer.Exit(DIFFERENT)


@views.command()
def switch(service: ServiceArgument, view: ViewArgument) -> None:
    """切换 · Read the other table from now on; again: back."""
    with _projections(service) as projections:
        typer.echo(f"{view}: {_of(projections, view).switch()} is read")


@views.command()
def discard(service: ServiceArgument, view: ViewArgument) -> None:
    """丢弃 · Drop the table that is not read."""
    with _projections(service) as projections:
        typer.echo(f"{view}: {_of(projections, view).discard() or 'no second table'}")


def _of(projections: Projections, view: str) -> Rebuild:
    if view not in projections.views:
        raise typer.BadParameter(f"{projections.service} has the views {', '.join(sorted(projections.views))}")
    return Rebuild(projections, view)


def _exists(projections: Projections) -> bool:
    with projections.connection() as connection:
        found = connection.execute("SELECT to_regclass(%s)", (f"{projections.service}_views",)).fetchone()
    return bool(found and found[0])


@contextmanager
def _projections(service: str) -> Iterator[Projections]:
    """What cannot be done now is said in one line; exit 2."""
    from services.platform import service_named

    url = Settings().database_url
    if not url:
        raise typer.BadParameter("set TONGDUI_DATABASE_URL to the service's database")
    if service not in SERVICES:
        raise typer.BadParameter(f"the services are {', '.join(SERVICES)}")
    store = Store(url, service)
    projections = Projections(store, service_named(service).views)
    try:
        yield projections
    except RebuildImpossible as error:
        typer.echo(f"tongdui: {error}", err=True)
        raise typer.Exit(IMPOSSIBLE) from error
    finally:
        projections.close()
        store.close()


def _bar() -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}"), TimeRemainingColumn())
