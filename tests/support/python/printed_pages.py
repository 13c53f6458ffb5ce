"""Prints width and height in points and the text of each page of a PDF file as a JSON list."""

import json
import sys

from pypdf import PdfReader

pages = [
    {"width": float(page.mediabox.width), "height": float(page.mediabox.height), "text": page.extract_text()}
    for page in PdfReader(sys.argv[1]).pages
]
json.dump(pages, sys.stdout)
