// read_yaml on any bytes: no crash, no long work, every fault with a place; what is accepted is written and
// read back to the same.
#include "common/schema/yaml.hpp"
#include "common/schema/json.hpp"
#include "common/schema/validate.hpp"

#include <boost/json/object.hpp>

#include <cstdlib>
#include <map>

using namespace mail::schema;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    auto read = read_yaml(text, "f.yaml");
    for (const auto& issue : read.issues)
        if (!issue.at.known() || issue.file != "f.yaml")
            std::abort();
    if (has_errors(read.issues))
        return 0;
    mail::schema::Issues issues;
    validate_documents(read.documents, issues);
    if (has_errors(issues))
        return 0;
    std::map<std::pair<std::string, std::string>, SpecPtr> specs;
    for (const auto& document : read.documents)
        specs[{document.kind, document.name}] = document.spec;
    const auto again = read_yaml(write_yaml(read.documents), "again.yaml");
    if (has_errors(again.issues) || again.documents.size() != specs.size())
        std::abort();
    for (const auto& document : again.documents)
        if (*document.spec != *specs[std::pair(document.kind, document.name)])
            std::abort();
    return 0;
}
