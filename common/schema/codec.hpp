// The codec of single values, shared by decode.cpp and encode.cpp: what each field type looks like as JSON
// and as text. Internal to common/schema. Errors are sentences that fit after "field: ".
#pragma once

#include "common/schema/field.hpp"

#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace mail::schema::codec {

/// `word` and the candidates near it as a hint: "did you mean x?", or else the list of all.
[[nodiscard]] std::string suggest(std::string_view word, const std::vector<std::string>& candidates,
                                  std::string_view what);

[[nodiscard]] Result<std::string> read_text(const Field& field, const boost::json::value& value);
[[nodiscard]] Result<bool> read_boolean(const boost::json::value& value);
[[nodiscard]] Result<std::int64_t> read_integer(const Field& field, const boost::json::value& value);
[[nodiscard]] Result<std::uint64_t> read_size(const Field& field, const boost::json::value& value);
[[nodiscard]] Result<Duration> read_duration(const Field& field, const boost::json::value& value);
[[nodiscard]] Result<SecretSetting> read_secret(const boost::json::value& value, bool allow_from);

/// The JSON of the member at `member` (from Field::peek); null for an absent secret.
[[nodiscard]] boost::json::value write_value(const Field& field, const void* member, bool redact);

/// The comparison form of a text of this field.
[[nodiscard]] std::string key_of(const Field& field, std::string_view text);

} // namespace mail::schema::codec
