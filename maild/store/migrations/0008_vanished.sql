-- Expunged UIDs as ranges, and how far back a folder remembers them.
ALTER TABLE vanished ADD COLUMN last INTEGER NOT NULL DEFAULT 0;         -- end of the range that begins at uid; 0: uid alone
ALTER TABLE folder ADD COLUMN vanished_floor INTEGER NOT NULL DEFAULT 0; -- what vanished up to this modseq may be forgotten
