"""Verifies a message with the library of Standard Webhooks, and prints its content.

    verify_webhook.py SECRET ID TIMESTAMP SIGNATURE BODY

Fails if the library rejects the message.
"""

import json
import sys

from standardwebhooks.webhooks import Webhook

secret, identifier, timestamp, signature, body = sys.argv[1:]
headers = {"webhook-id": identifier, "webhook-timestamp": timestamp, "webhook-signature": signature}
print(json.dumps(Webhook(secret).verify(body, headers)))
