// SequenceSet: the sequence-set of RFC 9051 §9, for message numbers and UIDs alike: "2,4:7,9,12:*", or "$" (§6.4.4.1,
// the saved result). Ranges keep "*" until resolve() is told what it stands for. Also NumberList, which writes such
// sets compactly (COPYUID, ESEARCH ALL, VANISHED).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mail::imap {

struct NumberRange {
    std::uint32_t first = 0; ///< 1 or more
    std::uint32_t last = 0;  ///< not below first
    [[nodiscard]] bool operator==(const NumberRange&) const = default;
};

class SequenceSet {
  public:
    /// nullopt for anything that is not a whole sequence-set, zero and numbers over 32 bits included.
    [[nodiscard]] static std::optional<SequenceSet> parse(std::string_view text);
    [[nodiscard]] static SequenceSet saved();
    [[nodiscard]] static SequenceSet of(std::vector<NumberRange> ranges);

    [[nodiscard]] bool is_saved() const noexcept { return saved_; }
    /// "1:*" alone, either way round.
    [[nodiscard]] bool is_everything() const noexcept;
    /// The largest number written out; 0 when there is none.
    [[nodiscard]] std::uint32_t largest() const noexcept;
    /// Sorted, merged, without overlap. `star` is what "*" means; with 0 (an empty mailbox) "*" names nothing.
    [[nodiscard]] std::vector<NumberRange> resolve(std::uint32_t star) const;

  private:
    struct Item {
        std::uint32_t first = 0; ///< 0: "*"
        std::uint32_t last = 0;
    };
    std::vector<Item> items_;
    bool saved_ = false;
};

/// Whether sorted, merged ranges hold `number`. O(log n).
[[nodiscard]] bool contains(std::span<const NumberRange> ranges, std::uint32_t number) noexcept;

/// Collects numbers and writes them as ranges in the order they came: 3,4,5,9 -> "3:5,9".
class NumberList {
  public:
    void add(std::uint32_t number) { add_range(number, number); }
    void add_range(std::uint32_t first, std::uint32_t last);
    [[nodiscard]] bool empty() const noexcept { return ranges_.empty(); }
    [[nodiscard]] std::span<const NumberRange> ranges() const noexcept { return ranges_; }
    void append_to(std::string& out) const;
    [[nodiscard]] std::string text() const;

  private:
    std::vector<NumberRange> ranges_;
};

} // namespace mail::imap
