"""The running service as its acceptance tests see it: one door, a tenant of their own, and another that is a stranger.

From the environment: ACCEPTANCE_URL, ACCEPTANCE_CA (a file), ACCEPTANCE_TOKEN (an operator's), ACCEPTANCE_STRANGER.
"""

from __future__ import annotations

import http.client
import json
import os
import ssl
import time
import unittest
import urllib.parse
import uuid
from dataclasses import dataclass
from typing import Any

FINISHED = {"succeeded", "failed", "cancelled"}
TEXT = "The miller took the grain to the mill. It was ground to flour, and the baker made bread of it."
_ANSWER_S = 10.0
_JOB_S = 120.0
_LOOK_EVERY_S = 0.1


@dataclass(frozen=True)
class Answer:
    """What came back; `body` is the JSON, None where there is none."""

    status: int
    headers: dict[str, str]
    body: Any


class Service:
    """Requests with one token; without one where it is empty."""

    def __init__(self, token: str) -> None:
        self._token = token
        url = urllib.parse.urlsplit(os.environ["ACCEPTANCE_URL"])
        self._address = (url.hostname, url.port)
        self._context = ssl.create_default_context(cafile=os.environ["ACCEPTANCE_CA"])

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def post(self, path: str, body: Any = None, *, key: str = "") -> Answer:
        """Post JSON, or text as it is."""
        text = body if isinstance(body, str) else json.dumps(body) if body is not None else ""
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        return self.ask("POST", path, text.encode(), headers)

    def ask(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Answer:
        given = dict(headers or {})
        if self._token:
            given["Authorization"] = f"Bearer {self._token}"
        connection = http.client.HTTPSConnection(*self._address, timeout=_ANSWER_S, context=self._context)
        try:
            connection.request(method, path, body or None, given)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, json.loads(content) if content else None)


class AcceptanceTest(unittest.TestCase):
    """A test with the service at hand; what it leaves unfinished is cancelled."""

    def setUp(self) -> None:
        self.service = Service(os.environ["ACCEPTANCE_TOKEN"])
        self.stranger = Service(os.environ["ACCEPTANCE_STRANGER"])
        self.nobody = Service("")

    def submitted(self, text: str = TEXT, *, key: str = "", **more: str) -> str:
        """The id of a job that was taken in."""
        source = more if "document" in more else {"text": text, **more}
        answer = self.service.post("/v1/jobs", {"title": self._testMethodName, **source}, key=key or str(uuid.uuid4()))
        self.assertEqual(answer.status, 202, answer.body)
        self.addCleanup(self.service.post, f"/v1/jobs/{answer.body['id']}/cancel")
        return answer.body["id"]

    def finished(self, job: str) -> dict[str, Any]:
        """The job when it is over."""
        end = time.monotonic() + _JOB_S
        while True:
            answer = self.service.get(f"/v1/jobs/{job}")
            self.assertEqual(answer.status, 200, answer.body)
            if answer.body["state"] in FINISHED:
                return answer.body
            self.assertLess(time.monotonic(), end, f"the job is {answer.body['state']} after {_JOB_S:g} s")
            time.sleep(_LOOK_EVERY_S)
