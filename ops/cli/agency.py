"""``naikkelas agency``: the Kafka users of agencies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from confluent_kafka.admin import AdminClient

from ops.cli.access import running_stack
from ops.cli.actor import By, actor
from ops.cli.asking import NoAnswerError, answer_of, deed_of
from ops.cli.confirming import is_sure
from ops.cli.noting import noted
from ops.cli.output import Json, fail, print_json, print_line, print_table, say
from ops.kafka_admin import agencies
from ops.kafka_admin.agencies import Access, AgencyUserError
from ops.kafka_admin.client import NO_ANSWER, kcat_config, operator_client, trusted, why_not
from ops.kafka_admin.plan import TopologyError
from ops.kafka_admin.quotas import QuotaError, limit_users
from ops.kafka_admin.rights import SLOTS, agency_user
from ops.stack import StackError
from ops.stack.home import write_private
from services.partners.domain.lanes import EVERYONE
from shared.broker import KafkaSettings
from shared.topology import agency_topic
from shared.trail import Deed

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Kafka users of agencies: make, rotate, revoke; topics that lost something: refill.",
)
Code = Annotated[str, typer.Argument(help="The agency's code, as in its agreement, for example dpmptsp.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Tell what would be done; nothing is.")]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out", help="Write it into this new file, which you alone can read, instead of printing the password."
    ),
]
Done = TypeVar("Done")
OWNING = "partners"
"""The service in whose trail stands what is done to users of agencies."""
NOTHING_DONE = 3
CA_FILE = "kafka_ca.pem"
"""Under which name an agency gets the certificate of the authority that signed the brokers'."""
MADE, REVOKED = "made by the command", "taken away by the command"
"""What the trail says of it; there is no other reason."""


def _asked(deed: Callable[[AdminClient], Done], operator: KafkaSettings, *, as_json: bool) -> Done:
    """Do something with the broker; ends the command with a sentence where that is refused."""
    try:
        return deed(operator_client(operator))
    except (AgencyUserError, TopologyError) as error:
        fail(str(error), as_json=as_json)
    except NO_ANSWER as error:
        fail(f"Kafka refused, or did not answer: {why_not(error)}.", as_json=as_json)


@contextmanager
def _new_file(path: Path | None, *, as_json: bool) -> Iterator[None]:
    """Make a file that is not there yet, before anything is done that would be lost without it; where that fails, it does not stay."""
    if path is None:
        yield
        return
    try:
        path.touch(0o600, exist_ok=False)
    except FileExistsError:
        fail(f"{path} is there already, and is left as it is. Nothing was done.", as_json=as_json)
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror}. Nothing was done.", as_json=as_json)
    with ExitStack() as undoing:
        undoing.callback(path.unlink, missing_ok=True)
        yield
        undoing.pop_all()


