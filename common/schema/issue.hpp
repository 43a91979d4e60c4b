// Issue: one fault or warning found in documents or specs. Checks append to Issues and go on, so that all
// faults are told at once. Positions are filled in where the text is known (yaml.hpp, document.hpp).
#pragma once

#include "common/base/error.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mail::schema {

struct Position {
    unsigned line = 0;   ///< from 1; 0: unknown
    unsigned column = 0; ///< from 1, in bytes
    [[nodiscard]] bool known() const noexcept { return line != 0; }
    bool operator==(const Position&) const = default;
};

struct Issue {
    enum class Severity : std::uint8_t { error, warning };
    Severity severity = Severity::error;
    ErrorCode code = ErrorCode::invalid;
    std::string kind; ///< of the object concerned; may be empty
    std::string name;
    std::string path; ///< within spec: "quota", "members[3]", "acme.email"; empty: the object as a whole
    std::string message;
    std::string hint;
    std::string file;
    Position at{};
    bool at_key = false; ///< the fault is in the word `path` ends in, not in its value
};
using Issues = std::vector<Issue>;
/// Checks stop about here: nobody reads more, and hostile input must not make millions.
inline constexpr std::size_t most_issues = 1000;

[[nodiscard]] bool has_errors(const Issues& issues) noexcept;
/// "site.yaml:3:5: mailbox ann@example.org: quota: ..."; parts that are unknown are left out. Hint as "
/// (hint)".
[[nodiscard]] std::string to_text(const Issue& issue);
/// The first error as an Error, with "and N more" when there are several. Expects has_errors().
[[nodiscard]] Error to_error(const Issues& issues);

/// Appends an error about `path` of an object whose kind and name the caller fills in.
Issue& report(Issues& issues, std::string_view path, std::string message, std::string hint = {});
Issue& warn(Issues& issues, std::string_view path, std::string message, std::string hint = {});

} // namespace mail::schema
