-- The queue: routes chosen by an administrator, priorities, crashes; indexes for the filters that people use.
ALTER TABLE queue_item ADD COLUMN route_chosen INTEGER NOT NULL DEFAULT 0;
ALTER TABLE queue_item ADD COLUMN priority INTEGER NOT NULL DEFAULT 0; -- -1, 0 or 1
ALTER TABLE queue_item ADD COLUMN crashes INTEGER NOT NULL DEFAULT 0;

DROP INDEX queue_item_waiting;
CREATE INDEX queue_item_waiting ON queue_item (domain, priority, next_attempt) WHERE status IN (0, 2);
CREATE INDEX queue_item_of_domain ON queue_item (domain);
CREATE INDEX queue_item_held ON queue_item (id) WHERE status = 3;
CREATE INDEX queue_message_of_sender ON queue_message (sender COLLATE NOCASE);
CREATE INDEX queue_message_of_id ON queue_message (message);
