"""docjobs: documents in, searchable chunks out; an API, workers and a queue on PostgreSQL."""
