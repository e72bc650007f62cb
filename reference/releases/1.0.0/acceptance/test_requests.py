"""What release 1.0 promises about any request."""

from __future__ import annotations

import uuid

from service import AcceptanceTest

_SOUND = {"title": "a", "text": "b"}
_BODIES = (
    "",
    "{",
    "[]",
    {},
    {"title": "a"},
    {"text": "b"},
    {**_SOUND, "title": ""},
    {**_SOUND, "title": "a" * 201},
    {**_SOUND, "title": "a\x00"},
    {**_SOUND, "text": ""},
    {**_SOUND, "text": 1},
    {**_SOUND, "type": "no-such-type"},
    {**_SOUND, "colour": "blue"},
    {**_SOUND, "document": "Yg==", "media_type": "text/plain"},
    {"title": "a", "document": "Yg=="},
    {"title": "a", "document": "no base64", "media_type": "text/plain"},
    {"title": "a", "document": "Yg==", "media_type": "image/png"},
)
_PATHS = (
    "/v1/jobs?limit=0",
    "/v1/jobs?limit=201",
    "/v1/jobs?limit=many",
    "/v1/jobs?state=lost",
    "/v1/jobs?cursor=nonsense",
    "/v1/jobs?created_after=yesterday",
    "/v1/jobs/nonsense",
    f"/v1/jobs/{uuid.UUID(int=0)}",
    f"/v1/jobs/{uuid.UUID(int=0)}/result?q=%00",
    "/v1/nothing",
    "/metrics",
)


class Requests(AcceptanceTest):
    def test_a_bad_body_is_the_client_s_error(self) -> None:
        for body in _BODIES:
            with self.subTest(body=body):
                self.assertIn(self.service.post("/v1/jobs", body).status, range(400, 500))

    def test_a_bad_key_is_the_client_s_error(self) -> None:
        for key in ("a" * 201, "with space"):
            with self.subTest(key=key):
                self.assertIn(self.service.post("/v1/jobs", _SOUND, key=key).status, range(400, 500))

    def test_a_bad_address_is_the_client_s_error(self) -> None:
        for path in _PATHS:
            with self.subTest(path=path):
                self.assertIn(self.service.get(path).status, range(400, 500))

    def test_the_service_lives_is_ready_and_says_its_release(self) -> None:
        self.assertEqual(self.nobody.get("/healthz").status, 200)
        self.assertEqual(self.nobody.get("/readyz").status, 200)
        version = self.nobody.get("/version")
        self.assertEqual(version.status, 200)
        self.assertTrue(version.body["release"])
