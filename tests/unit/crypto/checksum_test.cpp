#include "common/crypto/checksum.hpp"
#include "tests/catch.hpp"

#include <string>

using namespace mail::crypto;

TEST_CASE("CRC-32C gives the values of RFC 3720 appendix B.4") {
    std::string ascending;
    for (int i = 0; i < 32; ++i)
        ascending += static_cast<char>(i);
    const std::string descending(ascending.rbegin(), ascending.rend());
    CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aau);
    CHECK(crc32c(std::string(32, '\xff')) == 0x62a8ab43u);
    CHECK(crc32c(ascending) == 0x46dd794eu);
    CHECK(crc32c(descending) == 0x113fdb5cu);
    CHECK(crc32c("123456789") == 0xe3069283u);
    CHECK(crc32c("") == 0);
}

TEST_CASE("the instruction and the table agree for every length and split") {
    std::string data;
    for (int i = 0; i < 100; ++i)
        data += static_cast<char>(i * 37 + 11);
    for (std::size_t size = 0; size <= data.size(); ++size) {
        const std::string_view part = std::string_view(data).substr(0, size);
        CHECK(crc32c(part) == crc32c_portable(part));
        const std::size_t half = size / 2;
        CHECK(crc32c(part.substr(half), crc32c(part.substr(0, half))) == crc32c(part));
    }
}
