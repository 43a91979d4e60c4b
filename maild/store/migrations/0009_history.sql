-- The history also tells what happened to mail without a change of configuration: entries have numbers of their own.
CREATE TABLE history_entry (
    number INTEGER PRIMARY KEY,
    revision INTEGER NOT NULL, -- 0: no resource changed
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    apply_set TEXT NOT NULL,
    summary TEXT NOT NULL,
    operations TEXT NOT NULL
);
INSERT INTO history_entry SELECT revision, revision, at, actor, apply_set, summary, operations FROM history;
DROP TABLE history;
ALTER TABLE history_entry RENAME TO history;
