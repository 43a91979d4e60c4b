#include "common/api/problem.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace mail::api {
namespace json = boost::json;
namespace {

std::string text_of(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    if (value == nullptr || !value->is_string())
        return {};
    const auto& text = value->get_string();
    return {text.data(), text.size()};
}

unsigned number_of(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    if (value == nullptr || !value->is_int64() || value->get_int64() < 0)
        return 0;
    return static_cast<unsigned>(std::min<std::int64_t>(value->get_int64(), INT32_MAX));
}

/// The last resort when a response names no code.
ErrorCode code_of_status(int status) {
    for (int i = 0; i <= static_cast<int>(ErrorCode::closed); ++i)
        if (const auto code = static_cast<ErrorCode>(i); face_of(code).http_status == status)
            return code;
    if (status == 400 || status == 405 || status == 415 || status == 431)
        return ErrorCode::invalid;
    return status >= 500 ? ErrorCode::temporary : ErrorCode::internal;
}

} // namespace

Problem problem_of(const Error& error) {
    const ErrorFace& face = face_of(error.code);
    return Problem{face.http_status, std::string(face.name), error.message, error.hint, {}};
}

Error error_of(const Problem& problem) {
    ErrorCode code = error_code_named(problem.code);
    if (code == ErrorCode::internal && problem.code != face_of(ErrorCode::internal).name)
        code = code_of_status(problem.status);
    Error error{code, problem.detail, problem.hint};
    if (error.message.empty())
        error.message = "the server answered with status " + std::to_string(problem.status);
    return error;
}

std::string to_json(const Problem& problem) {
    json::object out{{"type", "about:blank"},
                     {"title", problem.code.empty() ? "error" : problem.code},
                     {"status", problem.status},
                     {"code", problem.code},
                     {"detail", problem.detail}};
    if (!problem.hint.empty())
        out["hint"] = problem.hint;
    if (!problem.errors.empty()) {
        json::array list;
        for (const auto& item : problem.errors) {
            json::object row{{"path", item.path}, {"code", item.code}, {"message", item.message}};
            if (!item.kind.empty())
                row["kind"] = item.kind;
            if (!item.name.empty())
                row["name"] = item.name;
            if (item.line != 0)
                row["line"] = item.line;
            if (!item.hint.empty())
                row["hint"] = item.hint;
            list.push_back(std::move(row));
        }
        out["errors"] = std::move(list);
    }
    return json::serialize(out);
}

Result<Problem> parse_problem(std::string_view text) {
    json::error_code failed;
    const json::value value = json::parse(text, failed); // depth is limited to 32 by the parser
    if (failed || !value.is_object())
        return fail(ErrorCode::invalid, "the answer is no problem object");
    const json::object& object = value.get_object();
    Problem problem;
    problem.status = static_cast<int>(number_of(object, "status"));
    problem.code = text_of(object, "code");
    problem.detail = text_of(object, "detail");
    problem.hint = text_of(object, "hint");
    const json::value* errors = object.if_contains("errors");
    if (errors != nullptr && errors->is_array())
        for (const auto& row : errors->get_array())
            if (row.is_object()) {
                const auto& item = row.get_object();
                problem.errors.push_back({text_of(item, "path"), number_of(item, "line"), text_of(item, "code"),
                                          text_of(item, "message"), text_of(item, "hint"), text_of(item, "kind"),
                                          text_of(item, "name"), text_of(item, "severity") == "warning",
                                          item.if_contains("at_key") != nullptr && item.at("at_key") == json::value(true)});
            }
    return problem;
}

Problem problem_of_status(int status) {
    Problem problem;
    problem.status = status;
    problem.code = face_of(code_of_status(status)).name;
    problem.detail = "the server answered with status " + std::to_string(status);
    return problem;
}

} // namespace mail::api
