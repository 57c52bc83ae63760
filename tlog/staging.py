"""A batch of new tiles as one object: written before the head is swapped, replayed after a crash.

A staged batch promises nothing by itself: it holds no signature. It becomes part of the log when the lock
holds the head whose size and root its key names, and is removed once its tiles are stored.
"""

import hashlib
import logging
import struct
from collections.abc import Mapping

from tlog.errors import Conflict, DamagedTree, StorageError
from tlog.storage import Storage

logger = logging.getLogger(__name__)

PREFIX = "staging/"
_MAGIC = b"mingjing staged batch 1\n"
_OBJECT = struct.Struct(">HI")


def staging_key(size: int, root: bytes) -> str:
    """Return the key of the batch that leads to the tree of this size and root."""
    return f"{PREFIX}{size}-{root.hex()}"


def staged_size(key: str) -> int:
    """Return the tree size that a staging key names, for telling old ones from new."""
    return int(key.removeprefix(PREFIX).partition("-")[0])


def encode(objects: Mapping[str, bytes]) -> bytes:
    """Return the batch: each object with its key, and a SHA-256 over all of it at the end."""
    parts = [_MAGIC]
    for key, data in objects.items():
        name = key.encode()
        parts += [_OBJECT.pack(len(name), len(data)), name, data]
    body = b"".join(parts)
    return body + hashlib.sha256(body).digest()


def store(storage: Storage, objects: Mapping[str, bytes]) -> None:
    """Store the objects of a batch; raises StorageError, Conflict for a tile that is there with other bytes.

    What lies beside the tree has the same bytes whenever it has the same key (``Sealed.objects``). So one of
    these that is there with other bytes is damaged, and is put right.
    """
    try:
        storage.create(objects)
    except Conflict:
        for key, data in objects.items():
            if not key.startswith("tile/") and _is_other(storage, key, data):
                logger.warning("%s was damaged; it is stored again", key)
                storage.replace(key, data)
        storage.create(objects)


def _is_other(storage: Storage, key: str, data: bytes) -> bool:
    try:
        return storage.read(key) != data
    except StorageError:
        return False


def decode(batch: bytes) -> dict[str, bytes]:
    """Return the objects of an encoded batch; raises DamagedTree if it is not whole."""
    body, digest = batch[:-32], batch[-32:]
    if not body.startswith(_MAGIC) or hashlib.sha256(body).digest() != digest:
        raise DamagedTree("the staged batch is damaged: its SHA-256 does not match")
    objects = {}
    at = len(_MAGIC)
    while at < len(body):
        name_size, data_size = _OBJECT.unpack_from(body, at)
        at += _OBJECT.size
        key = body[at : at + name_size].decode()
        at += name_size
        objects[key] = body[at : at + data_size]
        at += data_size
    return objects
