// -o yaml: a JSON value as a YAML document that `mailctl apply` reads back (common/schema/yaml.hpp writes it), with the
// control characters that terminals obey written as escapes.
#pragma once

#include <boost/json/fwd.hpp>

#include <string>

namespace mail::mailctl {

/// Begins with a `---` line and ends with a newline.
[[nodiscard]] std::string yaml_document(const boost::json::value& value);

} // namespace mail::mailctl
