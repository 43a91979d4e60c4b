// Searches that are kept up to date: RETURN (UPDATE) and CANCELUPDATE (RFC 5267 §4.3). Only what changed is looked at again.
#include "maild/imap/search_job.hpp"

#include "common/base/limits.hpp"
#include "common/mail/envelope.hpp"
#include "maild/imap/proto/response.hpp"

#include <algorithm>
#include <unordered_set>

namespace mail::imap {

namespace {

// One "(position numbers ...)" list of ADDTO or REMOVEFROM, cut into responses of a bearable length.
class UpdateWriter {
  public:
    UpdateWriter(std::string& out, std::string_view tag, bool uid, std::string_view word)
        : out_(out), tag_(tag), uid_(uid), word_(word) {}
    // RFC 5267 §4.3.3: positions count from 1; 0 where the order is that of the mailbox.
    void add(std::uint32_t position, std::uint32_t number) {
        if (position == 0 && !pairs_.empty()) {
            numbers_.add(number);
            return;
        }
        close_pair();
        position_ = position;
        numbers_ = {};
        numbers_.add(number);
        pairs_ += pairs_.empty() ? "(" : " ";
    }
    void finish() {
        if (pairs_.empty())
            return;
        close_pair();
        out_ += "* ESEARCH (TAG ";
        append_string(out_, tag_);
        append_all(out_, {uid_ ? ") UID " : ") ", word_, " ", pairs_, ")\r\n"});
    }

