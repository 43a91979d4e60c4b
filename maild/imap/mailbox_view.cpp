#include "maild/imap/mailbox_view.hpp"

#include "maild/imap/proto/response.hpp"

#include <algorithm>

namespace mail::imap {

namespace {

// Walks the items of a snapshot chunk by chunk.
class Walker {
  public:
    explicit Walker(const service::FolderSnapshot& snapshot) : chunks_(snapshot.chunks()) {}
    [[nodiscard]] bool at_end() const noexcept { return chunk_ == chunks_.size(); }
    [[nodiscard]] bool at_chunk_start() const noexcept { return index_ == 0; }
    [[nodiscard]] const service::FolderChunk* chunk() const noexcept { return chunks_[chunk_].get(); }
    [[nodiscard]] std::size_t index() const noexcept { return index_; }
    [[nodiscard]] std::uint32_t position() const noexcept { return position_; }
    [[nodiscard]] store::Uid uid() const noexcept { return chunk()->uids[index_]; }
    void next() noexcept {
        ++position_;
        if (++index_ == chunk()->uids.size())
            next_chunk_from(0);
    }
    void skip_chunk() noexcept {
        position_ += static_cast<std::uint32_t>(chunk()->uids.size());
        next_chunk_from(0);
    }

  private:
    void next_chunk_from(std::size_t index) noexcept {
        ++chunk_;
        index_ = index;
    }
    std::span<const std::shared_ptr<const service::FolderChunk>> chunks_;
    std::size_t chunk_ = 0;
    std::size_t index_ = 0;
    std::uint32_t position_ = 0;
};

struct Difference {
    std::vector<std::uint32_t> expunged; ///< positions in the old snapshot, ascending
    std::vector<std::uint32_t> changed;  ///< positions in the new snapshot
    bool grown = false;
};

bool differs(const Walker& before, const Walker& after, const SyncStyle& style) {
    const auto& a = *before.chunk();
    const auto& b = *after.chunk();
    const auto modseq = b.modseqs[after.index()];
    if (modseq == a.modseqs[before.index()] ||
        std::binary_search(style.own_changes.begin(), style.own_changes.end(), modseq))
        return false;
    // After a change of its own the client knows flags that `before` does not have; another's may have put them back.
    return style.modseq || !style.own_changes.empty() || a.flags[before.index()] != b.flags[after.index()] ||
           a.keywords[before.index()] != b.keywords[after.index()];
}

Difference compare(const service::FolderSnapshot& before, const service::FolderSnapshot& after, const SyncStyle& style) {
    Difference difference;
    Walker a(before), b(after);
    while (!a.at_end() && !b.at_end()) {
        if (a.at_chunk_start() && b.at_chunk_start() && a.chunk() == b.chunk()) {
            a.skip_chunk();
            b.skip_chunk();
        } else if (a.uid() < b.uid()) {
            difference.expunged.push_back(a.position());
            a.next();
        } else if (b.uid() < a.uid()) {
            b.next(); // cannot be: UIDs only grow
        } else {
            if (differs(a, b, style))
                difference.changed.push_back(b.position());
            a.next();
            b.next();
        }
    }
    for (; !a.at_end(); a.next())
        difference.expunged.push_back(a.position());
    difference.grown = !b.at_end();
    return difference;
}

void tell_expunged(std::string& out, const service::FolderSnapshot& before, const std::vector<std::uint32_t>& positions,
                   bool vanished) {
    if (positions.empty())
        return;
    if (vanished) {
        NumberList uids;
        for (auto position : positions)
            uids.add(before.uid_at(position));
        append_all(out, {"* VANISHED ", uids.text(), "\r\n"});
        return;
    }
    std::uint32_t gone = 0;
    for (auto position : positions) {
        out += "* ";
        append_number(out, position + 1 - gone++);
        out += " EXPUNGE\r\n";
    }
}

} // namespace

std::string flags_line(const std::vector<std::string>& keywords, bool permanent) {
    std::string out = "(\\Answered \\Flagged \\Deleted \\Seen \\Draft";
    for (const auto& keyword : keywords)
        append_all(out, {" ", keyword});
    out += permanent ? " \\*)" : ")";
    return out;
}

void append_fetch_flags(std::string& out, std::uint32_t number, const service::FolderItem& item,
                        const service::FolderSnapshot& snapshot, bool modseq, bool uid_only) {
    append_fetch_start(out, number, item.uid, uid_only);
    if (!uid_only) {
        out += "UID ";
        append_number(out, item.uid);
        out += ' ';
    }
    if (modseq) {
        out += "MODSEQ (";
        append_number(out, item.modseq);
        out += ") ";
    }
    out += "FLAGS ";
    append_flags(out, item.flags, snapshot.keywords(item.keywords));
    out += ")\r\n";
}

MailboxView::MailboxView(service::SnapshotPtr snapshot)
    : snapshot_(std::move(snapshot)), keywords_(snapshot_->all_keywords()) {}

store::Uid MailboxView::last_uid() const { return size() == 0 ? 0 : snapshot_->uid_at(size() - 1); }

void MailboxView::tell_keywords(std::string& out, const service::FolderSnapshot& now) {
    auto keywords = now.all_keywords();
    if (keywords == keywords_)
        return;
    keywords_ = std::move(keywords);
    append_all(out, {"* FLAGS ", flags_line(keywords_, false), "\r\n"});
    append_all(out, {"* OK [PERMANENTFLAGS ", flags_line(keywords_, true), "] flags changed\r\n"});
}

void MailboxView::sync(std::string& out, const service::SnapshotPtr& now, const SyncStyle& style) {
    if (now == snapshot_)
        return;
    const auto difference = compare(*snapshot_, *now, style);
    service::SnapshotPtr next = now;
    const bool keep = !style.allow_expunge && !difference.expunged.empty();
    holds_expunged_ = keep;
    if (keep)
        next = service::FolderSnapshot::keeping_expunged(*snapshot_, now);
    else
        tell_expunged(out, *snapshot_, difference.expunged, style.vanished);
    if (difference.grown) {
        out += "* ";
        append_number(out, next->size());
        out += " EXISTS\r\n";
        if (style.recent)
            out += "* 0 RECENT\r\n";
    }
    if (difference.grown || !difference.changed.empty())
        tell_keywords(out, *next);
    for (auto position : difference.changed) {
        const auto item = now->at(position);
        append_fetch_flags(out, keep ? next->find(item.uid).position + 1 : position + 1, item, *now, style.modseq,
                           style.uid_only);
    }
    snapshot_ = std::move(next);
}

std::vector<NumberRange> MailboxView::positions_of(std::span<const NumberRange> uids) const {
    std::vector<NumberRange> positions;
    for (const auto& range : uids) {
        const auto first = snapshot_->find(range.first);
        const auto last = snapshot_->find(range.last);
        const auto end = last.found ? last.position + 1 : last.position; // one behind
        if (first.position >= end)
            continue;
        if (!positions.empty() && positions.back().last == first.position)
            positions.back().last = end;
        else
            positions.push_back({first.position + 1, end});
    }
    return positions;
}

std::vector<NumberRange> MailboxView::positions_of_uids(const SequenceSet& set) const {
    // RFC 9051 §6.4.9: a UID that does not exist is ignored without any error.
    return positions_of(set.resolve(last_uid()));
}

std::vector<NumberRange> MailboxView::positions_of_numbers(const SequenceSet& set) const {
    auto ranges = set.resolve(size());
    std::erase_if(ranges, [this](const auto& range) { return range.first > size(); });
    if (!ranges.empty())
        ranges.back().last = std::min(ranges.back().last, size());
    return ranges;
}

bool MailboxView::out_of_range(const SequenceSet& set) const {
    // RFC 9051 §9 seq-number has "*" in an empty mailbox answered with BAD. "1:*" is let through there all the same: clients
    // send it to get everything, whatever there is, and nothing is what everything comes to.
    if (size() == 0)
        return !set.is_everything();
    return set.largest() > size();
}

store::UidSet MailboxView::uids_of(std::span<const NumberRange> positions) const {
    store::UidSet uids;
    for (const auto& range : positions)
        uids.push_back({snapshot_->uid_at(range.first - 1), snapshot_->uid_at(range.last - 1)});
    return uids;
}

std::uint64_t MailboxView::count(std::span<const NumberRange> positions) noexcept {
    std::uint64_t total = 0;
    for (const auto& range : positions)
        total += range.last - range.first + std::uint64_t{1};
    return total;
}

void add_common(NumberList& out, std::span<const store::UidRange> a, std::span<const NumberRange> b) {
    auto x = a.begin();
    auto y = b.begin();
    while (x != a.end() && y != b.end()) {
        const auto first = std::max(x->first, y->first);
        const auto last = std::min(x->last, y->last);
        if (first <= last)
            out.add_range(first, last);
        if (x->last < y->last)
            ++x;
        else
            ++y;
    }
}

} // namespace mail::imap
