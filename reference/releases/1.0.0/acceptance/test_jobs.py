"""What release 1.0 promises about jobs."""

from __future__ import annotations

import uuid

from service import TEXT, AcceptanceTest


class Jobs(AcceptanceTest):
    def test_a_text_becomes_passages_that_can_be_searched(self) -> None:
        job = self.submitted()
        done = self.finished(job)
        self.assertEqual((done["state"], done["type"], done["attempts"]), ("succeeded", "index", 1))
        self.assertTrue(done["release"])
        result = self.service.get(f"/v1/jobs/{job}/result")
        self.assertEqual(result.status, 200, result.body)
        self.assertEqual(result.body["summary"]["characters"], len(TEXT))
        self.assertGreaterEqual({stage["name"] for stage in result.body["stages"]}, {"validate", "extract", "chunk", "embed"})
        self.assertIn("miller", result.body["passages"][0]["content"])
        found = self.service.get(f"/v1/jobs/{job}/result?q=flour")
        self.assertGreater(found.body["passages"][0]["rank"], 0)
        self.assertEqual(self.service.get(f"/v1/jobs/{job}/result?q=submarine").body["passages"], [])

    def test_a_document_that_cannot_be_read_fails_and_says_why(self) -> None:
        done = self.finished(self.submitted(document="bm90IGEgcGRm", media_type="application/pdf"))
        self.assertEqual((done["state"], done["error"]["code"]), ("failed", "document-unreadable"))

    def test_a_key_stands_for_one_job(self) -> None:
        key = str(uuid.uuid4())
        job = self.submitted(key=key)
        self.assertEqual(self.submitted(key=key), job)
        self.assertEqual(
            self.service.post("/v1/jobs", {"title": "another", "text": "another"}, key=key).status, 409
        )

    def test_a_listing_gives_every_job_once_newest_first_by_state_and_page(self) -> None:
        made = [self.submitted() for _ in range(3)]
        for job in made:
            self.service.post(f"/v1/jobs/{job}/cancel")
        seen: list[str] = []
        cursor = ""
        while cursor is not None:
            page = self.service.get(f"/v1/jobs?state=cancelled&type=index&limit=2{cursor and f'&cursor={cursor}'}")
            self.assertEqual(page.status, 200, page.body)
            self.assertLessEqual(len(page.body["items"]), 2)
            self.assertEqual({item["state"] for item in page.body["items"]} - {"cancelled"}, set())
            seen += [item["id"] for item in page.body["items"]]
            cursor = page.body["next_cursor"]
        self.assertEqual([job for job in seen if job in made], made[::-1])
        self.assertEqual(len(seen), len(set(seen)))

    def test_a_cancelled_job_has_no_result_and_can_be_tried_again(self) -> None:
        job = self.submitted()
        for _ in range(2):  # again is fine
            cancelled = self.service.post(f"/v1/jobs/{job}/cancel")
            self.assertEqual((cancelled.status, cancelled.body["state"]), (200, "cancelled"))
        self.assertEqual(self.service.get(f"/v1/jobs/{job}/result").status, 409)
        self.assertEqual(self.service.post(f"/v1/jobs/{job}/retry").status, 202)
        self.assertEqual(self.finished(job)["state"], "succeeded")
        self.assertEqual(self.service.post(f"/v1/jobs/{job}/retry").status, 409)
        self.assertEqual(self.service.post(f"/v1/jobs/{job}/cancel").status, 409)

    def test_a_job_of_another_tenant_does_not_exist(self) -> None:
        job = self.submitted()
        self.assertEqual(self.stranger.get(f"/v1/jobs/{job}").status, 404)
        self.assertEqual(self.stranger.get(f"/v1/jobs/{job}/result").status, 404)
        self.assertEqual(self.stranger.post(f"/v1/jobs/{job}/cancel").status, 404)
        self.assertEqual(self.stranger.post(f"/v1/jobs/{job}/retry").status, 404)
        self.assertEqual(self.stranger.get("/v1/jobs").body["items"], [])
        self.assertEqual(self.nobody.get(f"/v1/jobs/{job}").status, 401)
