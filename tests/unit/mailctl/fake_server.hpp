// A Server of prepared answers and a whole run of mailctl around it, for tests of the command line.
#pragma once

#include "mailctl/app.hpp"

#include <map>
#include <sstream>

namespace mail::mailctl::test {

struct Answer {
    int status = 200;
    std::string body;
};

/// What was asked, and what is answered to "GET /v1/domains"; anything else is 404.
struct FakeState {
    std::map<std::string, Answer> answers;
    std::vector<api::Call> calls;
    bool is_down = false;
    std::string socket;
};

class FakeServer final : public Server {
  public:
    explicit FakeServer(FakeState& state) : state_(state) {}
    Result<api::Reply> call(api::Call call) override {
        problem_.reset();
        state_.calls.push_back(call);
        if (state_.is_down)
            return fail(ErrorCode::unavailable, "cannot reach maild at " + state_.socket, "is it running?");
        const auto found = state_.answers.find(call.method + " " + call.path);
        Answer answer = found != state_.answers.end() ? found->second : Answer{404, R"({"code":"not_found","detail":"no such thing"})"};
        if (answer.status < 400) {
            api::Reply reply;
            reply.status = answer.status;
            reply.body = answer.body;
            return reply;
        }
        auto parsed = api::parse_problem(answer.body);
        problem_ = std::make_unique<api::Problem>(parsed ? *parsed : api::problem_of_status(answer.status));
        return fail(api::error_of(*problem_));
    }
    Result<void> watch(std::string_view path, std::function<bool(std::string_view)> line, Duration) override {
        const auto found = state_.answers.find("WATCH " + std::string(path));
        if (found == state_.answers.end())
            return fail(ErrorCode::not_found, "nothing to watch");
        std::istringstream lines(found->second.body);
        for (std::string one; std::getline(lines, one);)
            if (!line(one))
                break;
        return {};
    }
    const api::Problem* problem() const override { return problem_.get(); }

  private:
    FakeState& state_;
    std::unique_ptr<api::Problem> problem_;
};

struct Outcome {
    int code = 0;
    std::string out;
    std::string err;
};

/// One run; `tty` gives it a terminal of 80 columns on all sides.
inline Outcome run_mailctl(FakeState& state, const std::vector<std::string>& args, const std::string& input = {}, bool tty = false) {
    std::istringstream in(input);
    std::ostringstream out;
    std::ostringstream err;
    Io io{in, out, err};
    io.in_tty = tty;
    io.out_terminal.tty = io.err_terminal.tty = tty;
    io.environment = [](const std::string&) { return std::string(); };
    io.now = [] { return *parse_rfc3339("2026-01-31T12:00:00Z"); };
    io.connect = [&state](api::ClientOptions options) {
        state.socket = options.socket_path;
        return std::make_unique<FakeServer>(state);
    };
    Outcome outcome;
    outcome.code = run(args, io);
    outcome.out = out.str();
    outcome.err = err.str();
    return outcome;
}

inline Outcome run_mailctl(const std::vector<std::string>& args) {
    FakeState state;
    return run_mailctl(state, args);
}

} // namespace mail::mailctl::test
