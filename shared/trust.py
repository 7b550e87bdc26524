"""The authorities whose certificates a client of ours believes: the machine's, read once for each process.

Reading them takes some 60 ms of processor time, in which nothing else of the event loop moves.
"""

from __future__ import annotations

import ssl
from functools import cache

import httpx2


def trust_for(url: str) -> ssl.SSLContext | bool:
    """Return what a client for ``url`` takes as ``verify=``. Without TLS there is nobody to believe, and nothing is read.

    Such a client must not follow redirects. Certificates that the machine gets later count after a restart.
    """
    return False if url.startswith("http://") else _authorities()


@cache
def _authorities() -> ssl.SSLContext:
    return httpx2.create_ssl_context()
