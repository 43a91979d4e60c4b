-- Rows of the store. Message bytes are in segments: the table blob is the only place that says where.
-- Ids come from the table counter and are never reused; times are UTC microseconds; Id columns hold 16 raw bytes.

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE counter (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE segment (
    id INTEGER PRIMARY KEY,
    used INTEGER NOT NULL,       -- end of the last byte that was ever named
    live_blobs INTEGER NOT NULL,
    live_bytes INTEGER NOT NULL
);

CREATE TABLE blob (
    id INTEGER PRIMARY KEY,
    segment INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    length INTEGER NOT NULL,
    checksum INTEGER NOT NULL,   -- CRC-32C
    refs INTEGER NOT NULL,       -- items, recoverable items and queued messages
    message BLOB NOT NULL        -- Id
);

-- Bytes whose segment is not synced yet: one sync of the database's log makes a small message durable. They are copied
-- into the segment again after a crash, and dropped once the segment is synced.
CREATE TABLE body_journal (
    blob INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
);

CREATE TABLE derived (
    blob INTEGER PRIMARY KEY,
    envelope BLOB NOT NULL,
    body BLOB NOT NULL,
    bodystructure BLOB NOT NULL,
    facts BLOB NOT NULL
);

CREATE TABLE account (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,          -- of the resource it belongs to
    name TEXT NOT NULL,
    created INTEGER NOT NULL,
    removed INTEGER,             -- a tombstone: kept until retention ends, its name is free
    modseq INTEGER NOT NULL      -- at least this; folders may be ahead of it
);
CREATE UNIQUE INDEX account_by_name ON account (kind, name) WHERE removed IS NULL;
CREATE INDEX account_removed ON account (removed) WHERE removed IS NOT NULL;

CREATE TABLE folder (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES account (id),
    name TEXT NOT NULL,
    class INTEGER NOT NULL,
    special_use INTEGER NOT NULL,
    uid_validity INTEGER NOT NULL,
    uid_next INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    unseen INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    object_id BLOB NOT NULL
);
CREATE UNIQUE INDEX folder_by_name ON folder (account, name);

CREATE TABLE folder_right (
    folder INTEGER NOT NULL REFERENCES folder (id) ON DELETE CASCADE,
    owner_id INTEGER NOT NULL,   -- account that holds the rights
    rights TEXT NOT NULL,        -- letters of RFC 4314
    PRIMARY KEY (folder, owner_id)
) WITHOUT ROWID;

CREATE TABLE subscription (
    account INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (account, name)
) WITHOUT ROWID;

CREATE TABLE item (
    folder INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    keywords TEXT NOT NULL,
    modseq INTEGER NOT NULL,
    internal_date INTEGER NOT NULL,
    size INTEGER NOT NULL,
    saved INTEGER NOT NULL,
    blob INTEGER NOT NULL,
    prefix BLOB NOT NULL,
    PRIMARY KEY (folder, uid)
) WITHOUT ROWID;

CREATE TABLE vanished (
    folder INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    PRIMARY KEY (folder, modseq, uid)
) WITHOUT ROWID;

CREATE TABLE recoverable (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    expunged INTEGER NOT NULL,
    folder_name TEXT NOT NULL,
    uid INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    keywords TEXT NOT NULL,
    internal_date INTEGER NOT NULL,
    size INTEGER NOT NULL,
    saved INTEGER NOT NULL,
    blob INTEGER NOT NULL,
    prefix BLOB NOT NULL
);
CREATE INDEX recoverable_of_account ON recoverable (account, id);

CREATE TABLE queue_message (
    id INTEGER PRIMARY KEY,
    message BLOB NOT NULL,
    blob INTEGER NOT NULL,
    sender TEXT NOT NULL,
    envelope_id TEXT NOT NULL,
    options INTEGER NOT NULL,    -- bits of the envelope
    message_id TEXT NOT NULL,
    created INTEGER NOT NULL
);

CREATE TABLE queue_item (
    id INTEGER PRIMARY KEY,
    message INTEGER NOT NULL REFERENCES queue_message (id),
    recipient TEXT NOT NULL,
    domain TEXT NOT NULL,
    original TEXT NOT NULL,
    notify INTEGER NOT NULL,
    status INTEGER NOT NULL,     -- 0 ready, 1 active, 2 deferred, 3 held
    attempts INTEGER NOT NULL,
    error_code INTEGER,          -- NULL: no error yet
    error_text TEXT,
    error_remote TEXT,
    error_at INTEGER,
    next_attempt INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    lease_end INTEGER NOT NULL,
    route TEXT NOT NULL,
    delay_told INTEGER NOT NULL,
    pending INTEGER NOT NULL     -- verb that waits for the end of the attempt
);
CREATE INDEX queue_item_of_message ON queue_item (message);
CREATE INDEX queue_item_waiting ON queue_item (domain, next_attempt) WHERE status IN (0, 2);
CREATE INDEX queue_item_active ON queue_item (lease_end) WHERE status = 1;

-- The earliest waiting item of each domain: finding what is due never walks through the items of a dead host.
CREATE TABLE queue_domain (
    domain TEXT PRIMARY KEY,
    due INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX queue_domain_due ON queue_domain (due);

CREATE TABLE resource (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    spec TEXT NOT NULL,
    apply_set TEXT NOT NULL,
    version INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    PRIMARY KEY (kind, name)
) WITHOUT ROWID;

CREATE TABLE address (
    key TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX address_of_resource ON address (kind, name);

CREATE TABLE history (
    revision INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    apply_set TEXT NOT NULL,
    summary TEXT NOT NULL,
    operations TEXT NOT NULL
);

CREATE TABLE story (
    id BLOB PRIMARY KEY,         -- time-ordered, so that new rows go to the end
    at INTEGER NOT NULL,
    sender TEXT NOT NULL,
    recipients TEXT NOT NULL,
    message_id TEXT NOT NULL,
    peer TEXT NOT NULL,
    detail TEXT NOT NULL
) WITHOUT ROWID;
