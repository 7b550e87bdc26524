"""``naikkelas backup``, ``restore`` and ``drill``: dumps of all databases, brought back, and proof that they can be."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from aiokafka.errors import KafkaError
from confluent_kafka import KafkaException

from ops.backup.drilling import Drill, drill
from ops.backup.fitting import Rings, Target, misfits, obstacles, open_backup
from ops.backup.making import make_backup
from ops.backup.manifest import Manifest, ManifestError, backup_order
from ops.backup.restoring import look_at_target, note_restore, restore_databases
from ops.cli.access import running_stack
from ops.cli.actor import By, actor
from ops.cli.audit import print_report
from ops.cli.confirming import is_sure
from ops.cli.output import Json, fail, print_json, print_line, print_table, say
from ops.cli.progress import stages
from ops.doctor.settings import KEY, WEBHOOK, given_key, ring_of
from ops.ledger import declared_ledger
from ops.stack import Stack
from ops.stack.databases import SERVICES
from ops.stack.home import SECRETS
from shared.database import SERVER_ERRORS

app = typer.Typer(add_completion=False, rich_markup_mode=None)
NOTHING_DONE = 3
WORD = "restore"
Keys = Mapping[str, str]
"""By setting, the keys that are at hand."""
Folder = Annotated[Path, typer.Argument(help="The folder of the backup.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Look and tell only; nothing is written.")]


@app.command()
def backup(folder: Folder, dry_run: DryRun = False, json: Json = False) -> None:
    """Dump every service's database into an empty folder, each before the services that it reads of; work goes on meanwhile.

    What is in it is personal. The key-encryption key is not in it: keep that apart.
    """
    stack = running_stack()
    if dry_run:
        _tell_plan(json=json)
        return
    with stages() as tell:
        manifest = make_backup(stack, folder, tell)
    if json:
        print_json({"ok": True, "folder": str(folder), **_summary(manifest)})
        return
    _print_databases(manifest)
    print_line(f"The backup is whole, in {folder}.")
    print_line(manifest.secrets)
    for fingerprint, owners in manifest.key_ids.items():
        print_line(f"  KEY_ENCRYPTION_KEY, fingerprint {fingerprint}: the keys of {owners:,} owners")
    for fingerprint, secrets in manifest.webhook_key_ids.items():
        print_line(f"  WEBHOOK_KEY, fingerprint {fingerprint}: {secrets:,} secrets of webhooks")


def _tell_plan(*, json: bool) -> None:
    order = backup_order()
    if json:
        print_json({"ok": True, "order": order})
    else:
        print_line(f"It would dump, in this order: {', '.join(order)}. Nothing was done.")


def _summary(manifest: Manifest) -> dict[str, Any]:
    return {
        "made_at": manifest.made_at,
        "postgresql": manifest.postgresql,
        "cluster": manifest.cluster,
        "kafka": manifest.kafka,
        "events": manifest.events,
        "retained": manifest.retained,
        "key_fingerprints": manifest.key_ids,
        "webhook_key_fingerprints": manifest.webhook_key_ids,
        "databases": {it.service: {"bytes": it.bytes, "sha256": it.sha256, "seconds": it.seconds} for it in manifest.databases},
    }  # fmt: skip


def _print_databases(manifest: Manifest) -> None:
    rows = [
        (it.service, f"{it.bytes / 1e6:.1f} MB", len(it.migrations), f"{it.events:,}", f"{it.retained:,}", f"{it.seconds:.1f} s")
        for it in manifest.databases
    ]  # fmt: skip
    print_table(("service", "size", "migrations", "events", "in the outbox", "time"), rows)


def _opened(folder: Path, keys: Keys, *, as_json: bool) -> Manifest:
    """Return the manifest of a backup that this code and these keys can take; end with a sentence for each reason otherwise."""
    try:
        manifest = open_backup(folder)
        owners, webhooks = (None if keys.get(name) is None else ring_of(keys[name], name) for name in (KEY, WEBHOOK))
    except (ManifestError, ValueError) as error:
        fail(str(error), as_json=as_json)
    declared = {service: declared_ledger(service) for service in SERVICES}
    _refuse(misfits(manifest, declared, Rings(owners, webhooks)), as_json=as_json)
    return manifest


def _refuse(reasons: list[str], *, as_json: bool) -> None:
    if reasons:
        fail("\n".join(reasons), as_json=as_json)


def _keys(stack: Stack) -> Keys:
    found = {name: given_key(os.environ, name) or stack.home.known_secret(secret) for name, secret in SECRETS.items()}
    return {name: key for name, key in found.items() if key is not None}


def _given_keys(stack: Stack) -> Iterator[tuple[str, str]]:
    """Yield the keys that the environment names, under the names by which a stack that runs the services itself keeps its own."""
    for variable, name in SECRETS.items():
        if (given := given_key(os.environ, variable)) and stack.servers.embedded:
            yield name, given


def _other_keys(stack: Stack) -> Iterator[str]:
    """Yield why the services of this stack would not read what is restored: it has keys of its own already."""
    for name, given in _given_keys(stack):
        if stack.home.known_secret(name) not in (None, given):
            yield f"{stack.home.path} has another {name} already: name another folder in NAIKKELAS_HOME."


@app.command()
def restore(
    folder: Folder,
    dry_run: DryRun = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    by: By = None,
    json: Json = False,
) -> None:
    """Bring a backup back into empty databases beside an empty Kafka, all of it or nothing; it overwrites nothing.

    Exit code 0: restored, or it would fit; 1: it does not fit, a sentence for each reason; 3: nothing was done, this was a look only.
    """
    stack = running_stack()
    manifest = _opened(folder, _keys(stack), as_json=json)
    target = look_at_target(stack)
    _refuse(obstacles(manifest, target), as_json=json)
    if not json:
        _tell(manifest, target)
    if dry_run or not is_sure(WORD, f"Type {WORD} to fill the databases", yes=yes):
        _look_only(manifest, dry_run=dry_run, as_json=json)
    _refuse(list(_other_keys(stack)), as_json=json)
    with stages() as tell:
        restore_databases(stack.servers.superuser_dsn(), folder, manifest.databases, tell)
        note_restore(stack.servers.superuser_dsn(), manifest, actor(by))
    for name, given in _given_keys(stack):
        stack.home.secret(name, partial(str, given))
    if json:
        print_json({"ok": True, "restored": True, **_summary(manifest)})
    else:
        print_line(
            "Restored. `naikkelas up` starts the services and refills Kafka, then `naikkelas audit` compares all of it."
        )


def _tell(manifest: Manifest, target: Target) -> None:
    _print_databases(manifest)
    print_line(
        f"Made at {manifest.made_at} of cluster {manifest.cluster}, into cluster {target.cluster} (PostgreSQL {target.version})."
    )
    if older := manifest.events - manifest.retained:
        say(f"{older:,} events are older than the outboxes keep: Kafka gets all but these again.")


def _look_only(manifest: Manifest, *, dry_run: bool, as_json: bool) -> NoReturn:
    if as_json:
        print_json({"ok": True, "restored": False, **_summary(manifest)})
    else:
        print_line("It fits. Nothing was done." if dry_run else "Nothing was done: say --yes to restore.")
    raise typer.Exit(0 if dry_run else NOTHING_DONE)


@app.command("drill")
def drill_command(
    folder: Folder,
    quick: Annotated[bool, typer.Option("--quick", help="Start consumers only if they are behind.")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Restore a backup into a stack of its own beside the live one, refill Kafka from the outboxes, and audit it; then remove it.

    Exit code 0: all is there again; 1: it does not fit, or the audit found something; 2: a server could not be reached.
    """
    keys = _keys(Stack())
    manifest = _opened(folder, keys, as_json=json)
    if dry_run:
        _look_only(manifest, dry_run=True, as_json=json)
    try:
        with stages() as tell:
            outcome = drill(folder, manifest, keys, tell, quick=quick)
    except (KafkaError, KafkaException, *SERVER_ERRORS) as error:
        fail(f"The drill lost a server ({type(error).__name__}); nothing is left of it.", as_json=json, code=2)
    _print_outcome(outcome, as_json=json)
    raise typer.Exit(0 if outcome.ok else 1)


def _print_outcome(outcome: Drill, *, as_json: bool) -> None:
    if as_json:
        told = {"refilled": outcome.refilled, "refill_rate": round(outcome.refill_rate), "older": outcome.older}
        print_json({"ok": outcome.ok, "seconds": outcome.seconds, **told, "audit": outcome.report.as_dict()})
        return
    print_table(("step", "seconds"), [(step, f"{seconds:.1f}") for step, seconds in outcome.seconds.items()])
    seconds = outcome.seconds["refill"]
    print_line(
        f"Kafka was refilled with {outcome.refilled:,} records in {seconds:.1f} s, the start of the relays included."
    )
    print_report(outcome.report)
    if outcome.ok and not outcome.report.ok:
        print_line(
            f"What is missing is only in Kafka: {outcome.older:,} events are older than the outboxes keep. The drill held."
        )
    else:
        print_line("The drill held." if outcome.ok else "The drill failed.")
