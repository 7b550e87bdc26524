"""What the comparison came to: lines for who waits, JSON, and docs/peers.md."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from bench.peers import debezium, peers
from bench.peers.environments import versions_of
from bench.peers.peers import PEERS, Peer
from bench.peers.scenarios import Found

TITLES = {
    peers.CRASH: "P1: the process that publishes is killed in the midst of commands",
    peers.RIVALS: "P15: two processes give commands to the same keys, and two relays publish",
    peers.AWAY: "The broker is killed and comes back",
    peers.CONSUMER: "P2: the consumer is killed in the midst of its work",
    peers.POISON: "P9: one event can never be handled, 2 % of the others fail once",
}
SEEN_IN = {peers.CONSUMER: "effects", peers.POISON: "effects"}


def versions(peer: Peer) -> dict[str, str]:
    """Return the versions of what a peer runs on."""
    if peer.relay == "debezium":
        return {part.split(":")[1]: part.split(":")[2] for part in (debezium.CONNECTOR, debezium.CONNECT)}
    return versions_of(peer.environment, peer.packages)


def line(found: Found) -> str:
    """Return one finding for who waits."""
    if found.failed is not None:
        return f"{found.peer}, {found.scenario}: not measured: {found.failed}"
    parts = [f"{name} {value:,.2f}" for name, value in found.figures.items()]
    if found.tally is not None:
        parts += [f"{name} {value:,}" for name, value in found.tally.as_dict().items()]
    return f"{found.peer}, {found.scenario}: {', '.join(parts + found.said)}"


def as_json(found: Sequence[Found], skipped: dict[str, str], card: dict[str, str]) -> str:
    """Return all of it for programs."""
    told: dict[str, Any] = {"card": card, "found": [asdict(one) for one in found], "skipped": skipped}
    told["versions"] = {peer.name: versions(peer) for peer in PEERS}
    return json.dumps(told, indent=1)


def document(found: Sequence[Found], skipped: dict[str, str], card: dict[str, str], command: str) -> str:
    """Return docs/peers.md."""
    lines = [
        "# The peers",
        "",
        f"Written by `{command}`: what others use for the way from a change to its effect, beside ours, in one run on one "
        "machine. Each has its documented settings, its own processes, and in every scenario a fresh database and topic. "
        "The same commands go to all: a thing's version counts up in PostgreSQL, and an event tells of it. What was lost, "
        "doubled or reordered is counted by comparing the database with the log, or with the effects of the consumer.",
        "",
        ", ".join(f"{name} {value}" for name, value in card.items()) + ", `wal_level=logical`",
        "",
        "*Lost*: committed, and never seen. *Phantom*: seen, and never committed. *Doubled*: seen again, each time counted; on "
        "the wire that is for the reader to stand, in effects it is a fault. *Reordered*: first seen after a later event of "
        "its key. An event counts as lost when nothing new came for longer than the peer's own leases and retries.",
        "",
        *_speed(found),
    ]
    for scenario, title in TITLES.items():
        lines += _faults(title, [one for one in found if one.scenario == scenario], SEEN_IN.get(scenario, "the log"))
    return "\n".join([*lines, *_skips(found, skipped), *_settings()])


def _speed(found: Sequence[Found]) -> list[str]:
    lines = [
        "## Speed",
        "",
        "Backlog: rows that become visible by one commit, until the log holds them; who has no outbox tells of as many "
        "changes from memory, 16 at a time. Latency: from the start of a command until a reader has its record, 500 commands "
        "a second wanted.",
        "",
        "| who | backlog, rows/s (min / median / max) | latency p50 ms | p99 ms | commands/s reached |",
        "|---|---|---|---|---|",
    ]
    for peer in PEERS:
        mine = [one for one in found if one.peer == peer.name and one.failed is None]
        rates = [one.figures["rows/s"] for one in mine if one.scenario == peers.RATE]
        timed = next((one.figures for one in mine if one.scenario == peers.LATENCY), None)
        if rates or timed:
            spread = f"{min(rates):,.0f} / {median(rates):,.0f} / {max(rates):,.0f}" if rates else "–"
            waits = [f"{timed[name]:,.1f}" for name in ("p50 ms", "p99 ms")] if timed else ["–", "–"]
            reached = f"{timed['commands/s']:,.0f}" if timed else "–"
            lines.append(f"| {peer.name} | {spread} | {waits[0]} | {waits[1]} | {reached} |")
    return [*lines, ""]


def _faults(title: str, rows: Sequence[Found], seen_in: str) -> list[str]:
    if not rows:
        return []
    lines = [
        f"## {title}",
        "",
        f"| who | changes | lost | phantom | doubled in {seen_in} | reordered | |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in rows:
        if one.tally is not None:
            t = one.tally
            figures = f"{t.expected:,} | {t.lost:,} | {t.phantom:,} | {t.doubled:,} | {t.reordered:,}"
            lines.append(f"| {one.peer} | {figures} | {'; '.join(one.said)} |")
    return [*lines, ""]


def _skips(found: Sequence[Found], skipped: dict[str, str]) -> list[str]:
    lines = [f"* {name}: skipped. {why}" for name, why in skipped.items()]
    lines += [f"* {one.peer}, {one.scenario}: not measured. {one.failed}" for one in found if one.failed is not None]
    return ["## Skipped, and not measured", "", *(lines or ["Nothing."]), ""]


def _settings() -> list[str]:
    lines = ["## Versions and settings", ""]
    for peer in PEERS:
        told = ", ".join(f"{name} {version}" for name, version in versions(peer).items())
        lines += [f"**{peer.name}** ({told}): {peer.what}.", "", *(f"* {setting}" for setting in peer.settings), ""]
    return lines