  private:
    void close_pair() {
        if (pairs_.empty())
            return;
        append_number(pairs_, position_);
        pairs_ += ' ';
        numbers_.append_to(pairs_);
    }
    std::string& out_;
    std::string_view tag_;
    bool uid_;
    std::string_view word_;
    std::string pairs_;
    std::uint32_t position_ = 0;
    NumberList numbers_;
};

std::vector<NumberRange> ranges_of(std::vector<store::Uid> uids) {
    std::sort(uids.begin(), uids.end());
    NumberList list;
    for (const auto uid : uids)
        list.add(uid);
    return {list.ranges().begin(), list.ranges().end()};
}

// Message numbers in the keys mean other messages after an EXPUNGE: then everything is looked at again.
bool has_numbers(const SearchProgram& program) {
    return std::any_of(program.keys.begin(), program.keys.end(), [](const auto& key) { return key.kind == KeyKind::sequence; });
}

} // namespace

// RFC 5267 §4.3: keeps the result of a search just told; the tag may not be in use.
Reply Session::keep_context(const Command& command, const SearchArguments& arguments,
                            const std::vector<SortCriterion>& criteria, const std::vector<std::uint32_t>& found, Reply reply) {
    if (contexts_.size() >= static_cast<std::size_t>(limit::imap_contexts)) {
        std::string code = "NOUPDATE ";
        append_string(code, command.tag);
        append_status(out_, "*", "NO", code, "too many searches are kept up to date");
        return reply;
    }
    auto context = std::make_unique<SearchContext>();
    context->tag = command.tag;
    context->uid = command.uid;
    context->arguments = arguments;
    context->criteria = criteria;
    context->seen = selected_->view.shared_snapshot();
    for (const auto position : found)
        context->found.push_back(context->seen->uid_at(position));
    contexts_.push_back(std::move(context));
    return reply;
}

bool Session::is_context(std::string_view tag) const {
    return std::any_of(contexts_.begin(), contexts_.end(), [tag](const auto& context) { return context->tag == tag; });
}

Task<Reply> Session::cmd_cancelupdate(const Command& command) {
    const auto& tags = std::get<WordsArguments>(command.body).words;
    for (const auto& tag : tags)
        if (!is_context(tag))
            co_return Reply::bad("no search with this tag is kept up to date"); // RFC 5267 §4.3.2
    for (const auto& tag : tags)
        std::erase_if(contexts_, [&tag](const auto& context) { return context->tag == tag; });
    co_return Reply::ok("CANCELUPDATE completed");
}

// RFC 5267 §4.3.3: what leaves the mailbox leaves the results first, while its number still means it.
void Session::tell_leaving(std::string& out, const service::FolderSnapshot& now) {
    const auto& view = selected_->view.snapshot();
    for (auto& context : contexts_) {
        UpdateWriter writer(out, context->tag, context->uid, "REMOVEFROM");
        for (std::size_t i = context->found.size(); i-- > 0;) { // from the end, so that positions stay true
            const auto uid = context->found[i];
            if (now.find(uid).found)
                continue;
            const auto number = context->uid ? uid : view.find(uid).position + 1;
            writer.add(context->criteria.empty() ? 0 : static_cast<std::uint32_t>(i + 1), number);
            context->found.erase(context->found.begin() + static_cast<std::ptrdiff_t>(i));
        }
        writer.finish();
    }
}

Task<Result<std::vector<store::Uid>>> Session::search_again(const SearchContext& context) {
    SearchRun run;
    run.folder = selected_->folder.id;
    run.snapshot = selected_->view.shared_snapshot();
    MAIL_CO_TRY(run.plan, SearchPlan::prepare(context.arguments.program, context.arguments.charset, selected_->view,
                                              selected_->saved, services_.clock.now()));
    if (!has_numbers(context.arguments.program)) {
        run.since = context.seen->modseq();
        run.known = ranges_of(context.found);
    }
    MAIL_CO_TRY(auto positions, co_await run_search(run));
    if (!context.criteria.empty()) {
        MAIL_CO_TRY(positions, co_await sorted(context.criteria, std::move(positions)));
    }
    std::vector<store::Uid> found;
    for (const auto position : positions)
        found.push_back(run.snapshot->uid_at(position));
    co_return found;
}

void Session::tell_difference(std::string& out, SearchContext& context, std::vector<store::Uid> found) const {
    const auto& view = selected_->view.snapshot();
    const bool is_sorted = !context.criteria.empty();
    const auto number = [&](store::Uid uid) { return context.uid ? uid : view.find(uid).position + 1; };
    const std::unordered_set<store::Uid> now(found.begin(), found.end());
    const std::unordered_set<store::Uid> before(context.found.begin(), context.found.end());
    UpdateWriter removed(out, context.tag, context.uid, "REMOVEFROM");
    for (std::size_t i = context.found.size(); i-- > 0;)
        if (!now.contains(context.found[i]))
            removed.add(is_sorted ? static_cast<std::uint32_t>(i + 1) : 0, number(context.found[i]));
    removed.finish();
    UpdateWriter added(out, context.tag, context.uid, "ADDTO");
    for (std::size_t i = 0; i < found.size(); ++i)
        if (!before.contains(found[i]))
            added.add(is_sorted ? static_cast<std::uint32_t>(i + 1) : 0, number(found[i]));
    added.finish();
    context.found = std::move(found);
}

// After the view was brought up to date. A search that cannot be repeated is given up, and the client told.
Task<void> Session::update_contexts(std::string& out) {
    for (std::size_t i = 0; i < contexts_.size();) {
        auto& context = *contexts_[i];
        const auto seen = selected_->view.shared_snapshot();
        if (context.seen == seen) {
            ++i;
            continue;
        }
        auto found = co_await search_again(context);
        if (!found) {
            std::string code = "NOUPDATE ";
            append_string(code, context.tag);
            append_status(out, "*", "NO", code, found.error().message);
            contexts_.erase(contexts_.begin() + static_cast<std::ptrdiff_t>(i));
            continue;
        }
        tell_difference(out, context, std::move(*found));
        context.seen = seen;
        ++i;
    }
}

// Everything the client must be told of its mailbox, in the right order.
Task<void> Session::catch_up(std::string& out, bool allow_expunge) {
    if (!selected_)
        co_return;
    const auto now = selected_->handle->current();
    if (allow_expunge && !contexts_.empty() && now != selected_->view.shared_snapshot())
        tell_leaving(out, *now);
    selected_->view.sync(out, now, style(allow_expunge));
    co_await update_contexts(out);
}

} // namespace mail::imap
