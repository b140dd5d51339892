"""The command line: `callcenter up`, `down`, `doctor` and what an administrator needs beside the console."""

import asyncio
import contextlib
import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from callcenter.errors import CallCenterError, Unavailable
from callcenter.settings import Settings, load_settings

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)
demo_app = typer.Typer(no_args_is_help=True, help="Seats and elders to try the product with.")
app.add_typer(demo_app, name="demo")

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class Progress:
    """Lines with the seconds since the start, for a human who waits."""

    def __init__(self) -> None:
        self._begun = time.monotonic()

    def __call__(self, line: str) -> None:
        show(f"[{time.monotonic() - self._begun:6.1f} s] {line}")


def show(text: str) -> None:
    """Print, for whoever is still there: a closed terminal must not keep us from ending things in order."""
    with contextlib.suppress(OSError):
        typer.echo(text)


@app.command()
def up(
    detach: Annotated[bool, typer.Option(help="Return when it is ready; `callcenter down` ends it.")] = False,
    background: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Start Asterisk and the product and watch over both; Ctrl-C ends all."""
    from callcenter import supervisor

    settings = load_settings()
    if detach:
        supervisor.start_detached(settings, Progress(), show)
    else:
        supervisor.Supervisor(settings, Progress(), show, background=background).run()


@app.command()
def down() -> None:
    """End the instance whose data folder is CALLCENTER_DATA."""
    from callcenter import supervisor

    settings = load_settings()
    if not supervisor.stop(settings, Progress()):
        typer.echo(f"Nothing runs on {settings.data.resolve()}.")


@app.command()
def serve(standby: Annotated[bool, typer.Option(hidden=True)] = False) -> None:
    """Run controller and api in this process, and the worker beside it, with an Asterisk that runs already."""
    from callcenter.app import run

    settings = load_settings()
    if standby:
        import callcenter.web  # noqa: F401  what is loaded now needs not be loaded then
        from callcenter.standby import given_the_word

        if not given_the_word(settings.log_level):
            return
    run(settings)


@app.command(hidden=True)
def work() -> None:
    """The worker: started by `serve`, spoken to over its standard streams."""
    from callcenter.worker import run

    run(load_settings())


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    from callcenter import migrations

    migrations.upgrade(load_settings().database)
    typer.echo("The database is up to date.")


@app.command()
def render(
    reload: Annotated[bool, typer.Option(help="Tell a running Asterisk to load it.")] = False,
) -> None:
    """Write Asterisk's configuration from the settings and the seats; a bad one is refused (R24)."""
    from callcenter.asterisk_config import layout
    from callcenter.asterisk_config import render as render_config
    from callcenter.asterisk_process import AsteriskProcess
    from callcenter.asterisk_runtime import find_asterisk
    from callcenter.preparation import prepare_data, prepare_database

    settings = load_settings()
    prepare_data(settings)
    runtime = find_asterisk()
    seats = prepare_database(settings, Progress())
    if seats is None:
        raise typer.Exit(2)
    etc = render_config(settings, seats, runtime)
    if reload:
        AsteriskProcess(runtime, etc, layout(settings).logs / "asterisk.out").cli("core reload")
    typer.echo(str(etc))


@app.command()
def doctor(as_json: Json = False) -> None:
    """Check every part, explain what is wrong and how to mend it; status 1 when something essential is."""
    from callcenter.doctor import examine, report

    checks = examine(load_settings())
    typer.echo(json.dumps([check.to_dict() for check in checks], ensure_ascii=False) if as_json else report(checks))
    if any(check.failed and check.essential for check in checks):
        raise typer.Exit(1)


@app.command()
def backup(folder: Annotated[Path, typer.Argument(help="Where to; another disk, better another building.")]) -> None:
    """Copy what must not be lost, whether the product runs or not; again into the same folder copies what is new."""
    from callcenter.backup import back_up

    typer.echo(f"{back_up(load_settings(), folder)} and all that belongs to it are in {folder.resolve()}.")


@app.command()
def press(as_json: Json = False) -> None:
    """Press once as an elder would, through the whole chain to the test seat, and say how it went; 1 when it failed."""
    import httpx

    from callcenter.accounts.permissions import Principal, Role
    from callcenter.accounts.secrets import signing_key
    from callcenter.accounts.tokens import Tokens
    from callcenter.clock import SystemClock
    from callcenter.supervisor import console

    settings = load_settings()
    # Whoever may read the signing key may do this; no account and no database is needed.
    token = Tokens(signing_key(settings), SystemClock(), 1).issue(Principal("command-line", Role.ADMIN))
    headers = {"Authorization": f"Bearer {token}"}
    try:
        url = f"{console(settings)}api/v1/watchdog/press"
        answer = httpx.post(url, headers=headers, timeout=60, trust_env=False)
    except httpx.HTTPError as error:
        raise Unavailable(f"callcenter does not answer at {console(settings)}: start it with scripts/up") from error
    told = answer.json()
    if as_json:
        typer.echo(answer.text)
    elif answer.is_error:
        typer.echo(told["detail"])
    else:
        figures = " ".join(f"{name}={value}" for name, value in told.items() if value is not None and name != "result")
        typer.echo(f"{told['result']}: {figures}")
    if answer.is_error or told["result"] == "failed":
        raise typer.Exit(1)


@app.command()
def settings() -> None:
    """Print the settings in force, passwords hidden."""
    for line in describe(load_settings()):
        typer.echo(line)


@app.command()
def openapi() -> None:
    """The API's description (OpenAPI 3.1) as JSON."""
    from callcenter.api.app import create_app

    typer.echo(json.dumps(create_app(None).openapi(), ensure_ascii=False, indent=1))


@app.command("add-admin")
def add_admin(user: str, name: str = "管理员") -> None:
    """Make an administrator and print its password, once; it makes all other accounts through the API."""
    from callcenter.accounts.passwords import Passwords, new_password
    from callcenter.accounts.permissions import Role
    from callcenter.accounts.service import create_account
    from callcenter.clock import SystemClock
    from callcenter.db import Database
    from callcenter.migrations import upgrade_async

    settings = load_settings()
    password = new_password(user)

    async def run() -> None:
        await upgrade_async(settings.database)
        database = Database(settings.database)
        try:
            async with database.transaction() as session:
                await create_account(
                    session, SystemClock(), Passwords(), user=user, name=name, role=Role.ADMIN, password=password
                )
        finally:
            await database.close()

    asyncio.run(run())
    typer.echo(f"{user} {password}")


@demo_app.command()
def load() -> None:
    """Load the demo seats and elders into the database."""
    from callcenter.clock import SystemClock
    from callcenter.db import Database
    from callcenter.demo import load_demo
    from callcenter.migrations import upgrade_async

    settings = load_settings()

    async def run() -> None:
        await upgrade_async(settings.database)
        database = Database(settings.database)
        try:
            await load_demo(database, settings, SystemClock())
        finally:
            await database.close()

    asyncio.run(run())


@demo_app.command()
def credentials(as_json: Json = False) -> None:
    """Print the demo seats and accounts with their passwords, and the demo alarm sources with their secrets."""
    from callcenter.demo import credentials as demo_credentials

    found = demo_credentials(load_settings())
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    for seat in found["seats"]:
        typer.echo(
            f"{seat['user']:<6} {seat['role']:<11} web {seat['web_password']}  sip {seat['sip_password'] or '-'}"
        )
    for account in found.get("accounts", ()):
        typer.echo(f"{account['user']:<6} {account['role']:<11} web {account['web_password']}  (no phone)")
    for source in found.get("alarm_sources", ()):
        typer.echo(f"{source['name']:<15} {source['auth']:<6} {source['secret']}")


@demo_app.command()
def elders(as_json: Json = False) -> None:
    """Print the demo elders with their phones, pendants and contacts."""
    from callcenter.db import Database
    from callcenter.demo import elders as demo_elders

    async def read() -> dict[str, Any]:
        database = Database(load_settings().database)
        try:
            found: dict[str, Any] = await demo_elders(database)
            return found
        finally:
            await database.close()

    found = asyncio.run(read())
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    for elder in found["elders"]:
        typer.echo(f"{elder['name']}  phones {' '.join(elder['phones'])}  pendant {elder['pendant']}")


def describe(settings: Settings) -> list[str]:
    """The settings in force, one ``CALLCENTER_NAME=value`` a line; secrets, and passwords in URLs, are starred out."""
    lines = []
    for name, value in settings.model_dump(mode="json").items():
        shown = ",".join(value) if isinstance(value, list) else str(value)
        if name in ("deadman_url", "twilio_auth_token") and shown:
            shown = "***"  # whoever knows the first can say that we live
        shown = re.sub(r"(?<=://)([^/@:]*):[^/@]*@", r"\1:***@", shown)
        lines.append(f"CALLCENTER_{name.upper()}={shown}")
    return lines


def main() -> NoReturn:
    """Entry point: our errors are one line on standard error and status 2, never a traceback."""
    # Recordings, records and logs are for our own eyes, and so is what the processes write that we start (I1).
    os.umask(0o077)
    try:
        app(standalone_mode=True)
    except CallCenterError as error:
        sys.stderr.write(f"callcenter: {error.message}\n")
        sys.exit(2)
    sys.exit(0)


if __name__ == "__main__":
    main()
