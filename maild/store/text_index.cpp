#include "maild/store/text_index.hpp"

#include <algorithm>

namespace mail::store {
namespace {

constexpr std::size_t run = 3; // characters

bool starts_character(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) != 0x80; }

/// Where each character starts, and the end.
std::vector<std::size_t> boundaries(std::string_view text) {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (starts_character(text[i]))
            out.push_back(i);
    out.push_back(text.size());
    return out;
}

} // namespace

bool can_find(std::string_view text) {
    if (text.find_first_of(std::string_view("\0\r\n", 3)) != std::string_view::npos)
        return false;
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts_character)) >= run;
}

std::vector<std::string_view> trigrams(std::string_view text, std::size_t most) {
    const auto starts = boundaries(text);
    std::vector<std::string_view> out;
    if (starts.size() <= run || most == 0)
        return out;
    const std::size_t count = starts.size() - run;
    const std::size_t step = (count + most - 1) / most;
    for (std::size_t i = 0; i < count; i += step)
        out.push_back(text.substr(starts[i], starts[i + run] - starts[i]));
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

} // namespace mail::store
