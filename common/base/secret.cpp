#include "common/base/secret.hpp"

#include <cstring>

namespace mail {
void wipe(void* data, std::size_t size) noexcept {
    if (size != 0)
        ::explicit_bzero(data, size);
}
} // namespace mail
