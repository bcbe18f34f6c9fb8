-- What callbacks have told of a task's playlists, so that they are not told again after a restart, and nothing is left
-- out. Rows go with their task's.

CREATE TABLE playlists (
    task_id    TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    user_id    TEXT    NOT NULL, -- whom it records
    track_type TEXT    NOT NULL,
    begin      INTEGER NOT NULL, -- Unix microseconds
    uploaded   INTEGER NOT NULL, -- 1: event 304 is made
    PRIMARY KEY (task_id, name)
) STRICT, WITHOUT ROWID;
