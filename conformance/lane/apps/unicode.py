"""한글로 쓴 앱: 이름, 문자열, 출력, 예외."""

import json
import unicodedata

from spin_sdk.http import IncomingHandler, Request, Response

인사 = {"안녕": "세상", "emoji": "🐍", "combining": "é", "null": "\0", "max": "\U0010ffff"}
print("가져올 때 출력")


class 오류(Exception):
    """이름이 한글인 예외."""


class IncomingHandler(IncomingHandler):
    def handle_request(self, request: Request) -> Response:
        print("요청", request.uri, "\udc80".encode("utf-8", "surrogateescape"))
        if request.uri == "/error":
            raise 오류("실패했습니다 🐍")
        if request.uri == "/surrogate":
            print("\ud800")
        body = json.dumps(
            [인사, unicodedata.normalize("NFD", "한글"), ascii("한"), sorted("가나다라")], ensure_ascii=False
        )
        return Response(
            200,
            {"content-type": "text/plain; charset=utf-8", "x-이름": "값"} if request.uri == "/header" else {},
            body.encode(),
        )
