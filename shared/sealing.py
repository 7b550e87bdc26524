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
from collections.abc import Collection, Sequence
from contextlib import suppress
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
_MARKS = b"naikkelas marks"
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


class _Key:
    """A key-encryption key, and what is derived from it."""

    __slots__ = ("cipher", "id", "marking")

    def __init__(self, text: str) -> None:
        try:
            raw = b64decode(text, validate=True)
        except Base64Error:
            raise ValueError("KEY_ENCRYPTION_KEY is not base64") from None
        if len(raw) != KEY_BYTES:
            raise ValueError(f"KEY_ENCRYPTION_KEY holds {len(raw)} bytes, expected {KEY_BYTES}")
        self.cipher = AESGCM(raw)
        self.marking = hmac_digest(raw, _MARKS, "sha256")
        self.id = sha256(b"naikkelas kek" + raw).hexdigest()[:16]

    def open(self, wrapped: bytes, bound_to: bytes) -> bytes | None:
        """Return what is wrapped; ``None`` if not by this key, or bound to something else."""
        try:
            return self.cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], bound_to)
        except (InvalidTag, ValueError):
            return None


class KeyRing:
    """Wraps keys under key-encryption keys, which come from settings and are never stored. The first wraps, and all open.

    ``kek_id`` names the first, ``kek_ids`` all in their order: 16 hex digits that tell nothing of the key.
    """

    def __init__(self, key_encryption_keys: str) -> None:
        """Take keys as base64 of 32 bytes, one a line. Raises ``ValueError`` otherwise."""
        self._keys = {key.id: key for key in map(_Key, key_encryption_keys.split())}
        if not self._keys:
            raise ValueError("KEY_ENCRYPTION_KEY holds no key")
        self.kek_ids = tuple(self._keys)
        self.kek_id = self.kek_ids[0]
        self._first = self._keys[self.kek_id]
        self._marking = {key.id: key.marking for key in self._keys.values()}

    def mark(self, text: str) -> bytes:
        """Return 32 bytes by which ``text`` is known again, and which nobody can make or try without the first key."""
        return hmac_digest(self._first.marking, text.encode(), "sha256")

    def marks(self, text: str) -> list[bytes]:
        """Return every mark that ``text`` may have: under the keys of the settings, and those learned of keys before them."""
        return [hmac_digest(key, text.encode(), "sha256") for key in self._marking.values()]

    def marking_keys(self, stored: Collection[str] = ()) -> list[tuple[str, bytes]]:
        """Return what makes the marks of older keys, by ``kek_id``, wrapped under the first: so marks outlive their key.

        That of the first is among them if it is ``stored``: as an older one it was wrapped under another key.
        """
        older = [(kek_id, key) for kek_id, key in self._marking.items() if kek_id != self.kek_id or kek_id in stored]
        nonces = _random(len(older), NONCE_BYTES)
        return [
            (kek_id, nonce + self._first.cipher.encrypt(nonce, key, _MARKS + kek_id.encode()))
            for (kek_id, key), nonce in zip(older, nonces, strict=True)
        ]

    def learn_marking_key(self, kek_id: str, wrapped: bytes) -> None:
        """Know the marks of a key that is in the settings no more. Raises ``UnreadableError`` if no key opens it."""
        if kek_id not in self._marking:
            self._marking[kek_id] = self._open(wrapped, _MARKS + kek_id.encode())

    def wrap(self, owner_id: UUID, key: bytes) -> bytes:
        """Return ``key`` wrapped for storage, bound to its owner: 60 bytes."""
        return self.wrap_all([(owner_id, key)])[0]

    def wrap_all(self, keys: Sequence[tuple[UUID, bytes]]) -> list[bytes]:
        """Return the keys of owners wrapped for storage."""
        encrypt, nonces = self._first.cipher.encrypt, _random(len(keys), NONCE_BYTES)
        return [
            nonce + encrypt(nonce, key, owner_id.bytes) for (owner_id, key), nonce in zip(keys, nonces, strict=True)
        ]

    def unwrap(self, owner_id: UUID, wrapped: bytes) -> bytes:
        """Return the owner's key. Raises ``UnreadableError`` under other key-encryption keys or another owner."""
        return self._open(wrapped, owner_id.bytes)

    def rewrap_all(self, wrapped: Sequence[tuple[UUID, bytes]]) -> list[tuple[UUID, bytes]]:
        """Return what is wrapped, by owner, under the first key; what none of the keys opens is left out."""
        opened = []
        for owner_id, text in wrapped:
            with suppress(UnreadableError):
                opened.append((owner_id, self.unwrap(owner_id, text)))
        return [(owner_id, text) for (owner_id, _), text in zip(opened, self.wrap_all(opened), strict=True)]

    def _open(self, wrapped: bytes, bound_to: bytes) -> bytes:
        for key in self._keys.values():
            if (found := key.open(wrapped, bound_to)) is not None:
                return found
        raise UnreadableError("wrapped key does not open under this key-encryption key")
