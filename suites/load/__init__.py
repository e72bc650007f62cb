"""Load: jobs under realistic concurrency, judged by the ledger and by statistics."""
