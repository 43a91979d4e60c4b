// The message's bytes on their way out: DATA with dots, or BDAT chunks.
#include "maild/smtp/proto/framer.hpp"
#include "maild/smtp_client/transaction.hpp"

#include <algorithm>

namespace mail::smtp_client {
namespace {
constexpr std::size_t block = 256 * 1024;
}

Task<Result<void>> Session::write_data(Transaction& t) {
    smtp::DotStuffer stuffer;
    std::string out;
    const std::uint64_t size = t.content ? t.content->size() : t.source.size();
    for (std::uint64_t at = 0; at < size; at += block) {
        if (t.content) {
            stuffer.feed(std::string_view(*t.content).substr(at, block), out);
        } else {
            auto bytes = co_await t.source.read(at, block);
            // Half a message must never be ended with a dot: the connection goes instead.
            if (!bytes || bytes->size() != std::min<std::uint64_t>(block, size - at)) {
                usable_ = false;
                t.decide_all(own_outcome("4.3.0", "the message could not be read"));
                co_return Result<void>{};
            }
            stuffer.feed(*bytes, out);
        }
        if (out.size() >= block && at + block < size) {
            MAIL_CO_DO(co_await write(out, options_.timeouts.block));
            out.clear();
        }
    }
    stuffer.finish(out);
    co_return co_await write(out, options_.timeouts.block);
}

Task<Result<void>> Session::write_chunks(Transaction& t) {
    const std::uint64_t size = t.content ? t.content->size() : t.source.size();
    std::uint64_t at = 0;
    do {
        std::string bytes;
        const std::uint64_t length = std::min<std::uint64_t>(block, size - at);
        if (t.content) {
            bytes = t.content->substr(at, length);
        } else {
            auto read = co_await t.source.read(at, length);
            if (read)
                bytes = std::move(*read);
        }
        if (bytes.size() != length) {
            usable_ = false;
            t.decide_all(own_outcome("4.3.0", "the message could not be read"));
            co_return Result<void>{};
        }
        at += length;
        std::string chunk = smtp::serialize(smtp::Bdat{length, at == size});
        note_sent(chunk);
        chunk += bytes;
        MAIL_CO_DO(co_await write(chunk, options_.timeouts.block));
        if (at == size)
            break;
        MAIL_CO_TRY(const smtp::Reply reply, co_await read_reply(options_.timeouts.block));
        if (reply.code / 100 != 2) {
            usable_ = usable_ && reply.code != 421;
            t.decide_all(reply.is_positive() ? own_outcome("4.5.0", "unexpected answer to BDAT: " + reply.text())
                                             : outcome_of(reply));
            co_return Result<void>{};
        }
    } while (at < size);
    co_return Result<void>{};
}

} // namespace mail::smtp_client
