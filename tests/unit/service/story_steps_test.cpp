#include "maild/service/story_steps.hpp"
#include "tests/catch.hpp"

#include <boost/json.hpp>

namespace mail::service::test {
namespace {
namespace json = boost::json;

const Time noon = from_micros(1'800'000'000'000'000);

json::value parsed(const StorySteps& steps) { return json::parse(steps.detail()); }

} // namespace

TEST_CASE("steps are JSON objects in order, with what was given and no more") {
    StorySteps steps;
    CHECK(steps.detail() == R"({"steps":[]})");
    steps.step("tls", noon).text("version", "TLSv1.3").text("cipher", "");
    steps.step("message", noon).number("size", -5).yes("held", true).texts("via", {"alias a@x", "group b@x"}).texts("none", {});
    CHECK(steps.detail() == R"({"steps":[{"step":"tls","at":1800000000000000,"version":"TLSv1.3"},)"
                            R"({"step":"message","size":-5,"held":true,"via":["alias a@x","group b@x"]}]})");
}

TEST_CASE("a step within a millisecond of the one before has no time of its own") {
    StorySteps steps(200);
    steps.step("one", noon);
    steps.step("two", noon + std::chrono::microseconds(999));
    steps.step("three", noon + std::chrono::milliseconds(1));
    steps.step("large", noon + std::chrono::seconds(1)).text("name", std::string(500, 'x'));
    steps.step("four", noon + std::chrono::seconds(1));
    StorySteps whole;
    whole.append(steps);
    whole.step("five", noon + std::chrono::seconds(1));
    const auto value = parsed(whole);
    std::string told;
    for (const json::value& step : value.at("steps").as_array())
        told += std::string(step.at("step").as_string()) + (step.as_object().contains("at") ? "@ " : " ");
    CHECK(told == "one@ two three@ four@ five ");
}

TEST_CASE("any bytes become valid JSON") {
    for (int c = 0; c < 256; ++c) {
        StorySteps steps;
        const std::string given = "a" + std::string(1, static_cast<char>(c)) + "b\"\\";
        steps.step("hello", noon).text("name", given);
        const auto value = parsed(steps);
        const auto& name = value.at("steps").as_array().at(0).at("name").as_string();
        CHECK(name.starts_with("a"));
        CHECK(name.ends_with("b\"\\"));
        if (c < 128)
            CHECK(std::string(name) == given);
    }
    StorySteps greek;
    greek.step("hello", noon).text("name", "\xCE\xB1\xCE\xB2");
    CHECK(parsed(greek).at("steps").as_array().at(0).at("name").as_string() == "\xCE\xB1\xCE\xB2");
}

TEST_CASE("what does not fit is left out whole and counted") {
    StorySteps steps(1000);
    for (int i = 0; i < 100; ++i)
        steps.step("refused", noon).text("address", "user" + std::to_string(i) + "@example.org");
    const auto value = parsed(steps);
    const auto kept = value.at("steps").as_array().size();
    CHECK(steps.detail().size() < 1050);
    CHECK(kept > 5);
    CHECK(value.at("left_out").as_int64() == static_cast<std::int64_t>(100 - kept));
    StorySteps longer;
    longer.append(steps);
    longer.step("sender", noon);
    CHECK(parsed(longer).at("steps").as_array().size() == kept + 1);
    CHECK(parsed(longer).at("left_out").as_int64() == static_cast<std::int64_t>(100 - kept));
}

TEST_CASE("a small step still fits behind one that was too large") {
    StorySteps steps(200);
    steps.step("first", noon);
    steps.step("large", noon).text("name", std::string(500, 'x'));
    steps.step("last", noon);
    CHECK(parsed(steps).at("steps").as_array().size() == 2);
}

} // namespace mail::service::test
