// APPEND: refusing before the client sends, streaming large messages to the store, committing at the end of the command.
#include "maild/imap/append_job.hpp"

#include "common/base/limits.hpp"
#include "maild/imap/proto/response.hpp"

#include <algorithm>

namespace mail::imap {

namespace {

constexpr std::size_t max_messages = 1000; // of one MULTIAPPEND

} // namespace

// Messages of APPEND are announced by the framer once a client has signed in, so a whole one never gets here.
Task<Reply> Session::cmd_append(const Command&) { co_return Reply::bad("APPEND needs a literal"); }

Task<void> Session::append_literal(Framer::Event event) {
    if (append_ == nullptr)
        append_ = std::make_unique<AppendJob>();
    auto& job = *append_;
    AppendMessage message;
    if (const auto fault = job.parser.next(framer_.frame(), message); fault && !job.refused)
        job.refused = Reply::bad(fault->reason);
    if (!job.refused) {
        auto refusal = co_await begin_append(message);
        job.refused = std::move(refusal);
    }
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
    if (!job.refused)
        keep_message(message);
    job.memory = {};
    job.spool.reset();
    framer_.append_literal_done();
}

// Everything that can be refused before the bytes come.
Task<std::optional<Reply>> Session::begin_append(AppendMessage message) {
    auto& job = *append_;
    if (!job.folder) {
        auto folder = co_await find_folder(job.parser.mailbox());
        if (!folder) {
            auto reply = Reply::no(folder.error());
            if (folder.error().code == ErrorCode::not_found)
                reply.code = "TRYCREATE"; // RFC 9051 §6.3.12
            co_return reply;
        }
        job.folder = std::move(*folder);
    }
    if (message.size > static_cast<std::uint64_t>(limit::message_bytes))
        co_return Reply::no("the message is larger than this server takes", "TOOBIG"); // RFC 7889 §4
    if (message.size == 0)
        co_return Reply::no("an empty message is not stored"); // RFC 3502 §6.3.11
    if (job.items.size() >= max_messages)
        co_return Reply::no("too many messages in one APPEND", "LIMIT");
    if (message.flags.keywords.size() > static_cast<std::size_t>(limit::keywords_per_item))
        co_return Reply::no("too many keywords", "LIMIT");
    for (const auto& keyword : message.flags.keywords)
        if (keyword.size() > static_cast<std::size_t>(limit::keyword_bytes))
            co_return Reply::no("a keyword is too long", "LIMIT");
    job.takes_nul = message.literal8;
    const auto size = static_cast<std::size_t>(message.size);
    if (size <= static_cast<std::size_t>(limit::stream_threshold) &&
        job.held + size <= static_cast<std::size_t>(limit::output_buffer)) {
        job.memory.reserve(size);
        co_return std::nullopt;
    }
    auto spool = services_.mailboxes.spool(message.size);
    if (!spool)
        co_return Reply::no(spool.error());
    job.spool = std::move(*spool);
    co_return std::nullopt;
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
        co_await take_bytes(bytes);
        reader_.consume(taken);
        size -= taken;
    }
    co_return true;
}

Task<void> Session::take_bytes(std::string_view bytes) {
    auto& job = *append_;
    if (job.refused)
        co_return;
    // RFC 9051 §9: NUL may stand in a literal8 only.
    if (!job.takes_nul && bytes.find('\0') != std::string_view::npos) {
        job.refused = Reply::bad("a NUL byte in the message");
        co_return;
    }
    if (job.spool == nullptr) {
        job.memory += bytes;
        co_return;
    }
    const auto kept = co_await job.spool->append(bytes);
    if (!kept)
        job.refused = Reply::no(kept.error());
}

void Session::keep_message(const AppendMessage& message) {
    auto& job = *append_;
    service::Mailboxes::NewItem item;
    item.flags = message.flags.system;
    item.keywords = message.flags.keywords;
    if (message.date)
        item.internal_date = message.date->time;
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
    job.items.push_back(std::move(item));
}

Task<void> Session::end_append() {
    const auto job = std::move(append_);
    const std::string tag = job->parser.tag();
    const auto fault = job->parser.end(framer_.frame());
    if (job->refused || fault) {
        finish(tag, job->refused ? *job->refused : Reply::bad(fault->reason));
        co_return;
    }
    const auto placed =
        co_await services_.mailboxes.append(*mailbox_, job->folder->id, std::move(job->items));
    own_change_ = 0;
    sync(true);
    if (!placed) {
        auto reply = Reply::no(placed.error());
        if (placed.error().code == ErrorCode::too_large)
            reply.code = "TOOBIG";
        finish(tag, reply);
        co_return;
    }
    NumberList uids; // RFC 4315 §3
    for (const auto& place : *placed)
        uids.add(place.uid);
    const auto validity = placed->empty() ? job->folder->uid_validity : placed->front().uid_validity;
    finish(tag, Reply::ok("APPEND completed", "APPENDUID " + std::to_string(validity) + " " + uids.text()));
}

} // namespace mail::imap
