-- Small named values beside folders, accounts (folder 0) and the server (both 0): metadata entries, rights.
CREATE TABLE attribute (
    account INTEGER NOT NULL,
    folder INTEGER NOT NULL,
    name TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (account, folder, name)
) WITHOUT ROWID;
CREATE INDEX attribute_by_name ON attribute (name);
DROP TABLE folder_right;
