// Base subject of RFC 5256 §2.1: what SORT SUBJECT and THREAD compare. Linear time, any bytes.
#pragma once

#include <string>
#include <string_view>

namespace mail {

struct BaseSubject {
    std::string text;      ///< UTF-8, not casemapped
    bool is_reply = false; ///< "Re:", "Fwd:", "(fwd)" or "[fwd: ...]" was taken away
};
/// `raw_value` as it stands in the header; encoded-words are decoded here.
[[nodiscard]] BaseSubject base_subject(std::string_view raw_value);
/// The same for text that is decoded already.
[[nodiscard]] BaseSubject base_subject_of_text(std::string_view utf8);

} // namespace mail
