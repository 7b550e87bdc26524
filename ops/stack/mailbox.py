"""The mailbox of the local stack: a real SMTP server that keeps each mail as a file and delivers none.

Run as ``python -m ops.stack.mailbox FOLDER PORT``. With ``FOLDER PORT CALLBACK`` behind these, it serves WhatsApp and an
SMS gateway too, whose messages go to a folder of their own and whose receipts to the API at that address.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from ops.providers.provider import serve as serve_providers
from ops.stack.processes import HOST
from ops.stack.telephones import make_providers
from shared.process import run_process

LARGEST_MAIL = 10 * 1024 * 1024


class Mailbox:
    """Keeps mails as ``<number>.eml`` in a folder; a mail is there whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(len(list(folder.glob("*.eml"))) + 1)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        """Keep a mail. The SMTP envelope goes into two header lines above it."""
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content or "").encode()
        head = f"X-Envelope-From: {envelope.mail_from}\r\nX-Envelope-To: {', '.join(envelope.rcpt_tos)}\r\n"
        path = self._folder / f"{next(self._numbers):06}.eml"
        temporary = path.with_suffix(f".{os.getpid()}")
        try:
            temporary.write_bytes(head.encode() + content)
            temporary.replace(path)
        except OSError as error:
            return f"452 cannot store the mail: {error.strerror}"
        return "250 OK"


@asynccontextmanager
async def telephones(arguments: Sequence[str]) -> AsyncIterator[None]:
    """Serve the telephones until the block ends, if ``arguments`` (folder, port, callback) name any."""
    if not arguments:
        yield
        return
    folder, port, callback = Path(arguments[0]), int(arguments[1]), arguments[2]
    async with serve_providers(*make_providers(os.environ, folder, callback), host=HOST, port=port):
        yield


def serve(folder: Path, port: int, further: Sequence[str] = ()) -> int:
    """Serve until a signal comes and return the exit code."""
    box = Mailbox(folder)

    def session() -> SMTP:
        return SMTP(box, hostname="localhost", ident="naikkelas", data_size_limit=LARGEST_MAIL, enable_SMTPUTF8=True)

    def main(stop: asyncio.Event) -> Coroutine[Any, Any, None]:
        return _serve(session, port, further, stop)

    return run_process(main)


async def _serve(session: Any, port: int, further: Sequence[str], stop: asyncio.Event) -> None:
    async with telephones(further):
        server = await asyncio.get_running_loop().create_server(session, HOST, port)
        async with server:
            await stop.wait()


if __name__ == "__main__":
    sys.exit(serve(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
