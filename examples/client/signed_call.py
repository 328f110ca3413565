"""Calls the API with AWS Signature Version 4, which the authorizer `iam` asks for: any call, with curl's own options.

    python examples/client/signed_call.py POST $API/api/v1/build-and-push -F file=@app.py -F workspace_id=my-workspace
    python examples/client/signed_call.py GET "$API/api/v1/tasks/$TASK?workspace_id=my-workspace&wait=20"
    python examples/client/signed_call.py POST $API/api/v1/deploy -d '{"app_name": "my-function", ...}'

Credentials and region are those that the AWS CLI would use, temporary ones too (AWS_SESSION_TOKEN, roles, SSO). Prints
the answer's body; the exit code is 1 when the status is an error. Needs boto3 and requests.

curl signs most calls itself (--aws-sigv4), but not forms (-F): it signs an empty body in their place.
"""

import argparse
import os
import sys
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

import boto3
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest


def call(method, url, *, form=None, json_text=None, region=None):
    """Send one signed request; returns the `requests.Response`. ``form`` is a list of (name, value or open file)."""
    session = boto3.Session()
    region = region or os.environ.get("AWS_REGION") or session.region_name
    if region is None:
        sys.exit("Missing: the API's region; set AWS_REGION")
    credentials = session.get_credentials()
    if credentials is None:
        sys.exit("Missing: AWS credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE")
    files = [(name, value if hasattr(value, "read") else (None, value)) for name, value in form or []]
    headers = {} if json_text is None else {"Content-Type": "application/json"}
    # Prepared first: what is signed has to be the very body and query that are sent.
    prepared = requests.Request(method, _encoded(url), headers=headers, files=files, data=json_text).prepare()
    to_sign = AWSRequest(prepared.method, prepared.url, data=prepared.body or b"")
    SigV4Auth(credentials.get_frozen_credentials(), "execute-api", region).add_auth(to_sign)
    prepared.headers.update(dict(to_sign.headers))
    return requests.Session().send(prepared, timeout=60)


def _encoded(url):
    """The URL with each name and value of its query encoded as signatures want it."""
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    return urlunsplit(parts._replace(query=query))


def _field(text):
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE or NAME=@FILE")
    return name, open(value[1:], "rb") if value.startswith("@") else value


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Call the API with AWS Signature Version 4.")
    parser.add_argument("method")
    parser.add_argument("url")
    parser.add_argument("-F", dest="form", type=_field, action="append", metavar="NAME=VALUE", help="a field, or @FILE")
    parser.add_argument("-d", dest="json", metavar="JSON", help="a JSON body")
    parser.add_argument("--region", help="of the API; by default what the AWS CLI would use")
    given = parser.parse_args()
    answer = call(given.method, given.url, form=given.form, json_text=given.json, region=given.region)
    print(answer.text)
    sys.exit(0 if answer.ok else 1)
