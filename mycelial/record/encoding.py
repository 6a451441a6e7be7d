"""JSON as it is stored, written by one encoder that is made once.

The standard library makes one in C for each value that it is given: for the short values that are stored
with nearly every event that takes as long as the rest.
"""

from __future__ import annotations

import json
from collections.abc import Callable


def encoder(item_separator: str = ",", key_separator: str = ":") -> Callable[[object], str]:
    """Return a function that gives what `json.dumps` does, with these separators.

    What refers to itself is not looked for.
    """
    plain = json.JSONEncoder(separators=(item_separator, key_separator), check_circular=False)
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return plain.encode
    text = json.encoder.encode_basestring_ascii
    in_c = make(None, plain.default, text, None, key_separator, item_separator, False, False, True)

    def encode(value: object) -> str:
        return "".join(in_c(value, 0))

    return encode
