-- What makes answers incomplete: unknown inputs, data nobody searched, records that are no events; and runs that failed.
SELECT gap, asset_type, namespace, name, run_id, job, since, detail
FROM graph.gaps
UNION ALL
SELECT
    'dead_letter', NULL, NULL, NULL, NULL, NULL, received_at,
    concat(reason, ' at ', place, ' in ', coalesce(topic, source),
        CASE WHEN "partition" IS NULL THEN '' ELSE concat(' partition ', "partition") END,
        CASE WHEN "offset" IS NULL THEN '' ELSE concat(' offset ', "offset") END)
FROM current.dead_letters
UNION ALL
SELECT
    'unknown_event', NULL, NULL, NULL, run_id, nullif(concat_ws('/', job_namespace, job_name), ''),
    coalesce(event_time, received_at),
    concat('kept, and not understood: ', "format", ' event ', coalesce(event_type, 'without a type'), ' from ',
        coalesce(topic, source))
FROM current.events
WHERE event_kind = 'unknown'
