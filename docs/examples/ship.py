"""A supplier's side in twenty lines: say that a shipment has left.

python docs/examples/ship.py http://127.0.0.1:8000 warehouse whsec_... SH-... yamato 444413758703
"""

import base64
import hashlib
import hmac
import json
import sys
import time
import urllib.request
import uuid
from datetime import UTC, datetime

base, supplier, secret, shipment, carrier, number = sys.argv[1:]
body = json.dumps(
    {
        "type": "shipment.shipped",
        "timestamp": datetime.now(UTC).isoformat(),
        "data": {"shipment": shipment, "carrier": carrier, "tracking_number": number},
    }
).encode()
event_id, timestamp = f"msg_{uuid.uuid4().hex}", str(int(time.time()))
key = base64.b64decode(secret.removeprefix("whsec_"))
signature = base64.b64encode(hmac.digest(key, f"{event_id}.{timestamp}.".encode() + body, hashlib.sha256)).decode()
request = urllib.request.Request(
    f"{base}/v1/webhooks/suppliers/{supplier}",
    data=body,
    headers={
        "content-type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{signature}",
    },
)
with urllib.request.urlopen(request, timeout=10) as answer:
    print(answer.status, answer.read().decode())
