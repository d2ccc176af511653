-- Made by `topicwright generate` from the KPI signups; do not edit.
SELECT
    source.event_date AS event_date,
    toInt64(sum(source.signups)) AS signups,
    toInt64(sum(source.logins)) AS logins,
    toInt64(sum(source.sessions)) AS sessions
FROM game.user_daily_closed AS source
WHERE source.event_date IN {days:Array(Date)}
GROUP BY source.event_date