def _make(
    name_of: Callable[[AdminClient, str], str],
    deed: str,
    code: str,
    by: str | None,
    out: Path | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Make a user, tell it in the trail, and print it. Limits come first, of both names that the agency may have: nobody reads without."""
    stack = running_stack()
    operator = stack.credentials("operator")
    user = _asked(lambda admin: name_of(admin, code), operator, as_json=as_json)
    if dry_run:
        if as_json:
            print_json({"would_make": user, "topic": agency_topic(code).name})
        else:
            print_line(f"Nothing was done: {user} would be made, to read {agency_topic(code).name}.")
        return
    told = Deed(actor(by), "cli", deed, f"agency/{code}", MADE, {"user": user})
    with _new_file(out, as_json=as_json):
        with noted(stack, OWNING, told, as_json=as_json):
            access = _made(name_of, code, user, operator, as_json=as_json)
        if out is not None:
            _write(out, access, operator, as_json=as_json)
    # Not before the file is whole: where nobody listens to this any more, it must stay.
    _tell(access, operator, out, as_json=as_json)


def _made(
    name_of: Callable[[AdminClient, str], str], code: str, user: str, operator: KafkaSettings, *, as_json: bool
) -> Access:
    """Make the user, with its limits first. Ends the command with a sentence where that is refused."""
    try:
        limit_users(operator, [agency_user(code, slot) for slot in SLOTS])
    except QuotaError as error:
        fail(str(error), as_json=as_json)
    if _asked(lambda admin: name_of(admin, code), operator, as_json=as_json) != user:
        fail(
            f"{code} has other users than a moment ago: somebody else is at it. See `naikkelas agency list`.",
            as_json=as_json,
        )
    return _asked(lambda admin: agencies.make_user(admin, code, user), operator, as_json=as_json)


def kcat_of(access: Access, operator: KafkaSettings) -> dict[str, str]:
    """Return what the agency's client takes. Where our copy of the authority is, is nothing to the agency: it names its own, by ``CA_FILE``."""
    own = operator.ca_file and CA_FILE
    return kcat_config(replace(operator, username=access.user, password=access.password, ca_file=own))


def _write(out: Path, access: Access, operator: KafkaSettings, *, as_json: bool) -> None:
    """Write what the agency's client needs; ends the command with a sentence where the disk does not take it."""
    try:
        write_private(out, "".join(f"{line}\n" for line in lines_of(access, operator)))
    except StackError as error:
        lost = f"{access.user} was made, but its password is lost: {error}"
        fail(f"{lost} Take it away with `naikkelas agency revoke --user`, and make another.", as_json=as_json)


def lines_of(access: Access, operator: KafkaSettings) -> list[str]:
    """Return the lines of ``agency.conf``."""
    return [
        f"# kcat -F FILE -G {access.group_prefix}NAME {access.topic}",
        "# (its librdkafka must be 2.6.1 or newer)",
        *(
            [f"# {CA_FILE}: the certificate of the office's authority, handed over with this"]
            if trusted(operator)
            else []
        ),
        *(f"{name}={value}" for name, value in kcat_of(access, operator).items()),
    ]


def _tell(access: Access, operator: KafkaSettings, out: Path | None, *, as_json: bool) -> None:
    """Print what the agency's client needs, or in which file it stands."""
    made: dict[str, object] = {"user": access.user, "topic": access.topic, "group_prefix": access.group_prefix}
    where = "The password is shown this once" if out is None else "The password stands there alone"
    if as_json:
        print_json(made | ({"kcat": kcat_of(access, operator)} if out is None else {"file": str(out)}))
        return
    say(f"{where}: hand it to the agency by a way that nobody else reads.")
    print_line("\n".join(lines_of(access, operator)) if out is None else f"made {access.user}, written to {out}")


@app.command("create-user")
def create_user(code: Code, out: Out = None, dry_run: DryRun = False, by: By = None, json: Json = False) -> None:
    """Make an agency's topic and its first user, and print what the agency's client needs. The agreement decides what comes."""
    _make(agencies.first_user, "create_user", code, by, out, dry_run=dry_run, as_json=json)


@app.command()
def rotate(code: Code, out: Out = None, dry_run: DryRun = False, by: By = None, json: Json = False) -> None:
    """Make the agency's second user with a new password. Both are let in until `revoke --user` takes the old one away."""
    _make(agencies.next_user, "rotate_user", code, by, out, dry_run=dry_run, as_json=json)


@app.command()
def revoke(
    code: Code,
    user: Annotated[
        str | None, typer.Option(help="Only this user, after a rotation; without it all of the agency.")
    ] = None,
    dry_run: DryRun = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    by: By = None,
    json: Json = False,
) -> None:
    """Take users away: their rights at once, also of open connections. The topic stays, and with it the agency's place in it.

    Exit code 0: done, or with --dry-run could be; 1: refused, or Kafka does not answer; 3: nothing was done, since it was not confirmed.
    """
    stack = running_stack()
    operator = stack.credentials("operator")
    gone = _asked(lambda admin: agencies.users_to_revoke(admin, code, user), operator, as_json=json)
    named = ", ".join(gone)
    if dry_run or not is_sure(code, f"{named} would read nothing more. Type {code} to take away", yes=yes):
        if json:
            print_json({"revoked": [], "would_revoke": gone})
        else:
            print_line(f"Nothing was done: {named} would be taken away{'' if dry_run else '; say --yes to do it'}.")
        raise typer.Exit(0 if dry_run else NOTHING_DONE)
    deed = Deed(actor(by), "cli", "revoke_user", f"agency/{code}", REVOKED, {"users": gone})
    with noted(stack, OWNING, deed, as_json=json):
        _asked(lambda admin: agencies.take_away(admin, code, gone), operator, as_json=json)
    if json:
        print_json({"revoked": gone})
    else:
        print_line(f"revoked {named}")


@app.command("list")
def list_users(json: Json = False) -> None:
    """List the agencies that have users, with their topics, and the streams that stopped on their way into them."""
    found = _asked(agencies.agency_users, running_stack().credentials("operator"), as_json=json)
    try:
        stopped = _stopped()
    except NoAnswerError as error:
        say(f"What stopped is not known: {error}")
        stopped = None
    if stopped and (public := stopped.get(EVERYONE)):
        say(f"Of the public streams these stopped: {', '.join(f'{name} ({why})' for name, why in public.items())}.")
    if json:
        print_json([_listed(code, users, stopped) for code, users in found.items()])
        return
    rows = [
        (code, ", ".join(users), agency_topic(code).name, "?" if stopped is None else ", ".join(stopped.get(code, {})))
        for code, users in found.items()
    ]
    print_table(("agency", "users", "topic", "stopped"), rows)


def _listed(code: str, users: list[str], stopped: dict[str, dict[str, str]] | None) -> dict[str, object]:
    told = None if stopped is None else stopped.get(code, {})
    return {"agency": code, "users": users, "topic": agency_topic(code).name, "stopped": told}


@app.command()
def refill(
    code: Annotated[
        str | None, typer.Argument(help="The agency's code; without it, with --public, the public topics.")
    ] = None,
    public: Annotated[bool, typer.Option("--public", help="The public topics.")] = False,
    stream: Annotated[str | None, typer.Option(help="Only this stream, for example course.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this it is only shown.")] = False,
    json: Json = False,
) -> None:
    """Write all that is kept into a topic anew, because Kafka lost what it held. Known events come again, with the same ids."""
    if (code is None) == (not public):
        fail("Name an agency, or say --public.", as_json=json)
    agency = EVERYONE if code is None else code
    try:
        lanes = [lane for lane in _lanes(agency) if stream in (None, lane["stream"])]
        if yes:
            for lane in lanes:
                deed_of("partners", f"/lanes/{lane['id']}/refill", lane["version"])
    except NoAnswerError as error:
        fail(str(error), as_json=json)
    if not lanes:
        fail(f"Nothing was ever written{'' if stream is None else f' of {stream}'}, so nothing is lost.", as_json=json)
    if json:
        print_json({"refilled": yes, "lanes": lanes})
        return
    rows = [(lane["stream"], lane["first"], lane["position"], lane["last"]) for lane in lanes]
    print_table(("stream", "first kept", "written up to", "last"), rows)
    print_line("They are being written anew." if yes else "Nothing was done: say --yes to write them anew.")


def _lanes(agency: str | None) -> list[dict[str, Any]]:
    """Return the streams on their way into the topic of an agency, or of all. Raises ``NoAnswerError``."""
    found: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        page, _ = answer_of("partners", "/lanes", {"agency": agency, "after": after, "limit": 200})
        found += page["items"]
        if (after := page["next"]) is None:
            return found


def _stopped() -> dict[str, dict[str, str]]:
    """Return by agency the streams that do not go on into its topic, each with the reason. Raises ``NoAnswerError``."""
    stopped: dict[str, dict[str, str]] = {}
    for lane in _lanes(None):
        if lane["reason"] is not None:
            stopped.setdefault(lane["agency"], {})[lane["stream"]] = lane["reason"]
    return stopped
