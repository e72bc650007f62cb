"""What release 1.1 adds: jobs know their language and can summarise."""

from __future__ import annotations

from service import TEXT, AcceptanceTest


class Language(AcceptanceTest):
    def test_a_job_knows_the_language_of_its_text(self) -> None:
        german = "Der Müller trug das Korn zu der Mühle, und die Bäckerin hat ein Brot von dem Mehl gebacken."
        jobs = {self.submitted(): "en", self.submitted(german): "de"}
        for job, language in jobs.items():
            done = self.finished(job)
            self.assertEqual((done["state"], done["language"]), ("succeeded", language))

    def test_a_summary_is_made_of_sentences_of_the_text(self) -> None:
        job = self.submitted(type="summarise")
        done = self.finished(job)
        self.assertEqual((done["state"], done["type"], done["language"]), ("succeeded", "summarise", "en"))
        summary = self.service.get(f"/v1/jobs/{job}/result").body["summary"]["summary"]
        self.assertTrue(summary)
        self.assertIn(summary, TEXT)

    def test_the_listing_can_be_narrowed_to_summaries(self) -> None:
        other, job = self.submitted(), self.submitted(type="summarise")
        listed = [item["id"] for item in self.service.get("/v1/jobs?type=summarise").body["items"]]
        self.assertIn(job, listed)
        self.assertNotIn(other, listed)
