#include "common/base/error.hpp"

#include <array>

namespace mail {
namespace {

constexpr std::array faces{
    ErrorFace{"internal", 451, "4.3.0", "SERVERBUG", 500, 1},
    ErrorFace{"usage", 501, "5.5.4", "CLIENTBUG", 400, 2},
    ErrorFace{"not_found", 550, "5.1.1", "NONEXISTENT", 404, 3},
    ErrorFace{"conflict", 550, "5.7.0", "ALREADYEXISTS", 409, 4},
    ErrorFace{"denied", 550, "5.7.1", "NOPERM", 403, 5},
    ErrorFace{"unauthorized", 535, "5.7.8", "AUTHENTICATIONFAILED", 401, 5},
    ErrorFace{"invalid", 501, "5.5.4", "CANNOT", 422, 7},
    ErrorFace{"stale", 451, "4.3.0", "EXPUNGEISSUED", 412, 8},
    ErrorFace{"unavailable", 451, "4.3.0", "UNAVAILABLE", 503, 6},
    ErrorFace{"timeout", 451, "4.4.2", "UNAVAILABLE", 504, 6},
    ErrorFace{"too_large", 552, "5.3.4", "LIMIT", 413, 7},
    ErrorFace{"over_quota", 452, "4.2.2", "OVERQUOTA", 507, 1},
    ErrorFace{"no_space", 452, "4.3.1", "UNAVAILABLE", 507, 1},
    ErrorFace{"temporary", 451, "4.3.0", "INUSE", 503, 1},
    ErrorFace{"unsupported", 504, "5.5.4", "CANNOT", 501, 7},
    ErrorFace{"closed", 421, "4.3.0", "UNAVAILABLE", 503, 6},
};
static_assert(faces.size() == static_cast<std::size_t>(ErrorCode::closed) + 1);

} // namespace

const ErrorFace& face_of(ErrorCode code) noexcept { return faces[static_cast<std::size_t>(code)]; }

ErrorCode error_code_named(std::string_view name) noexcept {
    for (std::size_t i = 0; i < faces.size(); ++i)
        if (faces[i].name == name)
            return static_cast<ErrorCode>(i);
    return ErrorCode::internal;
}

} // namespace mail
