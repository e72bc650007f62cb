-- The twenty slowest requests as clients saw them, and how long the API itself took: the rest is queue and network.
SELECT g.moment, g.method, g.path, g.status, g.total_ms, round(1000 * a.seconds) AS api_ms, g.queue_ms, g.retries, g.request_id
FROM line g LEFT JOIN line a ON a.request_id = g.request_id AND a.seconds IS NOT NULL
WHERE g.total_ms IS NOT NULL
ORDER BY g.total_ms DESC
LIMIT 20
