"""``tongdui``: the one command. It reads the settings, gets a database and a broker where nobody gave us any, and
hands over to the module that does the work."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from enum import Enum, StrEnum
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from services import calculators, whatif
from services.audit.cli import audit
from services.importing.command import registry
from services.settlement.cli import settlement
from services.views import views
from shared.runtime.settings import Settings

app = typer.Typer(
    name="tongdui",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="长三角科技创新券通兑 · Innovation vouchers, from application to payment, on events.",
)


app.command()(calculators.quote)
app.command()(calculators.assess)
app.add_typer(audit, name="audit")
app.command()(whatif.whatif)
app.add_typer(views, name="views")
app.add_typer(registry, name="registry")
app.add_typer(settlement, name="settlement")


class Bus(StrEnum):
    """What carries events from service to service."""

    embedded = "embedded"
    kafka = "kafka"


class Role(StrEnum):
    """What a process of a service does."""

    api = "api"
    worker = "worker"
    all = "all"


class ServiceName(StrEnum):
    registry = "registry"
    voucher = "voucher"
    settlement = "settlement"
    audit = "audit"


BusOption = Annotated[Bus | None, typer.Option(help="总线 · the bus (TONGDUI_BUS)")]
HostOption = Annotated[str | None, typer.Option(help="监听地址 · address to listen at (TONGDUI_HOST)")]
PortOption = Annotated[int | None, typer.Option(help="监听端口 · port to listen on (TONGDUI_PORT)")]


@app.command()
def up(host: HostOption = None, port: PortOption = None, bus: BusOption = None) -> None:
    """运行全部服务 · All services in one process on one port; data are kept between runs.

    Without TONGDUI_DATABASE_URL the database is one of its own in TONGDUI_STATE_DIR (.tongdui).
    """
    from services import platform

    settings = _settings(host=host, port=port, bus=bus)
    with _provided(settings, settings.state_dir) as settings:
        code = platform.up(settings)
    raise typer.Exit(code)


@app.command()
def run(
    service: Annotated[ServiceName, typer.Argument(help="服务 · the service")],
    role: Annotated[Role, typer.Option(help="角色 · api, worker or both")] = Role.all,
    host: HostOption = None,
    port: PortOption = None,
    bus: BusOption = Bus.kafka,
) -> None:
    """运行一个服务 · One service with a database of its own.

    Without TONGDUI_DATABASE_URL the database is one of its own in TONGDUI_STATE_DIR/SERVICE. The broker is that of
    KAFKA_BOOTSTRAP_SERVERS, which all services must share: `tongdui broker` runs one.
    """
    from services import platform

    settings = _settings(host=host, port=port, bus=bus)
    if settings.bus == "kafka" and not settings.kafka_bootstrap_servers:
        raise typer.BadParameter("set KAFKA_BOOTSTRAP_SERVERS; `tongdui broker` runs a broker and prints its address")
    with _provided(settings, settings.state_dir / service.value) as settings:
        code = platform.run(service.value, role.value, settings)
    raise typer.Exit(code)


@app.command()
def broker() -> None:
    """运行本机 Kafka · A Kafka for this machine until Ctrl-C; prints its address for KAFKA_BOOTSTRAP_SERVERS."""
    from shared.runtime.local_kafka import kafka_servers

    with kafka_servers(Settings()) as servers:
        typer.echo(f"export KAFKA_BOOTSTRAP_SERVERS={servers}")
        sys.stdout.flush()
        signal.pause()


@app.command()
def signals() -> None:
    """预警 · The rules of the signals as a faust app on Kafka, recording into the audit service's database.

    Set TONGDUI_SIGNALS=faust for the audit worker, so that they run once. It needs TONGDUI_DATABASE_URL and
    KAFKA_BOOTSTRAP_SERVERS.
    """
    from services.audit import signals_app

    settings = Settings()
    if not settings.database_url or not settings.kafka_bootstrap_servers:
        raise typer.BadParameter("set TONGDUI_DATABASE_URL (the audit service's) and KAFKA_BOOTSTRAP_SERVERS")
    signals_app.run(settings)


@app.command()
def demo(
    vouchers: Annotated[int, typer.Option(min=30, help="创新券数量 · how many vouchers")] = 60,
    seed: Annotated[int, typer.Option(help="随机种子 · the same seed gives the same summary")] = 7,
    bus: Annotated[Bus, typer.Option(help="总线 · the bus")] = Bus.embedded,
    out: Annotated[Path | None, typer.Option(help="输出目录 · where the logs, the table and a bundle go")] = None,
) -> None:
    """演示 · Vouchers of four regions from application to payment, on simulated days, on an empty platform."""
    from services.demo import main as play

    raise typer.Exit(play(vouchers, seed, bus.value, out))


@app.command()
def token(
    role: Annotated[str, typer.Option(help="角色 · enterprise, provider, centre, regional_officer, …")],
    sub: Annotated[str, typer.Option(help="人员标识 · an opaque id of the person")],
    region: Annotated[str | None, typer.Option(help="区域 · six digits; two of a provincial officer")] = None,
    uscc: Annotated[str | None, typer.Option(help="统一社会信用代码 · of an enterprise or a provider")] = None,
    member_of: Annotated[str | None, typer.Option(help="所属机构 · UUID of the centre or agent")] = None,
    seconds: Annotated[int, typer.Option(min=1, help="有效期 · seconds it is valid")] = 3600,
) -> None:
    """签发开发令牌 · A token signed with the development key, which production refuses."""
    from shared.runtime.tokens import issue

    typer.echo(issue(Settings(), sub, role, region=region, uscc=uscc, member_of=member_of, ttl=seconds))


def _settings(**given: object) -> Settings:
    """The environment's settings; what the command line gives goes before them."""
    told = {name: value.value if isinstance(value, Enum) else value for name, value in given.items()}
    return Settings(**{name: value for name, value in told.items() if value is not None})


@contextmanager
def _provided(settings: Settings, directory: Path) -> Iterator[Settings]:
    """The settings with a database and, on Kafka, brokers; what is started for it in ``directory`` ends with it."""
    from shared.runtime.local_kafka import kafka_servers
    from shared.runtime.local_postgres import database_url

    with ExitStack() as running:
        url = running.enter_context(database_url(settings, directory / "postgres"))
        found: dict[str, object] = {"database_url": url}
        if settings.bus == "kafka":
            found["kafka_bootstrap_servers"] = running.enter_context(kafka_servers(settings, directory / "kafka"))
        yield settings.model_copy(update=found)


def main() -> None:
    """The console script. What cannot be had, or must not be, is said in one line; exit 1."""
    from services.settlement.papers.templates import TemplateBroken
    from shared.runtime.local_jars import NoLocalKafka
    from shared.runtime.local_program import DirectoryInUse, LocalProgramFailed, end_what_was_started_on_sigterm
    from shared.runtime.tokens import DevelopmentOnly

    # until a service listens for it
    end_what_was_started_on_sigterm()
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except (NoLocalKafka, DirectoryInUse, LocalProgramFailed, DevelopmentOnly, TemplateBroken) as error:
        sys.exit(f"tongdui: {error}")
    except ValidationError as error:
        told = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        sys.exit(f"tongdui: {'; '.join(told)}")


if __name__ == "__main__":
    main()
