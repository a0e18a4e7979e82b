"""Records that carry a hash of their own content, so that a flipped bit is found where it is read.

    seal = SHA-256 of the record without its seal, as JSON with sorted keys and no spaces

A seal finds accidents. It is no signature: whoever means to change a record can seal it again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

KEY = "seal"


def digest(record: Mapping[str, Any]) -> str:
    """The hash of a record of JSON values, without its seal."""
    own = {key: value for key, value in record.items() if key != KEY}
    return hashlib.sha256(
        json.dumps(own, sort_keys=True, separators=(",", ":")).encode()
    ).hexdigest()


def sealed(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with its seal, as the last key."""
    own = {key: value for key, value in record.items() if key != KEY}
    return {**own, KEY: digest(own)}


def verify(record: object) -> None:
    """Raises ValueError where a record is not what was sealed."""
    if not isinstance(record, dict):
        raise ValueError("it is not a JSON object")
    if KEY not in record:
        raise ValueError(f"it has no `{KEY}`")
    if record[KEY] != digest(record):
        raise ValueError("it is not what was written: its content does not have the hash it states")
