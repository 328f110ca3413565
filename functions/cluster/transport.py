"""The way to the Kubernetes API over HTTP: connection pool, credentials and TLS, on the official client's `ApiClient`.

The client's package loads far more than that when it is imported as a whole. The deploy function's bundle ships the few
modules used here (`infra.tools.kubernetes_client`); what is imported below is the same in both.
"""

import functools
from collections.abc import Callable
from typing import Final

import urllib3
from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from functions.cluster.call import Call
from functions.cluster.connection import Connection
from functions.cluster.deadline import Deadline
from functions.cluster.errors import UnauthorizedError, UnreachableError
from functions.cluster.responses import error_in, transport_error, whole_body

FIELD_MANAGER: Final = "blue-faas"
"""Named in ``metadata.managedFields``, so that an operator sees who set what."""
_CONNECT_SECONDS: Final = 3.0
CALL_SECONDS: Final = 12.0
"""One call's share of the deadline: an API server answers in milliseconds, and for an admission webhook that hangs
after ten seconds (SpinKube's ``timeoutSeconds``). Waiting longer than that gets its answer: nothing was written."""


class Transport:
    """One connection pool for as long as the process lives; looks the cluster up again when it has moved."""

    def __init__(self, connect: Callable[[Deadline], Connection]) -> None:
        self._connect = connect
        self._connection: Connection | None = None
        self._client: ApiClient | None = None

    def send(self, call: Call) -> urllib3.BaseHTTPResponse:
        """Send a call and return its answer, unread, once its status is a good one.

        Raises
        ------
        ClusterError
            The server refused the call, or gave no answer.
        """
        try:
            response = self._request(call)
            if response.status == 401:  # Refused before anything was done, so once more with a new token is safe.
                response.close()
                self._connected(call.deadline).renew()
                response = self._request(call)
        except UnreachableError:
            self._forget()
            raise
        if response.status >= 400:
            error = error_in(call, response.status, whole_body(response, call), response.headers)
            if isinstance(error, UnauthorizedError):
                self._forget()
            raise error
        return response

    def _request(self, call: Call) -> urllib3.BaseHTTPResponse:
        client = self._signed_in(call.deadline)
        seconds = call.budget(CALL_SECONDS)
        headers = {"Accept": "application/json"}
        if call.body is not None:
            headers["Content-Type"] = call.content_type
        request = client.param_serialize(
            call.method, call.path, header_params=headers, body=call.body, auth_settings=["BearerToken"]
        )
        try:
            answer = client.call_api(*request, _request_timeout=(min(_CONNECT_SECONDS, seconds), seconds))
        except ApiException as error:
            # The client raises this by itself for one thing only: the TLS handshake.
            raise UnreachableError(call.failure("the Kubernetes API's certificate is not the cluster's")) from error
        except HTTPError as error:
            raise transport_error(error, call) from error
        response: urllib3.BaseHTTPResponse = answer.response
        return response

    def _connected(self, deadline: Deadline) -> Connection:
        if self._connection is None:
            self._connection = self._connect(deadline)
        return self._connection

    def _signed_in(self, deadline: Deadline) -> ApiClient:
        if self._client is None:
            connection = self._connected(deadline)
            configuration = Configuration(host=connection.endpoint, retries=False)
            _sign_in(connection, configuration)
            # Called again before every request: tokens live for a minute.
            configuration.refresh_api_key_hook = functools.partial(_sign_in, connection)  # type: ignore[assignment]  # inferred from its None
            client = ApiClient(configuration)
            client.user_agent = FIELD_MANAGER
            # The client's configuration has no place for a context, its pools take one.
            client.rest_client.pool_manager.connection_pool_kw["ssl_context"] = connection.tls_context()
            self._client = client
        return self._client

    def _forget(self) -> None:
        """Look the cluster up again next time: it may have been made anew under its name."""
        self._connection = None
        if self._client is not None:
            self._client.rest_client.close()
            self._client = None


def _sign_in(connection: Connection, configuration: Configuration) -> None:
    configuration.api_key = {"BearerToken": f"Bearer {connection.token()}"}
