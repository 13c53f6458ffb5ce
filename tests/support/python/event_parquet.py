"""Reads the parts of `lms events export --format parquet` with Apache Arrow and prints the types of the columns, then each event.

    event_parquet.py DIRECTORY
"""

import json
import sys
from pathlib import Path

import pyarrow.parquet as parquet


def plain(value):
    return value.hex() if isinstance(value, bytes) else value


for part in sorted(Path(sys.argv[1]).glob("*.parquet")):
    schema = parquet.ParquetFile(part).schema
    columns = [schema.column(index) for index in range(len(schema))]
    print(json.dumps({column.name: str(column.logical_type) for column in columns}))
    for row in parquet.read_table(part).to_pylist():
        for name in ("at", "created_at"):
            row[name] = row[name].isoformat(timespec="microseconds").replace("+00:00", "Z")
        row["state"] = json.loads(row["state"]) if isinstance(row["state"], str) else json.loads(row["state"].decode())
        print(json.dumps({name: str(value) if hasattr(value, "hex") and hasattr(value, "fields") else plain(value) for name, value in row.items()}))
