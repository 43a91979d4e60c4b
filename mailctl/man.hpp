// The manual pages mailctl(1) and maild-documents(5), made from the same specs and tables as the help and `explain`. Packaging runs
// `mailctl __man > mailctl.1` and `mailctl __man documents > maild-documents.5`.
#pragma once

#include <string>

namespace mail::mailctl {

[[nodiscard]] std::string man_page();
/// Documents: every kind and field of the schema, then limits and log events.
[[nodiscard]] std::string documents_man_page();

} // namespace mail::mailctl
