"""Computes the chain of a tenant's events from an export, as docs/reference/event-log-format.md specifies, and prints the last position and hash.

    event_chain.py DIRECTORY REDACTIONS

DIRECTORY has the parts of `lms events export --format ndjson`, and REDACTIONS is a CSV file with the position and the state's hash
of each redaction. The program parses the states and serializes them again, to compute their hashes itself.
"""

import csv
import hashlib
import json
import sys
import uuid
from pathlib import Path


class Number(str):
    """A number in its original notation."""


def string(text):
    short = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return '"' + "".join(short.get(c) or (f"\\u{ord(c):04x}" if c < " " else c) for c in text) + '"'


def text(value):
    """Returns the text of a jsonb value."""
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, str):
        return string(value)
    if isinstance(value, list):
        return "[" + ", ".join(text(item) for item in value) + "]"
    keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
    return "{" + ", ".join(f"{string(key)}: {text(value[key])}" for key in keys) + "}"


def events(directory):
    for part in sorted(Path(directory).glob("*.ndjson")):
        with part.open(encoding="utf-8", newline="\n") as lines:
            for line in lines:
                yield json.loads(line, parse_float=Number, parse_int=Number)


# The hashes of the states that erasures have redacted, by position. The file has the latest last, which replaces earlier ones.
redactions = {int(position): state_hash for position, state_hash in csv.reader(Path(sys.argv[2]).open())}
previous = bytes(32)
position = 0
for event in events(sys.argv[1]):
    position += 1
    state_hash = hashlib.sha256(uuid.UUID(event["salt"]).bytes + text(event["state"]).encode())
    if state_hash.hexdigest() != redactions.get(position, event["state_hash"]):
        raise SystemExit(f"position {position}: the state has another hash: {text(event['state'])}")
    columns = ["tenant_id", "position", "id", "entity", "entity_id", "kind", "actor", "request_id", "at", "created_at"]
    array = [event[column] for column in columns] + [event["state_hash"]]
    if array[1] != Number(position) or event["previous_hash"] != previous.hex():
        raise SystemExit(f"position {position}: does not follow the event before")
    previous = hashlib.sha256(previous + text(array).encode()).digest()
    if event["hash"] != previous.hex():
        raise SystemExit(f"position {position}: another hash for {text(array)}")
print(position, previous.hex())
