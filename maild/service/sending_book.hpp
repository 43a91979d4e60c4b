// SendingBook: what one mailbox has sent within the last day, by hours, whom it has written to before, and whether its
// sending is frozen. Pure: times are arguments. Kept in the store as attributes of the account: "sending" for the counters
// and "sending/known/N" for recipients, in buckets so that one more recipient rewrites little.
#pragma once

#include "common/base/time.hpp"
#include "common/schema/kinds/sending.hpp"
#include "maild/store/mail_model.hpp"

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mail::service {

/// A recipient outside, by hash of its key.
using RecipientMark = std::uint64_t;
[[nodiscard]] RecipientMark recipient_mark(std::string_view address_key);

struct SendingTotals {
    std::int64_t messages = 0;
    std::int64_t recipients = 0;
    std::int64_t fresh = 0; ///< recipients never written to before
};

struct SendingFreeze {
    Time since{};
    std::string reason;
};

class SendingBook {
  public:
    /// From attributes of the account; what cannot be read is left out.
    [[nodiscard]] static SendingBook read(const std::vector<store::Attribute>& attributes);

    [[nodiscard]] SendingTotals this_hour(Time now) const;
    [[nodiscard]] SendingTotals last_day(Time now) const;
    [[nodiscard]] bool knows(RecipientMark mark) const;
    [[nodiscard]] const std::optional<SendingFreeze>& frozen() const noexcept { return frozen_; }
    void freeze(Time now, std::string reason) { frozen_ = SendingFreeze{now, std::move(reason)}; }
    void unfreeze() { frozen_.reset(); }

    /// The limit that so much more would break, in words for people; empty: none. `fresh` breaks none here.
    [[nodiscard]] std::string broken(const schema::SendingLimits& limits, const SendingTotals& more, Time now) const;
    /// Counts; negative numbers take back.
    void add(const SendingTotals& more, Time now);
    /// New recipients count from nothing again.
    void forget_fresh();
    /// Notes recipients; the oldest of a full bucket are forgotten.
    void learn(const std::vector<RecipientMark>& marks);
    /// Takes back what learn() was told last.
    void unlearn(const std::vector<RecipientMark>& marks);
    /// What has to be written after changes: the counters, and buckets that learn() touched since the last call.
    [[nodiscard]] std::vector<store::AttributeChange> take_changes();

  private:
    struct Hour {
        std::int64_t number = 0; ///< since the epoch
        SendingTotals totals;
    };
    [[nodiscard]] std::string text() const;
    void parse(std::string_view text);

    static constexpr std::size_t buckets = 64;
    std::deque<Hour> hours_; ///< ascending, at most a day
    std::vector<RecipientMark> known_[buckets];
    bool touched_[buckets] = {};
    std::optional<SendingFreeze> frozen_;
};

} // namespace mail::service
