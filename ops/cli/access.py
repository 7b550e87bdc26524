"""``naikkelas env`` and ``naikkelas token``: what a client of the running stack needs."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ops.cli.output import Json, print_json, print_line
from ops.kafka_admin.client import kcat_config
from ops.stack import Stack, StackError
from ops.stack.databases import SERVICES
from shared.auth import Role
from shared.topology import PRINCIPALS

app = typer.Typer(add_completion=False, rich_markup_mode=None)


def running_stack() -> Stack:
    """Return the stack of ``NAIKKELAS_HOME``, or of given servers. Raises ``StackError`` if it is not up."""
    stack = Stack()
    if stack.servers.embedded and not any(started.alive for started in stack.record().processes.values()):
        raise StackError(f"No stack runs in {stack.home.path}: start it with `naikkelas up`.")
    return stack


@app.command()
def env(
    principal: Annotated[str, typer.Option("--as", help="The Kafka user to be.")] = "operator",
    database: Annotated[
        str, typer.Option(help="The database to look into, as the login audit, which changes nothing there.")
    ] = "registry",
    json: Json = False,
) -> None:
    """Print what another client needs: a kcat configuration, a psql line, addresses. It holds passwords of this stack."""
    known = [item.name for item in PRINCIPALS]
    if principal not in known:
        raise StackError(f"There is no Kafka user named {principal}; there are {', '.join(known)}.")
    if database not in SERVICES:
        raise StackError(f"There is no database named {database}; there are {', '.join(SERVICES)}.")
    stack = running_stack()
    config = kcat_config(stack.credentials(principal))
    found: dict[str, Any] = {"kcat": config, "psql": stack.dsn(database, "audit"), "services": _urls(stack)}
    if json:
        print_json(found)
        return
    print_line("# kcat: put these lines into a file and name it with `kcat -F FILE -L`")
    print_line("# (its librdkafka must be 2.6.1 or newer: older ones repeat the SCRAM nonce, which Kafka 4 refuses)")
    for name, value in config.items():
        print_line(f"{name}={value}")
    print_line("\n# psql")
    print_line(f"psql '{found['psql']}'")
    print_line("\n# services")
    for name, url in found["services"].items():
        print_line(f"{name}: {url}/docs")


def _urls(stack: Stack) -> dict[str, str]:
    ports = stack.record().ports
    return {service: stack.api_url(service) for service in SERVICES if f"{service}-api" in ports}


@app.command()
def token(
    role: Annotated[list[Role], typer.Option("--role", help="What the caller is; may be given several times.")],
    subject: Annotated[str, typer.Option(help="Who the caller is (`sub`).")] = "local",
    kelurahan: Annotated[str | None, typer.Option(help="The code that petugas_kelurahan belongs to.")] = None,
    email: Annotated[str | None, typer.Option(help="The caller's e-mail.")] = None,
    agency: Annotated[str | None, typer.Option(help="The code of the agency that instansi belongs to.")] = None,
    json: Json = False,
) -> None:
    """Sign an access token for the local stack."""
    if Role.PETUGAS_KELURAHAN in role and kelurahan is None:
        raise StackError("petugas_kelurahan needs --kelurahan CODE, for example --kelurahan 64.71.01.1001.")
    if Role.INSTANSI in role and agency is None:
        raise StackError("instansi needs --agency CODE, for example --agency dpmptsp.")
    said = {"kelurahan": kelurahan, "email": email, "agency": agency}
    claims = {name: value for name, value in said.items() if value is not None}
    signed = Stack().token(role, subject=subject, **claims)
    if json:
        print_json({"token": signed})
    else:
        print_line(signed)
