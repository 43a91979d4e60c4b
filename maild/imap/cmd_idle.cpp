// IDLE (RFC 2177, RFC 9051 §6.3.13): the main coroutine waits for DONE while the companion pushes changes.
#include "maild/imap/connection.hpp"

#include "common/base/text.hpp"

namespace mail::imap {

Task<Reply> Session::cmd_idle(const Command&) {
    service::ChangeBus::Token token;
    if (selected_)
        token = services_.mailboxes.bus().watch_folder(selected_->handle->id(), doorbell_->signal);
    // What changed before the watch began is told now; nothing between the two is lost.
    co_await catch_up(out_, true);
    say("+ idling");
    co_await flush();
    idling_ = true;
    const auto line = co_await client_line(limit::imap_line_preauth);
    idling_ = false;
    token.reset();
    if (!line) {
        if (line.error().code == ErrorCode::closed || state_ == State::ended)
            co_return Reply::none();
        co_return Reply::bad(line.error().message);
    }
    if (!text::iequals(*line, "DONE"))
        co_return Reply::bad("DONE ends IDLE");
    co_return Reply::ok("IDLE completed");
}

} // namespace mail::imap
