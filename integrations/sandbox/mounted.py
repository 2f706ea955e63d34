"""The sandbox inside a requests session, without a socket.

    session.mount("http://sandbox", SandboxAdapter(app))

Everything happens in the caller's thread, so a simulation is the same each time it is played.
"""

import io
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPResponse
from urllib3.exceptions import ProtocolError

from integrations.sandbox.app import Request, SandboxApp, reason
from integrations.sandbox.replies import Reply


class SandboxAdapter(BaseAdapter):
    """Carries requests to the app; a fault looks as it would have looked over a socket."""

    def __init__(self, app: SandboxApp) -> None:
        super().__init__()
        self.app = app

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Answer in process. Raises ConnectionError for a reset and ReadTimeout for a slow answer.

        A slow answer is not waited for: a frozen clock moves on instead, by the time limit at most.
        """
        reply = self.app.answer(_request(request))
        if reply.delay:
            self._wait(reply, timeout, request)
        if reply.ending == "reset":
            reset = ProtocolError("Connection aborted.", ConnectionResetError("reset by peer"))
            raise requests.ConnectionError(reset, request=request)
        response = _response(request, reply)
        if not stream:
            # As requests does: reading the body is where a cut one is found out.
            response.content  # noqa: B018
        return response

    def close(self) -> None:
        """Nothing is held open."""

    def _wait(self, reply: Reply, timeout: Any, request: requests.PreparedRequest) -> None:
        limit = timeout[1] if isinstance(timeout, tuple) else timeout
        clock = self.app.world.clock
        if limit is not None and float(limit) < reply.delay:
            clock.sleep(float(limit))
            raise requests.ReadTimeout("Read timed out.", request=request)
        clock.sleep(reply.delay)


def _request(request: requests.PreparedRequest) -> Request:
    address = urlsplit(request.url or "")
    body = request.body or b""
    return Request(
        request.method or "GET",
        str(address.path),
        str(address.query),
        body.encode() if isinstance(body, str) else bytes(body),
        _text(request.headers.get("Authorization", "")),
        _text(request.headers.get("X-AUTH-TOKEN", "")),
    )


def _text(header: str | bytes) -> str:
    return header.decode("latin-1") if isinstance(header, bytes) else header


def _response(request: requests.PreparedRequest, reply: Reply) -> requests.Response:
    headers = {
        "Content-Type": reply.content_type,
        "Content-Length": str(len(reply.body)),
        **reply.headers,
    }
    response = requests.Response()
    response.status_code = reply.status
    response.reason = reason(reply.status)
    response.headers = CaseInsensitiveDict(headers)
    response.encoding = requests.utils.get_encoding_from_headers(response.headers)
    response.raw = HTTPResponse(
        body=io.BytesIO(reply.sent_body()),
        headers=headers,
        status=reply.status,
        preload_content=False,
        # As over a socket: fewer bytes than were announced are an error.
        enforce_content_length=True,
    )
    response.url = request.url or ""
    response.request = request
    return response
