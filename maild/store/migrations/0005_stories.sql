-- Stories in the order of their acceptance, so that accepting appends; found by id, or through the filters of blocks.
CREATE TABLE story_in_order (
    sequence INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    at INTEGER NOT NULL,
    ended INTEGER NOT NULL,      -- 0 delivered, 1 queued, 2 refused
    sender TEXT NOT NULL,
    recipients TEXT NOT NULL,
    message_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    peer TEXT NOT NULL,
    missed TEXT NOT NULL,        -- places of the local copies that were not taken
    detail TEXT NOT NULL
);
INSERT INTO story_in_order (id, at, ended, sender, recipients, message_id, subject, peer, missed, detail)
    SELECT id, at, 0, sender, recipients, message_id, '', peer, '', detail FROM story ORDER BY id;
DROP TABLE story;
ALTER TABLE story_in_order RENAME TO story;
CREATE INDEX story_by_id ON story (id);

-- What a block of stories can be found by; the last column, so that walking the others reads none of it.
CREATE TABLE story_block (
    last INTEGER PRIMARY KEY,    -- sequence of its last story
    first INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    bytes INTEGER NOT NULL,      -- of its stories
    filter BLOB NOT NULL
);

CREATE TABLE story_event (
    sequence INTEGER PRIMARY KEY,
    message BLOB NOT NULL,
    at INTEGER NOT NULL,
    mark INTEGER NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX story_event_of_message ON story_event (message);
CREATE INDEX story_event_by_mark ON story_event (mark);
CREATE TABLE story_transcript (
    event INTEGER PRIMARY KEY,
    transcript TEXT NOT NULL
);
-- Bytes of each thousand events with their transcripts.
CREATE TABLE story_event_use (
    slice INTEGER PRIMARY KEY,   -- sequence / 1000
    bytes INTEGER NOT NULL
);
