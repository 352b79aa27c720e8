"""JSON text with exact decimals."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any


def to_json(value: Any, indent: str = "") -> str:
    """JSON text in which a Decimal is a number with all its digits (json would make it a float)."""
    deeper = indent + "  "
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping) and value:
        pairs = (f"{json.dumps(str(key))}: {to_json(item, deeper)}" for key, item in value.items())
        return "{\n" + ",\n".join(deeper + pair for pair in pairs) + f"\n{indent}}}"
    if isinstance(value, (list, tuple)) and value:
        return "[\n" + ",\n".join(deeper + to_json(item, deeper) for item in value) + f"\n{indent}]"
    if isinstance(value, float) and not math.isfinite(value):
        return json.dumps(str(value))
    return json.dumps([] if value == () else value)
