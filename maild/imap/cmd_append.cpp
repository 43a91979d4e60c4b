// APPEND and REPLACE: refusing before the client sends, streaming large messages to the store, putting messages together from
// others (CATENATE), committing at the end of the command.
#include "maild/imap/append_job.hpp"

#include "common/base/limits.hpp"
#include "maild/imap/proto/response.hpp"

#include <algorithm>

namespace mail::imap {

namespace {

constexpr std::size_t max_messages = 1000; // of one MULTIAPPEND
constexpr std::size_t max_url = 8192;

using Kind = AppendPiece::Kind;

Reply append_failed(const Error& error) {
    auto reply = Reply::no(error);
    if (error.code == ErrorCode::too_large)
        reply.code = "TOOBIG";
    return reply;
}

Reply too_big() { return Reply::no("the message is larger than this server takes", "TOOBIG"); } // RFC 7889 §4

// RFC 4469 §4: the URL comes back as it was sent; it stands within a line, so what cannot be quoted is left out.
Reply bad_url(std::string_view url, std::string_view why) {
    std::string code = "BADURL";
    if (url.size() <= 1024 && std::all_of(url.begin(), url.end(), [](char c) { return c > 0x20 && c < 0x7F && c != '"' && c != '\\' && c != ']'; }))
        append_all(code, {" \"", url, "\""});
    return Reply::no(std::string(why), std::move(code));
}

} // namespace

// Messages of APPEND are announced by the framer once a client has signed in, so what gets here is made of URLs alone.
Task<Reply> Session::cmd_append(const Command& command) {
    const auto& arguments = std::get<AppendArguments>(command.body);
    append_ = std::make_unique<AppendJob>();
    append_->mailbox = arguments.mailbox;
    append_->replaces = arguments.replaces;
    if (append_->replaces)
        append_->replaces->uid = command.uid;
    co_await take_pieces(arguments.pieces);
    auto job = std::move(append_);
    if (job->refused)
        co_return *job->refused;
    co_return co_await commit_append(std::move(job));
}

Task<void> Session::append_literal(Framer::Event event) {
    if (append_ == nullptr)
        append_ = std::make_unique<AppendJob>();
    auto& job = *append_;
    std::vector<AppendPiece> pieces;
    if (const auto fault = job.parser.next(framer_.frame(), pieces); fault && !job.refused)
        job.refused = Reply::bad(fault->reason);
    job.mailbox = job.parser.mailbox();
    job.replaces = job.parser.replaces();
    if (!job.refused)
        co_await take_pieces(pieces);
    if (job.refused && event.synchronizing) {
        finish(job.parser.tag(), *job.refused); // the client will not send it
        append_.reset();
        framer_.reset();
        co_return;
    }
    if (job.refused && event.size > static_cast<std::uint64_t>(limit::message_bytes)) {
        finish(job.parser.tag(), *job.refused);
        bye("TOOBIG", "too much to skip"); // RFC 7888 §4: the bytes are on their way
        append_.reset();
        co_return;
    }
    if (event.synchronizing) {
        say("+ go on");
        co_await flush();
    }
    const bool complete = co_await receive_message(event.size);
    if (!complete) {
        append_.reset();
        co_return;
    }
    if (!job.refused && job.is_url)
        co_await append_url(std::move(job.url));
    framer_.append_literal_done();
}

// The last one may be a literal whose bytes come next.
Task<void> Session::take_pieces(const std::vector<AppendPiece>& pieces) {
    auto& job = *append_;
    for (const auto& piece : pieces) {
        if (piece.kind == Kind::begin) {
            auto refusal = co_await begin_append(piece);
            job.refused = std::move(refusal);
        } else if (piece.streamed) {
            job.refused = begin_literal(piece);
        } else if (piece.kind == Kind::url) {
            co_await append_url(piece.url);
        } else if (piece.kind == Kind::end) {
            keep_message();
        }
        if (job.refused)
            co_return;
    }
}

// RFC 8508 §3: the message that goes must be there, and its removal allowed.
Task<std::optional<Reply>> Session::begin_replace() {
    auto& job = *append_;
    if (!selected_)
        co_return Reply::bad("REPLACE needs a selected mailbox");
    if (uid_only_ && !job.replaces->uid)
        co_return Reply::uid_required();
    if (selected_->read_only)
        co_return Reply::no("the mailbox is open read-only", "NOPERM");
    const auto& view = selected_->view;
    const auto number = job.replaces->number;
    if (job.replaces->uid || number == 0) {
        job.replaced = number == 0 ? view.last_uid() : number;
    } else if (number <= view.size()) {
        job.replaced = view.snapshot().uid_at(number - 1);
    } else {
        co_return Reply::bad("no such message number");
    }
    if (job.replaced == 0 || !view.snapshot().find(job.replaced).found)
        co_return Reply::no("there is no such message", "NONEXISTENT");
    const auto marks = co_await services_.mailboxes.may(account(), selected_->folder, service::Right::remove_item);
    if (!marks)
        co_return Reply::no(marks.error());
    const auto expunges = co_await services_.mailboxes.may(account(), selected_->folder, service::Right::expunge);
    if (!expunges)
        co_return Reply::no(expunges.error());
    co_return std::nullopt;
}

// Everything about a message that can be refused before its bytes come.
Task<std::optional<Reply>> Session::begin_append(const AppendPiece& message) {
    auto& job = *append_;
    if (!job.folder) {
        if (job.replaces) {
            auto refusal = co_await begin_replace();
            if (refusal)
                co_return refusal;
        }
        auto folder = co_await find_folder(job.mailbox);
        if (!folder) {
            auto reply = Reply::no(folder.error());
            if (folder.error().code == ErrorCode::not_found)
                reply.code = "TRYCREATE"; // RFC 9051 §6.3.12
            co_return reply;
        }
        const auto allowed = co_await services_.mailboxes.may(account(), *folder, service::Right::insert);
        if (!allowed)
            co_return Reply::no(allowed.error());
        job.folder = std::move(*folder);
    } else if (job.replaces) {
        co_return Reply::bad("REPLACE takes one message");
    }
    if (job.items.size() >= max_messages)
        co_return Reply::no("too many messages in one APPEND", "LIMIT");
    if (message.flags.keywords.size() > static_cast<std::size_t>(limit::keywords_per_item))
        co_return Reply::no("too many keywords", "LIMIT");
    for (const auto& keyword : message.flags.keywords)
        if (keyword.size() > static_cast<std::size_t>(limit::keyword_bytes))
            co_return Reply::no("a keyword is too long", "LIMIT");
    job.message = message;
    job.size = 0;
    co_return std::nullopt;
}

std::optional<Reply> Session::begin_literal(const AppendPiece& piece) {
    auto& job = *append_;
    job.is_url = piece.kind == Kind::url;
    job.url.clear();
    job.takes_nul = piece.literal8;
    if (job.is_url)
        return piece.size <= max_url ? std::nullopt : std::optional(Reply::no("the URL is too long", "BADURL"));
    if (piece.size > static_cast<std::uint64_t>(limit::message_bytes) - std::min(job.size, static_cast<std::uint64_t>(limit::message_bytes)))
        return too_big();
    if (piece.size == 0 && !job.message.catenated)
        return Reply::no("an empty message is not stored"); // RFC 3502 §6.3.11
    job.expected = job.message.catenated ? 0 : piece.size;
    const auto size = static_cast<std::size_t>(piece.size);
    if (job.spool == nullptr && job.memory.size() + size <= static_cast<std::size_t>(limit::stream_threshold) &&
        job.held + job.memory.size() + size <= static_cast<std::size_t>(limit::output_buffer))
        job.memory.reserve(job.memory.size() + size);
    return std::nullopt;
}

// False when the connection ended before all bytes came.
Task<bool> Session::receive_message(std::uint64_t size) {
    while (size > 0) {
        if (reader_.buffered().empty()) {
            allow_time();
            const auto more = co_await reader_.fill(65536);
            if (!more || !*more) {
                state_ = State::ended;
                co_return false;
            }
        }
        const auto bytes = reader_.buffered().substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(size, SIZE_MAX)));
        const auto taken = bytes.size();
        if (!append_->refused && append_->is_url)
            append_->url += bytes;
        else
            co_await take_bytes(bytes);
        reader_.consume(taken);
        size -= taken;
    }
    co_return true;
}

