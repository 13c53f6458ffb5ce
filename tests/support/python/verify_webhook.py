"""Verifies a message as Standard Webhooks' own library does, and prints what is in it.

    verify_webhook.py SECRET ID TIMESTAMP SIGNATURE BODY

Fails when the library refuses it.
"""

import json
import sys

from standardwebhooks.webhooks import Webhook

secret, identifier, timestamp, signature, body = sys.argv[1:]
headers = {"webhook-id": identifier, "webhook-timestamp": timestamp, "webhook-signature": signature}
print(json.dumps(Webhook(secret).verify(body, headers)))
