// What <TAB> offers: words for a command line that is not finished yet. Reads the tables; names of existing objects come
// from the server within a short time, or not at all.
#pragma once

#include "mailctl/session.hpp"

#include <string>
#include <vector>

namespace mail::mailctl {

/// `words` are those after "mailctl"; the last one is being typed and may be empty. Candidates start with it.
[[nodiscard]] std::vector<std::string> complete(Session& session, const std::vector<std::string>& words);

} // namespace mail::mailctl
