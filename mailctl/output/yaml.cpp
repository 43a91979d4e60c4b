#include "mailctl/output/yaml.hpp"

#include "common/schema/yaml.hpp"
#include "mailctl/output/json.hpp"

namespace mail::mailctl {

std::string yaml_document(const boost::json::value& value) {
    return "---\n" + without_terminal_codes(schema::json_to_yaml(value));
}

} // namespace mail::mailctl
