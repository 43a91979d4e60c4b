#include "maild/store/sqlite/check_rules.hpp"

namespace mail::store::sqlite {
namespace {

constexpr CheckRule rules[] = {
    // ---- rows that belong to nothing ----
    {"derived data",
     "SELECT 'derived data of message bytes ' || blob || ', which do not exist' FROM derived WHERE blob NOT IN (SELECT id FROM blob)",
     "DELETE FROM derived WHERE blob NOT IN (SELECT id FROM blob)"},
    {"folders of accounts",
     "SELECT 'folder ' || id || ' belongs to account ' || account || ', which does not exist' FROM folder "
     "WHERE account NOT IN (SELECT id FROM account)",
     nullptr},
    {"recoverable items of accounts",
     "SELECT 'recoverable item ' || id || ' belongs to account ' || account || ', which does not exist' FROM recoverable "
     "WHERE account NOT IN (SELECT id FROM account)",
     nullptr},
    {"vanished of folders",
     "SELECT 'expunged UIDs from ' || uid || ' on of folder ' || folder || ', which does not exist' FROM vanished "
     "WHERE folder NOT IN (SELECT id FROM folder)",
     "DELETE FROM vanished WHERE folder NOT IN (SELECT id FROM folder)"},
    {"subscriptions", // they outlive folders (RFC 9051 §6.3.9), not accounts
     "SELECT 'subscription to ' || name || ' of account ' || account || ', which does not exist' FROM subscription "
     "WHERE account NOT IN (SELECT id FROM account)",
     "DELETE FROM subscription WHERE account NOT IN (SELECT id FROM account)"},
    {"attributes and rights",
     "SELECT 'attribute ' || name || ' of account ' || account || ' and folder ' || folder || ', which do not exist' "
     "FROM attribute AS a WHERE (account <> 0 AND account NOT IN (SELECT id FROM account)) OR (folder <> 0 AND NOT EXISTS "
     "(SELECT 1 FROM folder AS f WHERE f.id = a.folder AND f.account = a.account))",
     "DELETE FROM attribute WHERE (account <> 0 AND account NOT IN (SELECT id FROM account)) OR (folder <> 0 AND NOT EXISTS "
     "(SELECT 1 FROM folder AS f WHERE f.id = attribute.folder AND f.account = attribute.account))"},
    {"queue items of messages",
     "SELECT 'queue item ' || id || ' belongs to queued message ' || message || ', which does not exist' FROM queue_item "
     "WHERE message NOT IN (SELECT id FROM queue_message)",
     nullptr},
    {"queued messages without items",
     "SELECT 'queued message ' || id || ' has no recipient left' FROM queue_message "
     "WHERE id NOT IN (SELECT message FROM queue_item)",
     // Not while an item has lost its message: the two may belong together.
     "DELETE FROM queue_message WHERE id NOT IN (SELECT message FROM queue_item) AND NOT EXISTS (SELECT 1 FROM queue_item WHERE "
     "message NOT IN (SELECT id FROM queue_message))"},
    {"address index",
     "SELECT 'address ' || key || ' leads to ' || kind || ' ' || name || ', which does not exist' FROM address "
     "WHERE NOT EXISTS (SELECT 1 FROM resource AS r WHERE r.kind = address.kind AND r.name = address.name)",
     "DELETE FROM address WHERE NOT EXISTS (SELECT 1 FROM resource AS r WHERE r.kind = address.kind AND r.name = address.name)"},
    {"inboxes",
     "SELECT 'account ' || id || ' (' || name || ') has no INBOX' FROM account AS a WHERE removed IS NULL AND NOT EXISTS "
     "(SELECT 1 FROM folder AS f WHERE f.account = a.id AND f.special_use = 1)",
     nullptr},
    // ---- rows that are at odds with their bytes ----
    {"overlapping bytes",
     "SELECT 'message bytes ' || id || ' in segment ' || segment || ' at ' || offset || ' overlap others' FROM (SELECT id, "
     "segment, offset, length, max(offset + length) OVER (PARTITION BY segment ORDER BY offset, id ROWS BETWEEN UNBOUNDED "
     "PRECEDING AND 1 PRECEDING) AS taken FROM blob WHERE length > 0) WHERE offset < taken",
     nullptr},
    {"sizes of items",
     "SELECT 'item ' || i.uid || ' of folder ' || i.folder || ' has size ' || i.size || ', its bytes ' || (length(i.prefix) + "
     "b.length) FROM item AS i JOIN blob AS b ON b.id = i.blob WHERE i.size <> length(i.prefix) + b.length",
     "UPDATE item SET size = length(prefix) + (SELECT length FROM blob WHERE id = item.blob) WHERE EXISTS (SELECT 1 FROM blob "
     "WHERE id = item.blob AND item.size <> length(item.prefix) + blob.length)"},
    {"references",
     "SELECT 'message bytes ' || b.id || ' have ' || b.refs || ' references, counted ' || coalesce(r.n, 0) FROM blob AS b LEFT "
     "JOIN (SELECT blob, count(*) AS n FROM (SELECT blob FROM item UNION ALL SELECT blob FROM recoverable UNION ALL SELECT blob "
     "FROM queue_message) GROUP BY blob) AS r ON r.blob = b.id WHERE b.refs <> coalesce(r.n, 0)",
     "CREATE TEMP TABLE counted AS SELECT blob, count(*) AS n FROM (SELECT blob FROM item UNION ALL SELECT blob FROM recoverable "
     "UNION ALL SELECT blob FROM queue_message) GROUP BY blob; CREATE UNIQUE INDEX temp.counted_blob ON counted (blob); "
     "UPDATE blob SET refs = coalesce((SELECT n FROM counted WHERE counted.blob = blob.id), 0); DROP TABLE counted; "
     "DELETE FROM derived WHERE blob IN (SELECT id FROM blob WHERE refs = 0); DELETE FROM blob WHERE refs = 0"},
    // ---- folders ----
    {"expunged UIDs that exist",
     "SELECT 'folder ' || v.folder || ' holds UID ' || i.uid || ', which it says was expunged' FROM vanished AS v JOIN item AS i "
     "ON i.folder = v.folder AND i.uid BETWEEN v.uid AND max(v.uid, v.last)",
     // Whoever asks for older changes is then told all UIDs that do not exist.
     "UPDATE folder SET vanished_floor = modseq WHERE id IN (SELECT v.folder FROM vanished AS v JOIN item AS i ON i.folder = "
     "v.folder AND i.uid BETWEEN v.uid AND max(v.uid, v.last)); DELETE FROM vanished WHERE EXISTS (SELECT 1 FROM item AS i WHERE "
     "i.folder = vanished.folder AND i.uid BETWEEN vanished.uid AND max(vanished.uid, vanished.last))"},
    {"folder counts",
     "SELECT 'folder ' || f.id || ' counts ' || f.messages || ' items, ' || f.unseen || ' unseen and ' || f.bytes || ' bytes, but "
     "holds ' || coalesce(i.n, 0) || ', ' || coalesce(i.u, 0) || ' and ' || coalesce(i.b, 0) FROM folder AS f LEFT JOIN (SELECT "
     "folder, count(*) AS n, sum((flags & 1) = 0) AS u, sum(size) AS b FROM item GROUP BY folder) AS i ON i.folder = f.id WHERE "
     "f.messages <> coalesce(i.n, 0) OR f.unseen <> coalesce(i.u, 0) OR f.bytes <> coalesce(i.b, 0)",
     "UPDATE folder SET (messages, unseen, bytes) = (SELECT count(*), coalesce(sum((flags & 1) = 0), 0), coalesce(sum(size), 0) "
     "FROM item WHERE item.folder = folder.id)"},
    {"next UIDs",
     "SELECT 'folder ' || f.id || ' gives UID ' || f.uid_next || ' next, which was given already' FROM folder AS f WHERE "
     "f.uid_next <= max(coalesce((SELECT max(uid) FROM item WHERE folder = f.id), 0), coalesce((SELECT max(max(uid, last)) FROM "
     "vanished WHERE folder = f.id), 0))",
     "UPDATE folder SET uid_next = 1 + max(uid_next - 1, coalesce((SELECT max(uid) FROM item WHERE folder = folder.id), 0), "
     "coalesce((SELECT max(max(uid, last)) FROM vanished WHERE folder = folder.id), 0))"},
    {"change numbers",
     "SELECT 'folder ' || f.id || ' is at change ' || f.modseq || ', older than what is in it' FROM folder AS f WHERE f.modseq < "
     "max(coalesce((SELECT max(modseq) FROM item WHERE folder = f.id), 0), coalesce((SELECT max(modseq) FROM vanished WHERE "
     "folder = f.id), 0), f.vanished_floor)",
     "UPDATE folder SET modseq = max(modseq, vanished_floor, coalesce((SELECT max(modseq) FROM item WHERE folder = folder.id), "
     "0), coalesce((SELECT max(modseq) FROM vanished WHERE folder = folder.id), 0))"},
    // ---- counts of the whole ----
    {"recoverable items",
     "SELECT 'account ' || coalesce(u.account, r.account) || ' counts ' || coalesce(u.items, 0) || ' recoverable items and ' || "
     "coalesce(u.bytes, 0) || ' bytes, but has ' || coalesce(r.n, 0) || ' and ' || coalesce(r.b, 0) FROM recoverable_use AS u "
     "FULL JOIN (SELECT account, count(*) AS n, sum(size) AS b FROM recoverable GROUP BY account) AS r ON r.account = u.account "
     "WHERE coalesce(u.items, 0) <> coalesce(r.n, 0) OR coalesce(u.bytes, 0) <> coalesce(r.b, 0)",
     "DELETE FROM recoverable_use; INSERT INTO recoverable_use (account, items, bytes) SELECT account, count(*), sum(size) FROM "
     "recoverable GROUP BY account"},
    {"segments",
     "SELECT 'segment ' || coalesce(s.id, b.segment) || ' counts ' || coalesce(s.live_blobs, 0) || ' messages and ' || "
     "coalesce(s.live_bytes, 0) || ' bytes, but holds ' || coalesce(b.n, 0) || ' and ' || coalesce(b.l, 0) FROM segment AS s FULL "
     "JOIN (SELECT segment, count(*) AS n, sum(length) AS l, max(offset + length) AS top FROM blob GROUP BY segment) AS b ON "
     "b.segment = s.id WHERE coalesce(s.live_blobs, 0) <> coalesce(b.n, 0) OR coalesce(s.live_bytes, 0) <> coalesce(b.l, 0) OR "
     "coalesce(s.used, 0) < coalesce(b.top, 0)",
     "CREATE TEMP TABLE held AS SELECT segment, count(*) AS n, sum(length) AS l, max(offset + length) AS top FROM blob GROUP BY "
     "segment; INSERT OR IGNORE INTO segment SELECT segment, top, 0, 0 FROM held; UPDATE segment SET live_blobs = coalesce((SELECT "
     "n FROM held WHERE held.segment = segment.id), 0), live_bytes = coalesce((SELECT l FROM held WHERE held.segment = "
     "segment.id), 0), used = max(used, coalesce((SELECT top FROM held WHERE held.segment = segment.id), 0)); DROP TABLE held"},
    {"id counters", // an id is never used again
     "SELECT 'the next ' || m.name || ' id was given already' FROM (SELECT 'account' AS name, max(id) AS top FROM account UNION "
     "ALL SELECT 'folder', max(id) FROM folder UNION ALL SELECT 'blob', max(id) FROM blob UNION ALL SELECT 'queue_message', "
     "max(id) FROM queue_message UNION ALL SELECT 'queue_item', max(id) FROM queue_item) AS m LEFT JOIN counter AS c ON c.name = "
     "m.name WHERE coalesce(c.value, 0) < coalesce(m.top, 0)",
     "INSERT INTO counter SELECT * FROM (SELECT 'account' AS name, max(id) AS top FROM account UNION ALL SELECT 'folder', max(id) "
     "FROM folder UNION ALL SELECT 'blob', max(id) FROM blob UNION ALL SELECT 'queue_message', max(id) FROM queue_message UNION "
     "ALL SELECT 'queue_item', max(id) FROM queue_item) WHERE top IS NOT NULL ON CONFLICT (name) DO UPDATE SET value = max(value, "
     "excluded.value)"},
    {"queue of domains",
     "SELECT 'queue of ' || domain || ' waits until ' || coalesce(due, 'never') || ', but its first item is due at ' || "
     "coalesce(first, 'no time') FROM (SELECT coalesce(d.domain, i.domain) AS domain, d.due AS due, i.first AS first FROM "
     "queue_domain AS d FULL JOIN (SELECT domain, min(next_attempt) AS first FROM queue_item WHERE status IN (0, 2) GROUP BY "
     "domain) AS i ON i.domain = d.domain) WHERE due IS NOT first",
     "DELETE FROM queue_domain; INSERT INTO queue_domain SELECT domain, min(next_attempt) FROM queue_item WHERE status IN (0, 2) "
     "GROUP BY domain"},
};

} // namespace

std::span<const CheckRule> check_rules() noexcept { return rules; }

} // namespace mail::store::sqlite
