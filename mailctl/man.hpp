// The manual page mailctl(1), made from the same specs as the help. Packaging runs `mailctl __man > mailctl.1`.
#pragma once

#include <string>

namespace mail::mailctl {

[[nodiscard]] std::string man_page();

} // namespace mail::mailctl
