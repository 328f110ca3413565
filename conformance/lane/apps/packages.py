"""Eight packages of the index, each used at import and in a request."""

import datetime
import json

import attrs
import click
import dateutil.parser
import markdown
import pygments
import pyparsing
import sqlparse
import tomlkit
from dateutil.relativedelta import relativedelta
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from spin_sdk.http import IncomingHandler, Request, Response

NUMBER = pyparsing.Word(pyparsing.nums)
EXPRESSION = NUMBER + pyparsing.Literal("+") + NUMBER
PAGE = markdown.markdown("# Title\n\n* one\n* two")


@attrs.define
class Point:
    x: int
    y: int = 2


@click.command()
@click.option("--name", default="world")
def command(name: str) -> None:
    click.echo(f"hello {name}")


class IncomingHandler(IncomingHandler):
    def handle_request(self, request: Request) -> Response:
        document = tomlkit.parse("a = 1 # one\n")
        document["b"] = [1, 2]
        told = {
            "date": (dateutil.parser.parse("2026-11-27T10:00:00") + relativedelta(months=1)).isoformat(),
            "page": PAGE,
            "point": repr(Point(1)),
            "parsed": EXPRESSION.parse_string("1 + 2").as_list(),
            "sql": sqlparse.format("select a from b where c=1", reindent=True, keyword_case="upper"),
            "toml": tomlkit.dumps(document),
            "options": [option.name for option in command.params],
            "code": pygments.highlight("x = 1", PythonLexer(), HtmlFormatter()),
            "weekday": datetime.date(2026, 11, 27).isoweekday(),
        }
        return Response(200, {"content-type": "application/json"}, json.dumps(told).encode())