// Few bytes stay in memory, many go to the store at once.
Task<void> Session::take_bytes(std::string_view bytes) {
    auto& job = *append_;
    if (job.refused)
        co_return;
    // RFC 9051 §9: NUL may stand in a literal8 only.
    if (!job.takes_nul && bytes.find('\0') != std::string_view::npos) {
        job.refused = Reply::bad("a NUL byte in the message");
        co_return;
    }
    job.size += bytes.size();
    const auto in_memory = job.memory.size() + bytes.size();
    if (job.spool == nullptr && in_memory <= static_cast<std::size_t>(limit::stream_threshold) &&
        job.held + in_memory <= static_cast<std::size_t>(limit::output_buffer)) {
        job.memory += bytes;
        co_return;
    }
    if (job.spool == nullptr) {
        auto spool = services_.mailboxes.spool(job.expected);
        if (!spool) {
            job.refused = Reply::no(spool.error());
            co_return;
        }
        job.spool = std::move(*spool);
        const auto begun = co_await job.spool->append(job.memory);
        job.memory = {};
        if (!begun)
            job.refused = Reply::no(begun.error());
    }
    const auto kept = co_await job.spool->append(bytes);
    if (!kept)
        job.refused = Reply::no(kept.error());
}

// RFC 4469 §3: the bytes of another message, or of a part of one.
Task<void> Session::append_url(std::string text) {
    auto& job = *append_;
    job.is_url = false;
    const auto bytes = co_await url_bytes(text);
    if (!bytes) {
        job.refused = bad_url(text, bytes.error().message);
        co_return;
    }
    if (job.size + bytes->size() > static_cast<std::uint64_t>(limit::message_bytes)) {
        job.refused = too_big();
        co_return;
    }
    job.takes_nul = true; // what was stored may be stored again
    co_await take_bytes(*bytes);
}

