"""As the SDK's example of matrices, without numpy, which has no wheel for WebAssembly: JSON in, the product out."""

import json
from fractions import Fraction
from itertools import product

from spin_sdk.http import IncomingHandler, Request, Response


class IncomingHandler(IncomingHandler):
    def handle_request(self, request: Request) -> Response:
        left, right = json.loads(request.body)
        result = [[Fraction(0)] * len(right[0]) for _ in left]
        for row, column, inner in product(range(len(left)), range(len(right[0])), range(len(right))):
            result[row][column] += Fraction(left[row][inner]) * Fraction(right[inner][column])
        return Response(
            200, {"content-type": "application/json"}, json.dumps([[str(x) for x in r] for r in result]).encode()
        )
