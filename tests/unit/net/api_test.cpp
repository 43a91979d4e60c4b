#include "common/api/client.hpp"
#include "common/net/connect.hpp"
#include "common/net/http.hpp"
#include "net_support.hpp"

#include "tests/catch.hpp"

#include <atomic>

using namespace mail;
using namespace mail::net;
using namespace std::chrono_literals;

namespace {

class ManyLines final : public HttpBodySource {
  public:
    Task<Result<void>> run(HttpBodyWriter& out) override {
        for (int i = 0; i < 1000; ++i) {
            const std::string text = "{\"rev\":" + std::to_string(i) + "}\n";
            const std::size_t half = text.size() / 2;
            MAIL_CO_DO(co_await out.write(std::string_view(text).substr(0, half)));
            MAIL_CO_DO(co_await out.write(std::string_view(text).substr(half)));
        }
        MAIL_CO_DO(co_await out.write("last without line end"));
        co_return Result<void>{};
    }
};

/// A small maild.
class Backend final : public HttpHandler {
  public:
    Task<HttpResponse> handle(HttpRequest request) override {
        HttpResponse response;
        response.headers.set("Content-Type", "application/json");
        response.headers.set("X-Request-Id", request.headers.find("X-Request-Id"));
        if (request.path == "/v1/watch") {
            response.source = std::make_unique<ManyLines>();
        } else if (request.path == "/v1/missing") {
            api::Problem problem = api::problem_of({ErrorCode::not_found, "there is no such thing", "look elsewhere"});
            problem.errors.push_back({"spec.quota", 12, "invalid", "must be a size", ""});
            response.status = problem.status;
            response.body = api::to_json(problem);
        } else if (request.path == "/v1/page") {
            response.status = 502;
            response.body = "<html>";
        } else if (request.path == "/v1/none") {
            response.status = 204;
        } else {
            response.headers.set("ETag", "\"7\"");
            response.body = request.method + " " + request.target + " " + request.body +
                            std::string(request.headers.find("Content-Type"));
            response.close = request.path == "/v1/close";
        }
        co_return response;
    }
    std::size_t body_limit(const HttpRequest&) const override { return 10000000; }
};

struct Maild {
    TempFolder folder;
    async::Runtime runtime{1};
    async::TaskGroup tasks;
    Backend backend;
    std::atomic<int> connections{0};
    std::unique_ptr<Listener> listener;
    Task<void> session(std::unique_ptr<Stream> stream) {
        ++connections;
        co_await serve_http(*stream, backend);
    }
    Maild() {
        auto opened = Listener::open(runtime.executor(0), {BindKind::unix_socket, folder.file("admin.sock"), 0, -1});
        REQUIRE(opened);
        listener = std::move(opened).value();
        tasks.spawn(runtime.executor(0), accept_loop(*listener, runtime, tasks,
                                                     [this](std::unique_ptr<Stream> s) { return session(std::move(s)); }, {}));
        runtime.start();
    }
    ~Maild() {
        listener->close();
        CHECK(tasks.wait(5s));
        runtime.stop();
    }
    [[nodiscard]] api::ClientOptions options() const {
        api::ClientOptions out;
        out.socket_path = folder.file("admin.sock");
        out.timeout = 5s;
        return out;
    }
};

} // namespace

TEST_CASE("the API client keeps one connection for many requests") {
    Maild maild;
    {
        api::Client client(maild.options());
        for (int i = 0; i < 20; ++i) {
            const auto body = client.get("/v1/domains?limit=" + std::to_string(i));
            REQUIRE(body);
            CHECK(*body == "GET /v1/domains?limit=" + std::to_string(i) + " ");
        }
        CHECK(*client.put(api::path_of("mailboxes", "a b/c@x.org"), "{}") == "PUT /v1/mailboxes/a%20b%2Fc@x.org {}application/json");
        CHECK(*client.patch("/v1/x", "{}") == "PATCH /v1/x {}application/merge-patch+json");
        CHECK(*client.post("/v1/x", "{}") == "POST /v1/x {}application/json");
        CHECK(*client.remove("/v1/x") == "DELETE /v1/x ");
        CHECK(client.get("/v1/none")->empty());
        const std::string big(3000000, 'x');
        CHECK(client.put("/v1/x", big)->size() > big.size());
        CHECK(maild.connections == 1);
        const auto reply = client.call({"GET", "/v1/close", {}, {}, {{"If-Match", "\"1\""}}});
        REQUIRE(reply);
        CHECK(reply->etag == "7");
        CHECK(client.get("/v1/again"));
        CHECK(maild.connections == 2);
    }
}

