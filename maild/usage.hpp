// What maild is told on its command line and in --config, in tables: the help text and the manual page maild(8) are made
// of them, and the configuration's keys are checked against them.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace mail {

struct UsageRow {
    std::string_view word;  ///< verb, flag or key
    std::string_view value; ///< what follows it; may be empty
    std::string_view doc;   ///< sentences
};

[[nodiscard]] std::span<const UsageRow> verbs();
[[nodiscard]] std::span<const UsageRow> flags();
/// Keys of a --config file.
[[nodiscard]] std::span<const UsageRow> config_keys();

[[nodiscard]] std::string help_text();
/// maild(8) as troff. Packaging runs `maild __man > maild.8`.
[[nodiscard]] std::string man_page();

} // namespace mail
