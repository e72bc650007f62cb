-- One job's story, from the request that brought it to its end, in every service. Needs --job.
SELECT moment, service, release, level, message, outcome, status, request_id
FROM line
WHERE job_id = $job OR request_id IN (SELECT request_id FROM line WHERE job_id = $job AND method = 'POST')
ORDER BY moment
