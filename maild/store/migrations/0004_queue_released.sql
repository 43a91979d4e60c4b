-- What an administrator let go passes hold rules; the look-ups that people make most when mail is missed.
ALTER TABLE queue_item ADD COLUMN released INTEGER NOT NULL DEFAULT 0;
CREATE INDEX queue_item_of_recipient ON queue_item (recipient COLLATE NOCASE);
CREATE INDEX queue_message_of_message_id ON queue_message (message_id COLLATE NOCASE);
