// How an IMAP command ends: the tagged response (RFC 9051 §7.1), made by the handlers and written by the session.
#pragma once

#include "common/base/result.hpp"

#include <cstdint>
#include <string>

namespace mail::imap {

/// How a command ends: the tagged response.
struct Reply {
    enum class Kind : std::uint8_t { ok, no, bad, none };
    Kind kind = Kind::ok;
    std::string code; ///< response code without brackets, or empty
    std::string text;

    [[nodiscard]] static Reply ok(std::string text, std::string code = {});
    [[nodiscard]] static Reply no(std::string text, std::string code = {});
    [[nodiscard]] static Reply no(const Error& error);
    [[nodiscard]] static Reply bad(std::string text, std::string code = {});
    [[nodiscard]] static Reply uid_required(); ///< RFC 9586 §3.1
    [[nodiscard]] static Reply none(); ///< answered already
};

} // namespace mail::imap
