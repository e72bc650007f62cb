-- What failed, by service and release, the most first: errors, server errors and jobs that did not succeed.
SELECT service, release, count(*) AS times, min(moment) AS first, max(moment) AS last,
       mode(coalesce(exception, message)) AS most_often, any_value(request_id) AS a_request, any_value(job_id) AS a_job
FROM line
WHERE level IN ('error', 'critical') OR status >= 500 OR outcome IN ('failed', 'retried', 'lost')
GROUP BY service, release
ORDER BY times DESC
