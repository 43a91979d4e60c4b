// The version of this build, for `maild version`, status and the Received field.
#pragma once

#include <string_view>

namespace mail {
inline constexpr std::string_view version = MAIL_VERSION;
}
