-- One request's story in every service. Needs --request.
SELECT moment, service, release, level, message, method, path, status, outcome, job_id
FROM line
WHERE request_id = $request
ORDER BY moment
