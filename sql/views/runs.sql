-- Runs with their jobs and how much they read and wrote.
SELECT
    r.run_id, j.namespace AS job_namespace, j.name AS job_name, j.job_type, j.integration, r.state,
    r.started_at, r.ended_at, r.principal, coalesce(io.inputs, 0) AS inputs, coalesce(io.outputs, 0) AS outputs,
    r.inputs_known, r.git_sha, r.image, r.params, r.parent_run_id, r.root_run_id, r.nominal_start, r.nominal_end,
    r.run_sid, r.job_id, r.recorded_at
FROM current.runs AS r
LEFT JOIN current.jobs AS j ON j.job_id = r.job_id
LEFT JOIN (
    SELECT
        run_sid,
        count(*) FILTER (WHERE io = 'INPUT') AS inputs,
        count(*) FILTER (WHERE io = 'OUTPUT') AS outputs
    FROM current.run_io
    GROUP BY run_sid
) AS io ON io.run_sid = r.run_sid
