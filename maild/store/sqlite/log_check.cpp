#include "maild/store/sqlite/log_check.hpp"

#include "maild/store/file_ops.hpp"

#include <array>
#include <cerrno>

#include <sys/stat.h>

namespace mail::store::sqlite {
namespace {

constexpr std::uint64_t header_bytes = 32;
constexpr std::uint64_t frame_header_bytes = 24;
constexpr std::uint32_t magic_little = 0x377f0682; ///< checksums over little-endian words; with the lowest bit set, big-endian
constexpr std::uint32_t largest_page = 65536;

std::uint32_t big_endian(std::string_view bytes, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i)
        value = value << 8U | static_cast<unsigned char>(bytes[at + i]);
    return value;
}

/// The log's running checksum over pairs of words.
struct Sum {
    bool big = false;
    std::uint32_t first = 0;
    std::uint32_t second = 0;

    [[nodiscard]] std::uint32_t word(std::string_view bytes, std::size_t at) const {
        const std::uint32_t value = big_endian(bytes, at);
        return big ? value : __builtin_bswap32(value);
    }
    void add(std::string_view bytes) {
        for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) {
            first += word(bytes, at) + second;
            second += word(bytes, at + 4) + first;
        }
    }
    [[nodiscard]] bool is(std::string_view bytes, std::size_t at) const {
        return first == big_endian(bytes, at) && second == big_endian(bytes, at + 4);
    }
};

} // namespace

Result<LogState> read_log(const std::string& path) {
    LogState state;
    const FileHandle file = open_to_read(path);
    if (!file) {
        if (errno == ENOENT)
            return state;
        return file_failure("cannot open " + path, errno);
    }
    const FileOps files;
    MAIL_TRY(const std::string header, files.read(file.get(), 0, header_bytes));
    if (header.size() < header_bytes || (big_endian(header, 0) & ~1U) != magic_little)
        return state;
    const std::uint32_t page = big_endian(header, 8);
    Sum sum{(big_endian(header, 0) & 1U) != 0};
    sum.add(std::string_view(header).substr(0, 24));
    if (!sum.is(header, 24) || page == 0 || page > largest_page)
        return state; // a header that was being written: no frame of it counts
    const std::string_view salt = std::string_view(header).substr(16, 8);
    bool holds = true;
    for (std::uint64_t at = header_bytes;; at += frame_header_bytes + page) {
        MAIL_TRY(const std::string frame, files.read(file.get(), at, frame_header_bytes + page));
        if (frame.size() < frame_header_bytes + page)
            return state;
        if (holds) {
            sum.add(std::string_view(frame).substr(0, 8));
            sum.add(std::string_view(frame).substr(frame_header_bytes));
            holds = std::string_view(frame).substr(8, 8) == salt && sum.is(frame, 16);
        }
        // Frames of an earlier round of the log carry other salts.
        const bool ours = std::string_view(frame).substr(8, 8) == salt;
        const bool ends = big_endian(frame, 4) != 0;
        state.frames += holds ? 1 : 0;
        state.commits += holds && ends ? 1 : 0;
        state.lost_commits += !holds && ours && ends ? 1 : 0;
    }
}

std::string problem_of(const LogState& state) {
    // The last one may be the transaction that was being written when everything stopped; nobody was told that it is there.
    if (state.lost_commits < 2)
        return {};
    return "the log of the database is damaged after " + std::to_string(state.frames) + " pages: at least " +
           std::to_string(state.lost_commits - 1) + " transactions after it are lost";
}

} // namespace mail::store::sqlite
