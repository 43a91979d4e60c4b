#include "maild/imap/connection.hpp"

#include "common/base/limits.hpp"
#include "common/base/log.hpp"
#include "common/net/patience.hpp"
#include "maild/imap/append_job.hpp"
#include "maild/imap/notify_job.hpp"
#include "maild/imap/search_job.hpp"

#include <algorithm>

namespace mail::imap {

namespace {

constexpr std::size_t full_buffer = 131072; // responses are written in pieces of about this size
constexpr std::string_view ending = "the server ends the session, try again later";
constexpr std::size_t kept_buffer = 65536;  // capacity an idle session may hold on to

} // namespace

Reply Reply::ok(std::string text, std::string code) { return {Kind::ok, std::move(code), std::move(text)}; }
Reply Reply::no(std::string text, std::string code) { return {Kind::no, std::move(code), std::move(text)}; }
Reply Reply::no(const Error& error) { return {Kind::no, std::string(face_of(error.code).imap_code), error.message}; }
Reply Reply::bad(std::string text, std::string code) { return {Kind::bad, std::move(code), std::move(text)}; }
Reply Reply::uid_required() { return bad("message numbers cannot be used once UIDONLY is enabled", "UIDREQUIRED"); }
Reply Reply::none() { return {Kind::none, {}, {}}; }

Task<void> serve(Services services, Profile profile, std::unique_ptr<net::Stream> stream, std::string id) {
    auto session = std::make_shared<Session>(services, std::move(profile), std::move(stream), std::move(id));
    try {
        co_await session->run();
    } catch (...) { // cancelled, or out of memory: the companion must not outlive the connection
        session->abandon();
        throw;
    }
}

Session::Session(Services services, Profile profile, std::unique_ptr<net::Stream> stream, std::string id)
    : services_(services), profile_(std::move(profile)), stream_(std::move(stream)), reader_(*stream_),
      id_(std::move(id)), framer_(FramerLimits::before_sign_in()) {}

void Session::abandon() noexcept {
    state_ = State::ended;
    stream_->close();
    doorbell_->signal.fire();
}

void Session::say(std::string_view line) {
    out_ += line;
    out_ += "\r\n";
}

void Session::bye(std::string_view code, std::string_view text) {
    append_status(out_, "*", "BYE", code, text);
    state_ = State::ended;
}

void Session::allow_time() {
    const auto seconds = state_ == State::greeted ? limit::preauth_idle_seconds : limit::imap_idle_seconds;
    stream_->set_timeout(std::chrono::seconds(seconds));
    waiting_since_ = services_.clock.steady();
}

// Before sign-in a command has its time as a whole, however many pieces it comes in, and less of it in overload.
Task<Result<bool>> Session::read_once() {
    if (state_ != State::greeted)
        co_return co_await reader_.fill();
    const auto waited = std::chrono::duration_cast<Duration>(services_.clock.steady() - waiting_since_);
    const Duration left = std::chrono::seconds(limit::preauth_idle_seconds) - waited;
    co_return co_await net::fill_within(*stream_, reader_, left, profile_.is_overloaded);
}

Task<void> Session::flush() {
    if (!out_.empty() && !broken_) {
        const auto written = co_await stream_->write(out_);
        if (!written) {
            broken_ = true;
            state_ = State::ended;
        }
    }
    out_.clear();
    if (out_.capacity() > 2 * full_buffer)
        out_.shrink_to_fit();
}

Task<void> Session::flush_if_full() {
    if (out_.size() < full_buffer)
        co_return;
    allow_time();
    co_await flush();
}

// False when nothing more comes.
Task<bool> Session::read_more() {
    co_await flush();
    while (pending_ && may_push()) // came while a command was answered
        co_await push_changes();
    if (state_ == State::ended)
        co_return false;
    if (out_.capacity() > kept_buffer)
        out_.shrink_to_fit();
    reader_.release();
    if (idling_)
        stream_->rest();
    reading_ = true;
    const net::Interruptible waiting(*stream_, append_ == nullptr);
    const auto more = co_await read_once();
    reading_ = false;
    const bool gone = !more || !*more;
    if (gone && pushing_ && !stream_->is_ending())
        stream_->close(); // a client that has gone cannot hold up the companion's write
    while (pushing_)
        co_await quiet_.wait();
    if (more && *more)
        co_return true;
    if (state_ != State::ended && must_end() && !broken_)
        bye("UNAVAILABLE", ending);
    else if (!more && more.error().code == ErrorCode::timeout && !broken_)
        bye("UNAVAILABLE", "no command came in time"); // RFC 9051 §5.4
    state_ = State::ended;
    co_return false;
}

Task<void> Session::run() {
    allow_time();
    out_ = "* OK [CAPABILITY " + capabilities() + "] " + profile_.hostname + " IMAP ready\r\n";
    while (state_ != State::ended) {
        if (must_end()) {
            bye("UNAVAILABLE", ending);
            break;
        }
        auto event = framer_.feed(reader_.buffered());
        reader_.consume(event.consumed);
        if (event.step == Framer::Step::need_more) {
            const bool more = co_await read_more();
            if (!more)
                break;
        } else {
            allow_time();
            co_await step(std::move(event));
            co_await flush_if_full();
        }
    }
    append_.reset();
    notify_.reset();
    selected_.reset();
    watch_.reset();
    stream_->set_timeout(std::chrono::seconds(10)); // for the last words, also after a time-out
    co_await flush();
    co_await stream_->shutdown();
    stream_->close();
    doorbell_->signal.fire(); // the companion ends
}

Task<void> Session::step(Framer::Event event) {
    switch (event.step) {
    case Framer::Step::need_more: break;
    case Framer::Step::continuation:
        // RFC 9051 §4.3: the client waits for this before it sends the literal.
        say("+ go on");
        co_await flush();
        break;
    case Framer::Step::append_literal: co_await append_literal(std::move(event)); break;
    case Framer::Step::error: co_await refuse_frame(std::move(event)); break;
    case Framer::Step::frame: {
        if (append_ != nullptr) {
            co_await end_append();
            break;
        }
        const auto outcome = parse(framer_.frame());
        if (const auto* bad = std::get_if<BadCommand>(&outcome))
            bad_command(bad->tag, bad->reason);
        else
            co_await dispatch(std::get<Command>(outcome));
        break;
    }
    }
}

Task<void> Session::refuse_frame(Framer::Event event) {
    append_.reset();
    bad_command(event.tag, event.reason);
    if (event.fatal && state_ != State::ended)
        bye("", event.reason);
    co_return;
}

void Session::bad_command(std::string_view tag, std::string_view reason, std::string_view code) {
    log(Event::imap_bad_command, {{"sid", id_}, {"reason", reason}});
    append_status(out_, tag.empty() ? "*" : tag, "BAD", code, reason);
    const bool hurried = state_ == State::greeted && profile_.is_overloaded && profile_.is_overloaded();
    if (++errors_ >= (hurried ? limit::overload_errors : limit::imap_errors))
        bye("", "too many errors");
}

Task<void> Session::dispatch(const Command& command) {
    const auto rows = commands();
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const auto& r) { return r.verb == command.verb; });
    if (row == rows.end() || (row->states & static_cast<std::uint8_t>(state_)) == 0) {
        bad_command(command.tag, state_ == State::greeted ? "sign in first" : "not allowed in this state");
        co_return;
    }
    if (uid_only_ && uses_numbers(command)) {
        finish(command.tag, Reply::uid_required());
        co_return;
    }
    own_changes_.clear();
    const auto reply = co_await (this->*row->handler)(command);
    co_await catch_up(out_, command.uid || !row->by_number);
    finish(command.tag, reply);
}

