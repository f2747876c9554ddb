-- Jobs with their runs counted and the newest one's state.
SELECT
    j.namespace, j.name, j.job_type, j.integration, j.processing_type, j.source_code_url,
    coalesce(r.runs, 0) AS runs, r.last_run_at, r.last_state, j.job_id, j.recorded_at
FROM current.jobs AS j
LEFT JOIN (
    SELECT
        job_id,
        count(*) AS runs,
        max(coalesce(started_at, ended_at, recorded_at)) AS last_run_at,
        last_value(state ORDER BY coalesce(started_at, ended_at, recorded_at), run_sid) AS last_state
    FROM current.runs
    GROUP BY job_id
) AS r ON r.job_id = j.job_id
