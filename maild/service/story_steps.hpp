// StorySteps: what happened to a message up to its acceptance, written down as it happens: the JSON of store::Story::detail,
// {"steps":[{"step":"tls","at":1767225600000000,"version":"TLSv1.3"}, ...]}. Whoever decides something about a message adds
// a step, in one line: `incoming.steps.step("spf", now).text("verdict", "pass");`. Sessions, directory and delivery do.
// A step within a millisecond of the one before has no "at" of its own.
// Promises: text is appended, nothing is parsed or looked up; at most `most` bytes, and what is left out is said; any bytes
// may be given, the result is valid JSON and valid UTF-8. A value; not thread-safe.
#pragma once

#include "common/base/limits.hpp"
#include "common/base/time.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace mail::service {

class StorySteps {
  public:
    explicit StorySteps(std::size_t most = std::size_t{limit::story_detail_bytes}) : most_(most) {}

    /// One step under way: members are added to it until it ends with the full expression.
    class Step {
      public:
        Step(StorySteps& steps, std::string_view name, Time at);
        ~Step();
        Step(const Step&) = delete;
        Step& operator=(const Step&) = delete;
        Step& text(std::string_view name, std::string_view value);
        Step& texts(std::string_view name, const std::vector<std::string>& values);
        Step& number(std::string_view name, std::int64_t value);
        Step& yes(std::string_view name, bool value);

      private:
        StorySteps& steps_;
        std::size_t begin_;
    };
    /// `name` and member names are literals of ours: plain words.
    Step step(std::string_view name, Time at) { return Step(*this, name, at); }
    /// Steps that were written before, for example those of the connection.
    void append(const StorySteps& earlier);
    void clear() noexcept {
        steps_.clear();
        told_ = Time{};
        left_out_ = 0;
    }
    [[nodiscard]] bool empty() const noexcept { return steps_.empty(); }
    /// The whole as Story::detail.
    [[nodiscard]] std::string detail() const;

  private:
    friend class Step;
    std::size_t most_;
    std::string steps_; ///< objects separated by commas
    Time told_{};       ///< the last "at"
    std::size_t left_out_ = 0;
};

/// A JSON string with its quotes; bytes that are not UTF-8 become U+FFFD.
void append_json_text(std::string& out, std::string_view text);

} // namespace mail::service
