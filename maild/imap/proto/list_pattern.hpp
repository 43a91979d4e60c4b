// ListPattern: the mailbox patterns of LIST (RFC 9051 §6.3.9): "*" stands for anything, "%" for anything within one
// level. Matching steps through all states at once, so no pattern makes it slow: a name of n bytes costs n steps.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace mail::imap {

class ListPattern {
  public:
    /// `pattern` is UTF-8. One with more literal bytes than any name may have matches nothing.
    explicit ListPattern(std::string_view pattern);
    [[nodiscard]] bool matches(std::string_view name) const;

  private:
    static constexpr std::size_t max_states = 640;
    using States = std::bitset<max_states>;
    struct Table {
        std::array<std::uint16_t, 256> slot{}; ///< index into masks; 0 for bytes not in the pattern
        std::vector<States> masks;             ///< states that take this byte
        States any;                            ///< states of "*"
        States level;                          ///< states of "%"
        std::size_t end = 0;
    };
    [[nodiscard]] static std::shared_ptr<const Table> build(std::string_view pattern);
    [[nodiscard]] static bool run(const Table& table, std::string_view name);

    std::shared_ptr<const Table> table_; ///< null: matches nothing
    std::shared_ptr<const Table> inbox_; ///< the pattern in capitals, for INBOX in any case
};

} // namespace mail::imap
