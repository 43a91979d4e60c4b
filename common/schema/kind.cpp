#include "common/schema/kind.hpp"

namespace mail::schema {

std::string_view type_name(FieldType type) noexcept {
    switch (type) {
    case FieldType::text:
        return "text";
    case FieldType::boolean:
        return "boolean";
    case FieldType::integer:
        return "integer";
    case FieldType::size:
        return "size";
    case FieldType::duration:
        return "duration";
    case FieldType::secret:
        return "secret";
    case FieldType::text_list:
        return "list of text";
    case FieldType::integer_list:
        return "list of integer";
    case FieldType::duration_list:
        return "list of duration";
    case FieldType::object:
        return "object";
    }
    return "text";
}

const Field* Kind::find(std::string_view field_name) const noexcept {
    for (const auto& candidate : fields)
        if (candidate.name == field_name)
            return &candidate;
    return nullptr;
}

Result<std::string> Kind::canonical_name(std::string_view given) const {
    if (is_singleton) {
        if (!given.empty() && given != name)
            return fail(ErrorCode::invalid, "there is only one " + std::string(name),
                        "its name is " + std::string(name) + " and may be left out");
        return std::string(name);
    }
    if (given.empty())
        return fail(ErrorCode::invalid, "a " + std::string(name) + " needs a name",
                    "for example " + std::string(key_field().sample));
    if (given.size() > key_field().max_length)
        return fail(ErrorCode::invalid,
                    "a name has at most " + std::to_string(key_field().max_length) + " bytes");
    if (key_field().format == nullptr)
        return std::string(given);
    return key_field().format->canonical(given);
}

} // namespace mail::schema
