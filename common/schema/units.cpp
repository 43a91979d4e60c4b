#include "common/schema/units.hpp"

#include "common/base/text.hpp"

#include <array>
#include <cstdio>

namespace mail::schema {

namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
    bool is_written; ///< format_size uses it
};
constexpr std::uint64_t kibi = 1024;
constexpr std::uint64_t kilo = 1000;
/// Largest first, powers of 1024 before those of 1000.
constexpr std::array units = {
    Unit{"TiB", kibi* kibi* kibi* kibi, true},
    Unit{"GiB", kibi* kibi* kibi, true},
    Unit{"MiB", kibi* kibi, true},
    Unit{"KiB", kibi, true},
    Unit{"TB", kilo* kilo* kilo* kilo, true},
    Unit{"GB", kilo* kilo* kilo, true},
    Unit{"MB", kilo* kilo, true},
    Unit{"kB", kilo, true},
    Unit{"T", kibi* kibi* kibi* kibi, false},
    Unit{"G", kibi* kibi* kibi, false},
    Unit{"M", kibi* kibi, false},
    Unit{"K", kibi, false},
    Unit{"B", 1, false},
};
constexpr std::uint64_t largest = std::uint64_t{1} << 62;

} // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) {
    std::size_t digits = 0;
    while (digits < text.size() && text::is_digit(text[digits]))
        ++digits;
    const auto amount = text::number(text.substr(0, digits));
    if (!amount)
        return std::nullopt;
    std::string_view word = text.substr(digits);
    if (!word.empty() && word.front() == ' ')
        word.remove_prefix(1);
    std::uint64_t factor = word.empty() && digits == text.size() ? 1 : 0;
    for (const auto& unit : units)
        if (factor == 0 && text::iequals(unit.name, word))
            factor = unit.factor;
    if (factor == 0 || *amount > largest / factor)
        return std::nullopt;
    return *amount * factor;
}

std::string format_size(std::uint64_t bytes) {
    std::string best = std::to_string(bytes);
    if (bytes == 0)
        return best;
    for (const auto& unit : units) {
        if (!unit.is_written || bytes % unit.factor != 0)
            continue;
        std::string form = std::to_string(bytes / unit.factor).append(unit.name);
        if (form.size() < best.size())
            best = std::move(form);
    }
    return best;
}

std::string humane_size(std::uint64_t bytes) {
    for (const auto& unit : units) {
        if (!unit.is_written || unit.factor % kibi != 0 || bytes < unit.factor)
            continue;
        const double amount = static_cast<double>(bytes) / static_cast<double>(unit.factor);
        std::array<char, 32> out{};
        const int decimals = amount >= 100 ? 0 : amount >= 10 ? 1 : 2;
        const int size = std::snprintf(out.data(), out.size(), "%.*f ", decimals, amount);
        return std::string(out.data(), static_cast<std::size_t>(size)).append(unit.name);
    }
    return std::to_string(bytes) + " B";
}

} // namespace mail::schema
