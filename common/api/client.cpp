#include "common/api/client.hpp"

#include "common/net/http_client.hpp"

#include <optional>

namespace mail::api {
namespace {

/// In single quotes for the shell.
std::string quoted(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'')
            out += "'\\''";
        else if (static_cast<unsigned char>(c) >= 32 || c == '\n' || c == '\t')
            out += c;
    }
    return out + "'";
}

net::HttpCall to_http(const Call& call, const std::string& request_id) {
    net::HttpCall out;
    out.method = call.method;
    out.target = call.path;
    out.headers.set("Accept", "application/json");
    if (!call.body.empty())
        out.headers.set("Content-Type", call.content_type);
    if (!request_id.empty())
        out.headers.set("X-Request-Id", request_id);
    for (const auto& [name, value] : call.headers)
        out.headers.set(name, value);
    out.body = call.body;
    return out;
}

/// "W/\"12\"" and "\"12\"" to 12.
std::string bare_etag(std::string_view etag) {
    if (etag.starts_with("W/"))
        etag.remove_prefix(2);
    if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"')
        etag = etag.substr(1, etag.size() - 2);
    return std::string(etag);
}

} // namespace

struct Client::State {
    explicit State(ClientOptions given) : options(std::move(given)), http(options.socket_path, options.timeout) {}
    ClientOptions options;
    net::BlockingHttpClient http;
    std::optional<Problem> problem;

    void announce(const Call& call) const {
        if (options.verbose)
            options.verbose(curl_line(options.socket_path, call));
    }
    /// When no response came at all.
    Failure unreachable(Error error) const {
        switch (error.code) {
        case ErrorCode::not_found:
        case ErrorCode::unavailable:
            return fail(ErrorCode::unavailable, "maild does not answer at " + options.socket_path + ": " + error.message,
                        "is maild running? `systemctl status maild`; another socket: --host unix:PATH");
        case ErrorCode::denied:
            return fail(ErrorCode::denied, "no access to " + options.socket_path,
                        "run as root or as a member of the socket's group");
        case ErrorCode::closed:
            return fail(ErrorCode::unavailable, "maild ended the connection: " + error.message);
        default:
            return fail(std::move(error));
        }
    }
    Failure refused(const net::HttpResponse& response) {
        auto parsed = parse_problem(response.body);
        problem = parsed ? std::move(parsed).value() : problem_of_status(response.status);
        problem->status = response.status;
        return fail(error_of(*problem));
    }
};

Client::Client(ClientOptions options) : state_(std::make_unique<State>(std::move(options))) {}
Client::~Client() = default;
const Problem* Client::problem() const noexcept { return state_->problem ? &*state_->problem : nullptr; }

Result<Reply> Client::call(Call call) {
    state_->problem.reset();
    state_->announce(call);
    auto response = state_->http.request(to_http(call, state_->options.request_id));
    if (!response)
        return state_->unreachable(std::move(response).error());
    if (response->status >= 400)
        return state_->refused(*response);
    Reply reply;
    reply.status = response->status;
    reply.etag = bare_etag(response->headers.find("ETag"));
    reply.request_id = response->headers.find("X-Request-Id");
    reply.body = std::move(response->body);
    return reply;
}

namespace {

Result<std::string> body_of(Result<Reply> reply) {
    if (!reply)
        return fail(std::move(reply).error());
    return std::move(reply->body);
}

} // namespace

Result<std::string> Client::get(std::string_view path) { return body_of(call({"GET", std::string(path), {}, {}, {}})); }
Result<std::string> Client::put(std::string_view path, std::string_view json) {
    return body_of(call({"PUT", std::string(path), std::string(json), "application/json", {}}));
}
Result<std::string> Client::patch(std::string_view path, std::string_view json) {
    return body_of(call({"PATCH", std::string(path), std::string(json), "application/merge-patch+json", {}}));
}
Result<std::string> Client::post(std::string_view path, std::string_view json) {
    return body_of(call({"POST", std::string(path), std::string(json), "application/json", {}}));
}
Result<std::string> Client::remove(std::string_view path) { return body_of(call({"DELETE", std::string(path), {}, {}, {}})); }

Result<void> Client::watch(std::string_view path, std::function<bool(std::string_view)> line, Duration idle) {
    state_->problem.reset();
    const Call call{"GET", std::string(path), {}, {}, {}};
    state_->announce(call);
    auto response = state_->http.stream_lines(to_http(call, state_->options.request_id), std::move(line), idle);
    if (!response)
        return state_->unreachable(std::move(response).error());
    if (response->status >= 400)
        return state_->refused(*response);
    return {};
}

std::string path_of(std::string_view kinds, std::string_view name) {
    std::string path = "/v1/" + std::string(kinds);
    if (!name.empty())
        path += "/" + net::percent_encode(name);
    return path;
}

std::string curl_line(const std::string& socket_path, const Call& call) {
    std::string line = "curl --unix-socket " + quoted(socket_path);
    if (call.method != "GET")
        line += " -X " + call.method;
    for (const auto& [name, value] : call.headers)
        line += " -H " + quoted(name + ": " + value);
    if (!call.body.empty()) {
        line += " -H " + quoted("Content-Type: " + call.content_type);
        // A password may be anywhere in a body: it goes in by hand.
        const bool secret = call.body.find("password") != std::string::npos || call.body.find("secret") != std::string::npos ||
                            call.body.find("private_key") != std::string::npos || call.body.size() > 4096;
        line += secret ? " --data-binary @-" : " --data-binary " + quoted(call.body);
    }
    return line + " " + quoted("http://localhost" + call.path);
}

} // namespace mail::api