void Session::keep_message() {
    auto& job = *append_;
    if (job.size == 0) {
        job.refused = Reply::no("an empty message is not stored");
        return;
    }
    service::Mailboxes::NewItem item;
    item.flags = job.message.flags.system;
    item.keywords = job.message.flags.keywords;
    if (job.message.date)
        item.internal_date = job.message.date->time;
    if (job.spool != nullptr) {
        auto spooled = job.spool->finish();
        if (!spooled) {
            job.refused = Reply::no(spooled.error());
            return;
        }
        item.content.spooled = *spooled;
    } else {
        job.held += job.memory.size();
        item.content.memory = std::make_shared<const std::string>(std::move(job.memory));
    }
    job.memory = {};
    job.spool.reset();
    job.items.push_back(std::move(item));
}

Task<void> Session::end_append() {
    std::vector<AppendPiece> pieces;
    const auto fault = append_->parser.end(framer_.frame(), pieces);
    if (!append_->refused && fault)
        append_->refused = Reply::bad(fault->reason);
    if (!append_->refused)
        co_await take_pieces(pieces);
    auto job = std::move(append_);
    const std::string tag = job->parser.tag();
    own_changes_.clear();
    Reply reply = Reply::none();
    if (job->refused)
        reply = *job->refused;
    else
        reply = co_await commit_append(std::move(job));
    co_await catch_up(out_, true);
    finish(tag, reply);
}

Task<Reply> Session::commit_append(std::unique_ptr<AppendJob> job) {
    if (job->replaces)
        co_return co_await commit_replace(std::move(job));
    const auto placed = co_await services_.mailboxes.append(*mailbox_, job->folder->id, std::move(job->items));
    if (!placed)
        co_return append_failed(placed.error());
    NumberList uids; // RFC 4315 §3
    for (const auto& place : *placed)
        uids.add(place.uid);
    const auto validity = placed->empty() ? job->folder->uid_validity : placed->front().uid_validity;
    co_return Reply::ok("APPEND completed", "APPENDUID " + std::to_string(validity) + " " + uids.text());
}

// RFC 8508 §3: the new message comes and the old one goes in one step, or neither.
Task<Reply> Session::commit_replace(std::unique_ptr<AppendJob> job) {
    if (job->items.empty())
        co_return Reply::bad("REPLACE takes one message");
    const auto placed = co_await services_.mailboxes.replace(*mailbox_, job->folder->id, std::move(job->items.front()),
                                                             selected_->folder.id, job->replaced);
    if (!placed)
        co_return append_failed(placed.error());
    // §3.3: told before the old message goes.
    const auto code = "APPENDUID " + std::to_string(placed->uid_validity) + " " + std::to_string(placed->uid);
    append_status(out_, "*", "OK", code, "the replacement is stored");
    co_return Reply::ok("REPLACE completed");
}

} // namespace mail::imap
