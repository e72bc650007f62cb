-- Bursts of errors: twenty or more of one service with never more than five seconds between two.
WITH error AS (
    SELECT *, moment - lag(moment) OVER (PARTITION BY service ORDER BY moment) > INTERVAL 5 SECONDS AS begins
    FROM line WHERE level IN ('error', 'critical')
), numbered AS (
    SELECT *, count(*) FILTER (begins) OVER (PARTITION BY service ORDER BY moment) AS burst FROM error
)
SELECT service, min(moment) AS began, max(moment) AS ended, count(*) AS errors, mode(coalesce(exception, message)) AS most_often,
       any_value(request_id) AS a_request, any_value(job_id) AS a_job
FROM numbered
GROUP BY service, burst
HAVING count(*) >= 20
ORDER BY began
