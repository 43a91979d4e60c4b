// Problem: an error as the API tells it (RFC 9457 problem object): {type, title, status, code, detail, hint,
// errors:[{path, line, code, message}]}. maild/admin writes them, mailctl reads them; both through this file.
#pragma once

#include "common/base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mail::api {

/// One fault in the input; a response lists all of them at once.
struct ProblemItem {
    std::string path;        ///< "spec.quota"; may be empty
    unsigned line = 0;       ///< in the YAML sent; 0: unknown
    std::string code;        ///< word of ErrorCode
    std::string message;
    std::string hint;
    std::string kind{};      ///< of the object concerned, when a request holds several
    std::string name{};
    bool is_warning = false;
    bool at_key = false;     ///< the fault is in the last word of `path`, not in its value
};

struct Problem {
    int status = 500;
    std::string code;   ///< word of ErrorCode (common/base/error.cpp)
    std::string detail; ///< the message for people
    std::string hint;
    std::vector<ProblemItem> errors;
};

inline constexpr std::string_view problem_media_type = "application/problem+json";

[[nodiscard]] Problem problem_of(const Error& error);
/// The ErrorCode comes from `code`, or else from the status; message and hint as told.
[[nodiscard]] Error error_of(const Problem& problem);
/// One line of JSON.
[[nodiscard]] std::string to_json(const Problem& problem);
/// Takes any JSON object; unknown members are ignored. Errors: invalid.
[[nodiscard]] Result<Problem> parse_problem(std::string_view json);
/// For a response that is no problem object (a proxy's page, an empty body).
[[nodiscard]] Problem problem_of_status(int status);

} // namespace mail::api
