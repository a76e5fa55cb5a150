"""Hand an order over and read it, with the Python client that `make clients` makes: python call.py URL KEY ORDER.json"""

import json
import sys
from pathlib import Path

from shukka_client import AuthenticatedClient
from shukka_client.api.orders import accept_order, read_order
from shukka_client.models import OrderDocument, OrderReference, ShownOrder


def main(url: str, key: str, file: str) -> None:
    """Print the order's state and what is due for it, in yen."""
    with AuthenticatedClient(base_url=url, token=key) as client:
        document = OrderDocument.from_dict(json.loads(Path(file).read_text("utf-8")))
        taken = accept_order.sync(client=client, body=document)
        if not isinstance(taken, OrderReference):
            sys.exit(f"refused: {taken}")
        order = read_order.sync(taken.shop, taken.number, client=client)
        if isinstance(order, ShownOrder):
            print(order.number, order.state, order.payment.amount)


if __name__ == "__main__":
    main(*sys.argv[1:])
