-- Statements of the operator's page.

-- name: count_since
-- Messages made since $1, by template, topic of the announcement that they tell, channel and state.
SELECT m.template, a.topic, m.channel, m.state, count(*) AS messages
FROM message m LEFT JOIN announcement a ON a.id = m.event_id AND m.template = 'announcement'
WHERE m.created_at >= $1
GROUP BY m.template, a.topic, m.channel, m.state;

-- name: search_messages
-- Made since $8, newest first, after a place ($5, $6) or from the start: of a state ($1), a channel ($2), of some templates ($3) or
-- announcements of a topic ($4). NULL asks nothing.
SELECT m.id, m.event_type, m.template, a.topic, m.channel, m.state, m.reason, m.attempts, m.created_at, m.updated_at
FROM message m LEFT JOIN announcement a ON a.id = m.event_id AND m.template = 'announcement'
WHERE m.created_at >= $8 AND ($1::text IS NULL OR m.state = $1) AND ($2::text IS NULL OR m.channel = $2)
  AND ($3::text[] IS NULL OR m.template = ANY ($3) OR a.topic = $4::text)
  AND ($5::timestamptz IS NULL OR (m.created_at, m.id) < ($5, $6::uuid))
ORDER BY m.created_at DESC, m.id DESC LIMIT $7;

-- name: topic_of_announcement
-- The topic of one announcement.
SELECT topic FROM announcement WHERE id = $1;
