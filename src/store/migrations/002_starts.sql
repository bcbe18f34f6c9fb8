-- Starts that carry a key of their caller (X-Reeltime-Idempotency-Key): a repeat is answered with the first task.

CREATE TABLE starts (
    sdk_app_id  INTEGER NOT NULL,
    secret_id   TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    task_id     TEXT    NOT NULL, -- may outlive its task
    fingerprint BLOB    NOT NULL, -- of the parameters
    created     INTEGER NOT NULL, -- Unix microseconds
    PRIMARY KEY (sdk_app_id, secret_id, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX starts_by_age ON starts (created);
