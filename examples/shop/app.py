"""HTTP in, JSON out: GET /shop/prices, POST /shop/total with {"item": count}."""

import json

from shop.basket import total
from shop.prices import PRICES, UnknownItemError
from spin_sdk.http import IncomingHandler, Request, Response

JSON = {"content-type": "application/json"}


class IncomingHandler(IncomingHandler):
    def handle_request(self, request: Request) -> Response:
        path = request.uri.split("?")[0]
        if request.method == "GET" and path == "/shop/prices":
            return Response(200, JSON, json.dumps(PRICES).encode())
        if request.method == "POST" and path == "/shop/total":
            return answer_total(request.body or b"{}")
        return Response(404, JSON, b'{"error": "not found"}')


def answer_total(body: bytes) -> Response:
    try:
        basket: dict[str, int] = json.loads(body)
        return Response(200, JSON, json.dumps({"total": total(basket)}).encode())
    except (ValueError, AttributeError):
        return Response(400, JSON, b'{"error": "expected a JSON object of item to count"}')
    except UnknownItemError as error:
        return Response(422, JSON, json.dumps({"error": str(error)}).encode())
