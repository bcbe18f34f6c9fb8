-- The first schema. Times are Unix microseconds, 0 where there is none.

CREATE TABLE tasks (
    task_id      TEXT    PRIMARY KEY,
    sdk_app_id   INTEGER NOT NULL,
    room_id_type INTEGER NOT NULL,
    room_id      TEXT    NOT NULL,
    user_id      TEXT    NOT NULL,
    params       TEXT    NOT NULL, -- JSON without secrets
    secrets      BLOB,             -- JSON of the secrets, sealed, bound to task_id
    wanted       TEXT    NOT NULL,
    actual       TEXT    NOT NULL,
    owner        TEXT    NOT NULL,
    epoch        INTEGER NOT NULL,
    created      INTEGER NOT NULL,
    expires      INTEGER NOT NULL,
    ended        INTEGER NOT NULL,
    leave_code   INTEGER NOT NULL
) STRICT;

-- Callbacks not yet delivered nor given up. AUTOINCREMENT: an id never comes again.
CREATE TABLE events (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id       TEXT    NOT NULL, -- may outlive its task
    sdk_app_id    INTEGER NOT NULL,
    event_group   INTEGER NOT NULL,
    type          INTEGER NOT NULL,
    body          BLOB    NOT NULL, -- exactly as sent
    sign          TEXT    NOT NULL,
    callback_ts   INTEGER NOT NULL, -- Unix ms
    attempts      INTEGER NOT NULL,
    first_attempt INTEGER NOT NULL,
    next_attempt  INTEGER NOT NULL
) STRICT;
