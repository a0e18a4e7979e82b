"""Records with a hash of their content, so that a reader notices a flipped bit.

    seal = SHA-256 of the record without its seal, as JSON with sorted keys and no spaces

A seal detects accidents. It is not a signature: an edited record can be sealed again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

KEY = "seal"


def digest(record: Mapping[str, Any]) -> str:
    """The hash of a record of JSON values, without its seal."""
    content = {key: value for key, value in record.items() if key != KEY}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def sealed(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with its seal, as the last key."""
    content = {key: value for key, value in record.items() if key != KEY}
    return {**content, KEY: digest(content)}


def verify(record: object) -> None:
    """Raises ValueError if a record differs from what was sealed."""
    if not isinstance(record, dict):
        raise ValueError("it is not a JSON object")
    if KEY not in record:
        raise ValueError(f"it has no `{KEY}`")
    if record[KEY] != digest(record):
        raise ValueError("its content differs from what was written: its hash is another")
