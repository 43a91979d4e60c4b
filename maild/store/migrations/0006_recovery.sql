-- Recoverable items come back by id, so that an id is never used twice; they know the folder they were in.
CREATE TABLE recoverable_item (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- ascends with the time of the expunge
    account INTEGER NOT NULL,
    expunged INTEGER NOT NULL,
    folder INTEGER NOT NULL,              -- 0: not known
    folder_name TEXT NOT NULL,            -- at that time
    uid INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    keywords TEXT NOT NULL,
    internal_date INTEGER NOT NULL,
    size INTEGER NOT NULL,
    saved INTEGER NOT NULL,
    blob INTEGER NOT NULL,
    prefix BLOB NOT NULL
);
INSERT INTO recoverable_item
    SELECT id, account, expunged, 0, folder_name, uid, flags, keywords, internal_date, size, saved, blob, prefix
    FROM recoverable ORDER BY id;
DROP TABLE recoverable;
ALTER TABLE recoverable_item RENAME TO recoverable;
CREATE INDEX recoverable_of_account ON recoverable (account, id);

-- What accounts have in recoverable items; also the list of accounts that housekeeping walks, whatever changes the rows.
CREATE TABLE recoverable_use (
    account INTEGER PRIMARY KEY,
    items INTEGER NOT NULL,
    bytes INTEGER NOT NULL
);
INSERT INTO recoverable_use SELECT account, count(*), sum(size) FROM recoverable GROUP BY account;
CREATE TRIGGER recoverable_came AFTER INSERT ON recoverable BEGIN
    INSERT INTO recoverable_use VALUES (new.account, 1, new.size)
        ON CONFLICT (account) DO UPDATE SET items = items + 1, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER recoverable_went AFTER DELETE ON recoverable BEGIN
    UPDATE recoverable_use SET items = items - 1, bytes = bytes - old.size WHERE account = old.account;
END;

-- How long what an account loses is kept, and what a removed one was.
ALTER TABLE account ADD COLUMN recoverable_keep INTEGER NOT NULL DEFAULT 0; -- microseconds; 0: as for all
ALTER TABLE account ADD COLUMN recoverable_size INTEGER NOT NULL DEFAULT 0; -- bytes; 0: as for all
ALTER TABLE account ADD COLUMN held_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN held_until INTEGER NOT NULL DEFAULT 0;       -- in the future: nothing goes for good
ALTER TABLE account ADD COLUMN purging INTEGER NOT NULL DEFAULT 0;          -- removed, and some of it is gone
ALTER TABLE account ADD COLUMN spec TEXT NOT NULL DEFAULT '';               -- of the resource of a removed account
ALTER TABLE account ADD COLUMN apply_set TEXT NOT NULL DEFAULT '';
