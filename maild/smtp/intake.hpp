// Intake: the bytes of one message on their way in, from DATA or BDAT. Small messages stay in memory until they are
// whole; larger ones (limit::stream_threshold) go to the store's segment as they arrive, header edited first.
// One per message, used by one session. Refusals are remembered: bytes that follow are dropped, the session reads on.
#pragma once

#include "common/async/task.hpp"
#include "maild/service/delivery.hpp"
#include "maild/smtp/budget.hpp"
#include "maild/smtp/header_edit.hpp"

#include <memory>
#include <optional>
#include <string>

namespace mail::smtp {

struct IntakeOptions {
    std::uint64_t max_bytes = 0; ///< of the message as the client sends it
    std::uint64_t size_hint = 0; ///< what SIZE said; 0: unknown
    std::string trace;           ///< our Received field, goes in front
    HeaderRules rules;
};

class Intake {
  public:
    Intake(service::Delivery& delivery, ByteBudget& budget, IntakeOptions options);

    /// Where the next bytes are appended; null once the message is refused. Call settle() after every piece.
    [[nodiscard]] std::string* sink() noexcept { return refusal_ ? nullptr : &buffer_; }
    /// Checks sizes and moves bytes on; suspends while the segment is written.
    [[nodiscard]] Task<void> settle();
    /// The message is whole: edits its header if that has not happened yet. Then refusal() or content() is final.
    [[nodiscard]] Task<void> finish();
    void refuse(Reply reply);

    [[nodiscard]] const std::optional<Reply>& refusal() const noexcept { return refusal_; }
    [[nodiscard]] store::Content& content() noexcept { return content_; }
    /// Bytes as stored, without our Received field and edits.
    [[nodiscard]] std::uint64_t size() const noexcept { return moved_ + buffer_.size() - trace_left_; }
    [[nodiscard]] bool needs_utf8() const noexcept { return needs_utf8_; }
    [[nodiscard]] bool is_8bit() const noexcept { return is_8bit_; }
    [[nodiscard]] const std::string& message_id() const noexcept { return message_id_; }
    [[nodiscard]] const std::string& subject() const noexcept { return subject_; }

  private:
    [[nodiscard]] Task<void> begin_spool();
    [[nodiscard]] Task<void> spool(std::string_view bytes);
    [[nodiscard]] HeaderEdit edit(std::string_view header);

    service::Delivery& delivery_;
    ByteBudget::Lease lease_;
    IntakeOptions options_;
    std::string buffer_;
    std::size_t trace_left_; ///< bytes of our Received field at the front of buffer_
    std::uint64_t moved_ = 0; ///< message bytes already in the spool
    std::size_t next_look_;   ///< do not look for the header's end in fewer bytes
    std::unique_ptr<store::Spool> spool_;
    store::Content content_;
    std::optional<Reply> refusal_;
    std::string message_id_;
    std::string subject_;
    bool needs_utf8_ = false;
    bool is_8bit_ = false;
};

} // namespace mail::smtp