TEST_CASE("the API client tells problems in the server's words") {
    Maild maild;
    api::Client client(maild.options());
    const auto missing = client.get("/v1/missing");
    REQUIRE(!missing);
    CHECK(missing.error().code == ErrorCode::not_found);
    CHECK(missing.error().message == "there is no such thing");
    CHECK(missing.error().hint == "look elsewhere");
    REQUIRE(client.problem() != nullptr);
    REQUIRE(client.problem()->errors.size() == 1);
    CHECK(client.problem()->errors[0].path == "spec.quota");
    CHECK(client.problem()->errors[0].line == 12);
    const auto page = client.get("/v1/page");
    REQUIRE(!page);
    CHECK(page.error().code == ErrorCode::temporary);
    CHECK(client.get("/v1/fine"));
    CHECK(client.problem() == nullptr);
    CHECK(maild.connections == 1);
}

TEST_CASE("watch gives every line, and stops when told") {
    Maild maild;
    api::Client client(maild.options());
    std::vector<std::string> lines;
    REQUIRE(client.watch("/v1/watch", [&lines](std::string_view line) { lines.emplace_back(line); return true; }, 5s));
    REQUIRE(lines.size() == 1001);
    CHECK(lines[0] == "{\"rev\":0}");
    CHECK(lines[999] == "{\"rev\":999}");
    CHECK(lines[1000] == "last without line end");
    lines.clear();
    CHECK(client.watch("/v1/watch", [&lines](std::string_view line) { lines.emplace_back(line); return lines.size() < 3; }, 5s));
    CHECK(lines.size() == 3);
    CHECK(!client.watch("/v1/missing", [](std::string_view) { return true; }, 5s));
    CHECK(client.get("/v1/fine"));
}

TEST_CASE("no maild is unavailable with a hint") {
    TempFolder folder;
    api::ClientOptions options;
    options.socket_path = folder.file("none.sock");
    api::Client client(options);
    const auto nothing = client.get("/v1/status");
    REQUIRE(!nothing);
    CHECK(nothing.error().code == ErrorCode::unavailable);
    CHECK(!nothing.error().hint.empty());
    CHECK(client.problem() == nullptr);
}

TEST_CASE("verbose lines are curl commands without secrets") {
    CHECK(api::curl_line("/run/a.sock", {"GET", "/v1/x?a=b", {}, {}, {}}) == "curl --unix-socket '/run/a.sock' 'http://localhost/v1/x?a=b'");
    CHECK(api::curl_line("/a", {"PUT", "/v1/x", "{\"q\":\"it's\"}", "application/json", {{"If-Match", "\"1\""}}}) ==
          "curl --unix-socket '/a' -X PUT -H 'If-Match: \"1\"' -H 'Content-Type: application/json' --data-binary "
          "'{\"q\":\"it'\\''s\"}' 'http://localhost/v1/x'");
    CHECK(api::curl_line("/a", {"POST", "/v1/x", "{\"password\":\"hunter2\"}", "application/json", {}}).find("hunter2") == std::string::npos);
}

TEST_CASE("problems survive the way through JSON") {
    api::Problem problem{422, "invalid", "two \"things\" are wrong", "mend them", {{"a.b", 3, "invalid", "x", "y"}, {"", 0, "conflict", "z", ""}}};
    const auto back = api::parse_problem(api::to_json(problem));
    REQUIRE(back);
    CHECK(back->status == 422);
    CHECK(back->detail == problem.detail);
    REQUIRE(back->errors.size() == 2);
    CHECK(back->errors[0].hint == "y");
    CHECK(api::error_of(*back).code == ErrorCode::invalid);
    CHECK(api::error_of(api::problem_of_status(404)).code == ErrorCode::not_found);
    CHECK(api::error_of(api::problem_of_status(599)).code == ErrorCode::temporary);
    for (const char* text : {"", "[]", "nonsense", "{", "1"})
        CHECK(!api::parse_problem(text));
    const auto odd = api::parse_problem(R"({"status":"x","errors":[1,{"line":-1}],"code":7})");
    REQUIRE(odd);
    CHECK(odd->errors.size() == 1);
}
