-- Who fills the store: lines and bytes by service and level.
SELECT service, level, count(*) AS lines, sum(bytes) AS bytes, min(moment) AS first, max(moment) AS last
FROM line
GROUP BY ALL
ORDER BY bytes DESC
