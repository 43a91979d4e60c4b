// JSON and structs: decode a spec into a kind's struct with all faults at once, encode it back, and bring a
// spec to the one form by which equal meanings compare equal. The only code that knows how field types look
// as JSON. Pure. JSON forms: text "x", size "2GiB" (or bytes as a number), duration "5d", lists as arrays (a
// single text is taken for a list of one), secrets as in secrets.hpp. Where a boolean or number is wanted its
// text is accepted too.
#pragma once

#include "common/base/result.hpp"
#include "common/schema/kind.hpp"

#include <boost/json/fwd.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace mail::schema {

/// A kind's struct without its type.
class AnyObject {
  public:
    explicit AnyObject(const Kind& kind) : kind_(&kind), data_(kind.make(), kind.destroy) {}
    [[nodiscard]] const Kind& kind() const noexcept { return *kind_; }
    [[nodiscard]] void* data() noexcept { return data_.get(); }
    [[nodiscard]] const void* data() const noexcept { return data_.get(); }

  private:
    const Kind* kind_;
    std::unique_ptr<void, void (*)(void*)> data_;
};

struct DecodeOptions {
    bool allow_from = false; ///< secrets may be {"from": ...} (documents not resolved yet)
    bool check_rules = true; ///< required fields and the kind's own check, besides types and forms
};
/// Every fault is appended to `issues` with kind, name and path. The object is usable only when there is no
/// error.
[[nodiscard]] AnyObject decode(const Kind& kind, std::string_view name, const boost::json::object& spec,
                               Issues& issues, const DecodeOptions& options = {});

struct EncodeOptions {
    bool omit_defaults = true;
    bool redact = false; ///< secrets as {"keep": true}
};
/// Members in the order of the table; the key is not among them.
[[nodiscard]] boost::json::object encode(const AnyObject& object, const EncodeOptions& options = {});
[[nodiscard]] boost::json::object encode(const Kind& kind, const void* object,
                                         const EncodeOptions& options = {});

/// decode and encode: canonical forms, defaults left out, unordered lists sorted without repeats.
[[nodiscard]] boost::json::object normalise(const Kind& kind, std::string_view name,
                                            const boost::json::object& spec, Issues& issues,
                                            const DecodeOptions& options = {});
/// A stored (normalised) spec with every default written out and secrets redacted: what `show -o json`
/// prints.
[[nodiscard]] boost::json::object complete(const Kind& kind, std::string_view name,
                                           const boost::json::object& spec);
/// A stored spec with its secrets as {"keep": true}, defaults left out: what export prints.
[[nodiscard]] boost::json::object redact(const Kind& kind, const boost::json::object& spec);
/// RFC 7396 merge of `patch` into `spec`; null removes. A secret is replaced as a whole, never merged.
[[nodiscard]] boost::json::object merge_patch(const Kind& kind, const boost::json::object& spec,
                                              const boost::json::object& patch);

/// The struct of a stored spec. Errors: invalid (all faults in one message).
template <class T> [[nodiscard]] Result<T> decode(std::string_view name, const boost::json::object& spec) {
    Issues issues;
    AnyObject object = decode(kind_of<T>(), name, spec, issues);
    if (has_errors(issues))
        return fail(to_error(issues));
    return std::move(*static_cast<T*>(object.data()));
}
/// The same from JSON text, as the store keeps it.
[[nodiscard]] Result<AnyObject> decode_text(const Kind& kind, std::string_view name,
                                            std::string_view spec_json);
template <class T> [[nodiscard]] Result<T> decode(std::string_view name, std::string_view spec_json) {
    MAIL_TRY(auto object, decode_text(kind_of<T>(), name, spec_json));
    return std::move(*static_cast<T*>(object.data()));
}
/// The spec of a struct as JSON text for the store, defaults left out, secrets included.
template <class T> [[nodiscard]] std::string encode_text(const T& object);
[[nodiscard]] std::string encode_text(const Kind& kind, const void* object);
template <class T> std::string encode_text(const T& object) {
    return encode_text(kind_of<T>(), &object);
}

/// A field's value from a command line's text ("2GiB", "true", "a,b,c"); not for secrets and objects. Errors:
/// invalid.
[[nodiscard]] Result<boost::json::value> value_from_text(const Field& field, std::string_view text);
/// For tables and plans: "2GiB", "yes", "a, b"; secrets "(set)". Null is empty.
[[nodiscard]] std::string value_to_text(const Field& field, const boost::json::value& value);
/// The value a field has when nothing is said, as JSON; null for an absent secret or object.
[[nodiscard]] boost::json::value default_value(const Kind& kind, const Field& field);

} // namespace mail::schema
