#include "maild/smtp/intake.hpp"

#include "common/base/text.hpp"
#include "common/mail/header.hpp"

#include <algorithm>

namespace mail::smtp {

Intake::Intake(service::Delivery& delivery, ByteBudget& budget, IntakeOptions options)
    : delivery_(delivery), lease_(budget), options_(std::move(options)), trace_left_(options_.trace.size()),
      next_look_(std::size_t{limit::stream_threshold}) {
    // What the client claims is believed up to the size at which memory is left anyway.
    const auto hint = std::min<std::uint64_t>(options_.size_hint, std::uint64_t{limit::stream_threshold});
    buffer_.reserve(trace_left_ + static_cast<std::size_t>(hint) + 1024);
    buffer_ = options_.trace;
}

void Intake::refuse(Reply reply) {
    if (!refusal_)
        refusal_ = std::move(reply);
    buffer_ = std::string();
    trace_left_ = 0;
    spool_.reset();
    (void)lease_.resize(0);
}

HeaderEdit Intake::edit(std::string_view header) {
    HeaderEdit edit = edit_header(header, options_.rules);
    needs_utf8_ = edit.needs_utf8;
    message_id_ = edit.message_id;
    subject_ = edit.subject;
    return edit;
}

Task<void> Intake::settle() {
    if (refusal_)
        co_return;
    if (size() > options_.max_bytes) {
        refuse(Reply(552, "5.3.4", "Message too large; at most " + std::to_string(options_.max_bytes) + " bytes"));
        co_return;
    }
    if (!lease_.resize(buffer_.capacity())) {
        refuse(Reply(452, "4.3.1", "Too much mail at once, try again later"));
        co_return;
    }
    if (spool_) {
        if (buffer_.size() >= std::size_t{limit::stream_threshold}) {
            co_await spool(buffer_);
            buffer_.clear();
        }
        co_return;
    }
    if (buffer_.size() - trace_left_ > next_look_)
        co_await begin_spool();
}

Task<void> Intake::begin_spool() {
    const std::string_view message = std::string_view(buffer_).substr(trace_left_);
    const std::size_t header_end = header_size(message);
    if (header_end == message.size()) {
        // The header goes on. Looking again only at twice the size keeps the work linear.
        if (message.size() > std::size_t{limit::header_bytes})
            refuse(Reply(552, "5.3.4", "Message header too large"));
        next_look_ = message.size() * 2;
        co_return;
    }
    HeaderEdit edited = edit(message.substr(0, header_end));
    if (edited.refusal) {
        refuse(*edited.refusal);
        co_return;
    }
    auto opened = delivery_.spool(options_.size_hint);
    if (!opened) {
        refuse(reply_for(opened.error()));
        co_return;
    }
    spool_ = std::move(*opened);
    const std::string head = options_.trace + edited.apply(message.substr(0, header_end));
    const auto written = co_await spool_->append(head);
    if (!written) {
        refuse(reply_for(written.error()));
        co_return;
    }
    moved_ = header_end;
    co_await spool(message.substr(header_end));
    trace_left_ = 0;
    buffer_.clear();
}

/// Bytes of the body.
Task<void> Intake::spool(std::string_view bytes) {
    is_8bit_ = is_8bit_ || !text::is_ascii(bytes);
    moved_ += bytes.size();
    const auto written = co_await spool_->append(bytes);
    if (!written)
        refuse(reply_for(written.error()));
}

Task<void> Intake::finish() {
    co_await settle();
    if (refusal_)
        co_return;
    if (spool_) {
        co_await spool(buffer_);
        if (refusal_)
            co_return;
        buffer_.clear();
        auto spooled = spool_->finish();
        if (!spooled) {
            refuse(reply_for(spooled.error()));
            co_return;
        }
        content_.spooled = *spooled;
        co_return;
    }
    const std::string_view message = std::string_view(buffer_).substr(trace_left_);
    const std::size_t header_end = header_size(message);
    const HeaderEdit edited = edit(message.substr(0, header_end));
    if (edited.refusal) {
        refuse(*edited.refusal);
        co_return;
    }
    is_8bit_ = !text::is_ascii(message.substr(header_end));
    moved_ = message.size();
    if (edited.is_unchanged()) {
        content_.memory = std::make_shared<const std::string>(std::move(buffer_));
    } else {
        std::string whole = options_.trace + edited.apply(message.substr(0, header_end));
        whole += message.substr(header_end);
        content_.memory = std::make_shared<const std::string>(std::move(whole));
    }
    buffer_ = std::string();
    trace_left_ = 0;
}

} // namespace mail::smtp
