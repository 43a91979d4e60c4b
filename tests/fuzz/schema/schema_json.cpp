// Specs as JSON: "KIND NAME\nJSON". Normalising any spec ends, and a second time changes nothing; redacted
// and complete forms hold no secret; a plan over it is made, and made again says no changes.
#include "common/schema/json.hpp"
#include "common/schema/plan.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <cstdlib>

using namespace mail::schema;
namespace json = boost::json;

namespace {

class FixedSealer final : public SecretSealer {
  public:
    mail::Result<Sealed> seal(std::string_view password) const override {
        return Sealed{"h" + std::string(password), "f"};
    }
    bool same(const Sealed& stored, std::string_view password) const override {
        return stored.hash == "h" + std::string(password);
    }
    mail::Result<void> check_hash(std::string_view) const override { return {}; }
};

void check(bool good) {
    if (!good)
        std::abort();
}

void plan_twice(const Kind& kind, const std::string& name, const json::object& spec) {
    MemoryView view;
    const std::vector<Document> documents{
        {std::string(kind.name), name, std::make_shared<const json::object>(spec), "", nullptr}};
    const Plan plan = compute_plan(view, documents, {}, FixedSealer{});
    if (has_errors(plan.issues))
        return;
    auto sealed = seal_secrets(kind, *plan.operations.at(0).after, FixedSealer{});
    check(sealed.has_value());
    view.put(
        {std::string(kind.name), name, std::make_shared<const json::object>(std::move(*sealed)), "default"});
    const Plan again = compute_plan(view, documents, {}, FixedSealer{});
    check(!again.has_changes());
    (void)to_json(again);
    (void)to_text(plan);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto line_end = text.find('\n');
    const auto space = text.find(' ');
    if (line_end == std::string_view::npos || space > line_end)
        return 0;
    const Kind* kind = find_kind(text.substr(0, space));
    if (kind == nullptr)
        return 0;
    boost::system::error_code error;
    const auto body = text.substr(line_end + 1);
    const json::value parsed = json::parse({body.data(), body.size()}, error);
    if (error || !parsed.is_object())
        return 0;
    Issues issues;
    const auto name = kind->canonical_name(text.substr(space + 1, line_end - space - 1));
    const auto spec = normalise(*kind, name.value_or("?"), parsed.get_object(), issues);
    if (has_errors(issues) || !name)
        return 0;
    Issues none;
    check(kind->canonical_name(*name).value_or("") == *name);
    check(normalise(*kind, *name, spec, none) == spec && !has_errors(none));
    const std::string shown =
        json::serialize(complete(*kind, *name, spec)) + json::serialize(redact(*kind, spec));
    check(shown.find("\"hash\"") == std::string::npos && shown.find("\"value\":") == std::string::npos);
    plan_twice(*kind, *name, spec);
    return 0;
}
