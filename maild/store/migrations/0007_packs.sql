-- Stretches of a folder's listing in compact form (store/sqlite/pack_codec.hpp): what is here equals the rows of these UIDs, all
-- of them, whatever happens; whoever changes one of the rows deletes the stretch in the same transaction. Derived data: it may
-- be deleted at any time.
CREATE TABLE folder_pack (
    folder INTEGER NOT NULL REFERENCES folder (id) ON DELETE CASCADE,
    first INTEGER NOT NULL,      -- UIDs covered, those that no item has included
    last INTEGER NOT NULL,
    items BLOB NOT NULL,
    PRIMARY KEY (folder, first)
) WITHOUT ROWID;
