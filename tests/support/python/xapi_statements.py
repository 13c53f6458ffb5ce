"""Validates xAPI statements against the part of version 1.0.3 of the Experience API that ours use, and counts them by verb.

    xapi_statements.py DIRECTORY
"""

import collections
import json
import sys
from pathlib import Path

import jsonschema

IRI = {"type": "string", "format": "uri", "pattern": "^https?://"}
LANGUAGES = {"type": "object", "patternProperties": {"^[a-z]{2}(-[A-Z]{2})?$": {"type": "string"}}, "additionalProperties": False}
ACTIVITY = {
    "type": "object",
    "required": ["objectType", "id"],
    "additionalProperties": False,
    "properties": {
        "objectType": {"const": "Activity"},
        "id": IRI,
        "definition": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"type": IRI, "name": LANGUAGES},
        },
    },
}
STATEMENT = {
    "type": "object",
    "required": ["id", "actor", "verb", "object", "timestamp", "version"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"},
        "actor": {
            "type": "object",
            "required": ["objectType", "account"],
            "additionalProperties": False,
            "properties": {
                "objectType": {"const": "Agent"},
                "account": {
                    "type": "object",
                    "required": ["homePage", "name"],
                    "additionalProperties": False,
                    "properties": {"homePage": IRI, "name": {"type": "string", "format": "uuid"}},
                },
            },
        },
        "verb": {
            "type": "object",
            "required": ["id"],
            "additionalProperties": False,
            "properties": {
                "id": {"enum": [f"http://adlnet.gov/expapi/verbs/{verb}" for verb in ("attended", "completed", "scored")]},
                "display": LANGUAGES,
            },
        },
        "object": ACTIVITY,
        "result": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "completion": {"type": "boolean"},
                "score": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "scaled": {"type": "number", "minimum": -1, "maximum": 1},
                        "raw": {"type": "number"},
                        "min": {"type": "number"},
                        "max": {"type": "number"},
                    },
                },
            },
        },
        "context": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "contextActivities": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"grouping": {"type": "array", "items": ACTIVITY}},
                },
            },
        },
        "timestamp": {"type": "string", "format": "date-time"},
        "version": {"const": "1.0.3"},
    },
}

validator = jsonschema.Draft202012Validator(STATEMENT, format_checker=jsonschema.FormatChecker())
verbs = collections.Counter()
ids = set()
for part in sorted(Path(sys.argv[1]).glob("*.xapi.ndjson")):
    for line in part.read_text().splitlines():
        statement = json.loads(line)
        validator.validate(statement)
        verbs[statement["verb"]["id"].rsplit("/", 1)[1]] += 1
        ids.add(statement["id"])
print(json.dumps({"verbs": verbs, "ids": len(ids)}))
