"""Prints the heads of a signed file, once a JOSE library that is not ours has found the signature to be that of the key.

    signed_heads.py HEADS PUBLIC_KEY
"""

import sys
from pathlib import Path

import jwt

text = Path(sys.argv[1]).read_text().strip()
key = Path(sys.argv[2]).read_text()
print(jwt.PyJWS().decode(text, key, algorithms=["EdDSA"]).decode())
