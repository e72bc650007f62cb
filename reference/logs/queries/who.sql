-- Who did what: the callers' requests by subject, with what became of them.
SELECT subject, tenant, method, route, status, count(*) AS times, min(moment) AS first, max(moment) AS last
FROM line
WHERE route IS NOT NULL
GROUP BY ALL
ORDER BY subject, times DESC
