"""Verifies the signature of a file of heads with an independent JOSE library, and prints the heads.

    signed_heads.py HEADS PUBLIC_KEY
"""

import sys
from pathlib import Path

import jwt

text = Path(sys.argv[1]).read_text().strip()
key = Path(sys.argv[2]).read_text()
print(jwt.PyJWS().decode(text, key, algorithms=["EdDSA"]).decode())