void Session::finish(std::string_view tag, const Reply& reply) {
    switch (reply.kind) {
    case Reply::Kind::ok: append_status(out_, tag, "OK", reply.code, reply.text); break;
    case Reply::Kind::no: append_status(out_, tag, "NO", reply.code, reply.text); break;
    case Reply::Kind::bad: bad_command(tag, reply.text, reply.code); break;
    case Reply::Kind::none: break;
    }
}

SyncStyle Session::style(bool allow_expunge) const {
    return {.allow_expunge = allow_expunge,
            .vanished = qresync_ || uid_only_,
            .modseq = condstore_,
            .uid_only = uid_only_,
            .recent = !rev2_,
            .own_changes = own_changes_};
}

void Session::sync(bool allow_expunge) {
    if (selected_)
        selected_->view.sync(out_, selected_->handle->current(), style(allow_expunge));
}

// One line that is no command: a SASL response or DONE.
Task<Result<std::string>> Session::client_line(std::size_t max) {
    framer_.expect_line(max);
    while (true) {
        auto event = framer_.feed(reader_.buffered());
        reader_.consume(event.consumed);
        if (event.step == Framer::Step::frame)
            co_return framer_.frame().text;
        if (event.step == Framer::Step::error) {
            if (event.fatal)
                bye("", event.reason);
            co_return fail(ErrorCode::invalid, std::string(event.reason));
        }
        const bool more = co_await read_more();
        if (!more)
            co_return fail(ErrorCode::closed, "the client has gone");
    }
}

// Lives from sign-in to the end of the connection: rings in from other threads end up here.
Task<void> Session::companion(std::shared_ptr<Session> self) {
    const auto doorbell = self->doorbell_;
    while (self->state_ != State::ended) {
        co_await doorbell->signal.wait();
        if (self->state_ == State::ended)
            break;
        if (doorbell->revoked.load()) {
            if (self->reading_ && !self->broken_) {
                self->pushing_ = true;
                self->bye("UNAVAILABLE", "the sign-in is no longer valid");
                co_await self->flush();
                self->pushing_ = false;
            }
            self->state_ = State::ended;
            self->stream_->close();
            break;
        }
        if (self->reading_)
            co_await self->push_changes();
        else
            self->pending_ = true;
    }
    self->quiet_.fire();
}

// Between commands, and within IDLE: the client is not in the middle of saying something, nor are we.
bool Session::may_push() const noexcept {
    return !broken_ && state_ != State::ended && append_ == nullptr && (idling_ || (notify_ && framer_.is_idle()));
}

// The companion writes only while the main coroutine reads; that one waits for it before it goes on.
Task<void> Session::push_changes() {
    pending_ = !may_push();
    if (pending_)
        co_return;
    pushing_ = true;
    co_await push_selected();
    if (notify_ && !broken_) {
        co_await tell_notifications();
        co_await flush();
    }
    if (idling_)
        stream_->rest();
    pushing_ = false;
    quiet_.fire();
}

Task<void> Session::push_selected() {
    const bool wanted = notify_ && notify_->selected ? notify_->selected->has(NotifyEvent::message_new) : idling_;
    while (wanted && selected_ && !broken_) {
        const auto before = selected_->view.last_uid();
        const bool delayed = notify_ && notify_->selected && notify_->selected->scope.kind == MailboxScope::Kind::selected_delayed;
        const auto size = out_.size();
        co_await catch_up(out_, !delayed);
        if (out_.size() == size)
            break;
        if (notify_ && notify_->selected && selected_->view.last_uid() != before)
            co_await fetch_new(before);
        co_await flush();
    }
}

} // namespace mail::imap
