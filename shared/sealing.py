"""Personal fields sealed with AES-256-GCM under the key of the owner they speak of.

A sealed text names its owner and its content and is bound to both as associated data:
``nk1.<owner id, 32 hex digits>.<label>.<base64url of nonce + ciphertext>``. Whoever copies it copies
nothing readable; whoever deletes the owner's key has erased every copy.
Source of the construction: NIST SP 800-38D, random 96-bit nonces; one owner's key seals far fewer than 2**32 texts.
"""

from __future__ import annotations

import os
from base64 import b64decode, urlsafe_b64decode
from binascii import Error as Base64Error
from binascii import b2a_base64
from collections.abc import Sequence
from hashlib import sha256
from hmac import digest as hmac_digest
from struct import iter_unpack
from typing import TypeVar
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import ValidationError

from shared.contracts.fact import PersonalFields

SCHEME = "nk1"
KEY_BYTES = 32
NONCE_BYTES = 12
_TO_URLSAFE = bytes.maketrans(b"+/", b"-_")

PersonalT = TypeVar("PersonalT", bound=PersonalFields)


class UnreadableError(ValueError):
    """A sealed text that this key does not open: another owner's, changed, or not a seal."""


def _random(count: int, size: int) -> list[bytes]:
    """Return ``count`` pieces of random bytes, all of one call to the operating system."""
    return [piece for (piece,) in iter_unpack(f"{size}s", os.urandom(count * size))]


def new_keys(count: int) -> list[bytes]:
    """Return fresh keys for so many owners: 32 random bytes each."""
    return _random(count, KEY_BYTES)


def new_key() -> bytes:
    """Return a fresh key for one owner: 32 random bytes."""
    return os.urandom(KEY_BYTES)


class OwnerSeal:
    """An owner's key made ready, where more than one text is sealed under it."""

    __slots__ = ("_cipher", "_head")

    def __init__(self, key: bytes, owner_id: UUID) -> None:
        self._cipher = AESGCM(key)
        self._head = f"{SCHEME}.{owner_id.hex}."

    def _text(self, label: str, plain: bytes, nonce: bytes) -> str:
        head = self._head + label
        body = nonce + self._cipher.encrypt(nonce, plain, head.encode())
        return f"{head}.{b2a_base64(body, newline=False).translate(_TO_URLSAFE, b'=').decode()}"


def seal_texts(label: str, texts: Sequence[tuple[OwnerSeal, bytes]]) -> list[str]:
    """Return each text sealed under its owner's key, bound to the owner and the label."""
    nonces = _random(len(texts), NONCE_BYTES)
    return [seal._text(label, plain, nonce) for (seal, plain), nonce in zip(texts, nonces, strict=True)]


def seal_text(key: bytes, owner_id: UUID, label: str, plain: bytes) -> str:
    """Return ``plain`` sealed under ``key``, bound to the owner and the label."""
    return seal_texts(label, [(OwnerSeal(key, owner_id), plain)])[0]


def seal(key: bytes, owner_id: UUID, personal: PersonalFields) -> str:
    """Return the personal part of a fact sealed under its owner's key."""
    return seal_text(key, owner_id, personal.LABEL, personal.model_dump_json().encode())


def _split(sealed: str) -> tuple[str, str, str, str]:
    parts = sealed.split(".")
    if len(parts) != 4 or parts[0] != SCHEME:
        raise UnreadableError("not a sealed text")
    return parts[0], parts[1], parts[2], parts[3]


def owner_of(sealed: str) -> UUID:
    """Return the id of the owner whose key opens ``sealed``."""
    try:
        return UUID(hex=_split(sealed)[1])
    except ValueError:
        raise UnreadableError("not a sealed text") from None


def open_text(key: bytes, sealed: str) -> bytes:
    """Return what ``sealed`` holds. Raises ``UnreadableError`` if the key or the text is wrong."""
    scheme, owner, label, encoded = _split(sealed)
    try:
        body = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
        return AESGCM(key).decrypt(body[:NONCE_BYTES], body[NONCE_BYTES:], f"{scheme}.{owner}.{label}".encode())
    except (InvalidTag, Base64Error, ValueError):
        raise UnreadableError("this key does not open this text") from None


def open_sealed(key: bytes, sealed: str, model: type[PersonalT]) -> PersonalT:
    """Return the personal part that ``sealed`` holds.

    Raises ``UnreadableError`` if the key is not the owner's, the text was changed, or it holds another kind.
    """
    if _split(sealed)[2] != model.LABEL:
        raise UnreadableError(f"sealed text does not hold {model.LABEL}")
    try:
        return model.model_validate_json(open_text(key, sealed))
    except ValidationError:
        raise UnreadableError(f"sealed text does not fit {model.__name__}") from None


class KeyRing:
    """Wraps owners' keys under the key-encryption key, which comes from settings and is never stored."""

    def __init__(self, key_encryption_key: str) -> None:
        """Take the key-encryption key as base64 of 32 bytes. Raises ``ValueError`` otherwise."""
        try:
            raw = b64decode(key_encryption_key, validate=True)
        except Base64Error:
            raise ValueError("KEY_ENCRYPTION_KEY is not base64") from None
        if len(raw) != KEY_BYTES:
            raise ValueError(f"KEY_ENCRYPTION_KEY holds {len(raw)} bytes, expected {KEY_BYTES}")
        self._cipher = AESGCM(raw)
        self._marking_key = hmac_digest(raw, b"naikkelas marks", "sha256")
        self.kek_id = sha256(b"naikkelas kek" + raw).hexdigest()[:16]

    def mark(self, text: str) -> bytes:
        """Return 32 bytes by which ``text`` is known again, and which nobody can make or try without this key."""
        return hmac_digest(self._marking_key, text.encode(), "sha256")

    def wrap(self, owner_id: UUID, key: bytes) -> bytes:
        """Return ``key`` wrapped for storage, bound to its owner: 60 bytes."""
        return self.wrap_all([(owner_id, key)])[0]

    def wrap_all(self, keys: Sequence[tuple[UUID, bytes]]) -> list[bytes]:
        """Return the keys of owners wrapped for storage."""
        encrypt, nonces = self._cipher.encrypt, _random(len(keys), NONCE_BYTES)
        return [
            nonce + encrypt(nonce, key, owner_id.bytes) for (owner_id, key), nonce in zip(keys, nonces, strict=True)
        ]

    def unwrap(self, owner_id: UUID, wrapped: bytes) -> bytes:
        """Return the owner's key. Raises ``UnreadableError`` under another key-encryption key or owner."""
        try:
            return self._cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], owner_id.bytes)
        except (InvalidTag, ValueError):
            raise UnreadableError("wrapped key does not open under this key-encryption key") from None
