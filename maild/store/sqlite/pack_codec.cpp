#include "maild/store/sqlite/pack_codec.hpp"

#include "common/crypto/checksum.hpp"

#include <algorithm>
#include <unordered_map>

namespace mail::store::sqlite {
namespace {

constexpr char version = 1;
constexpr std::size_t checksum_bytes = 4;
constexpr std::size_t least_row = 5; ///< bytes of a row, one for each of its numbers

void put(std::string& out, std::uint64_t value) {
    while (value >= 0x80) {
        out += static_cast<char>(value | 0x80);
        value >>= 7;
    }
    out += static_cast<char>(value);
}

/// Differences of either sign: small ones stay short. Wraps, as does its inverse.
void put_difference(std::string& out, std::uint64_t now, std::uint64_t before) {
    const std::uint64_t difference = now - before;
    const bool negative = (difference >> 63) != 0;
    put(out, negative ? ~(difference << 1) : difference << 1);
}

void put_checksum(std::string& out) {
    const std::uint32_t sum = crypto::crc32c(out);
    for (unsigned i = 0; i < checksum_bytes; ++i)
        out += static_cast<char>(sum >> (8 * i));
}

bool checksum_holds(std::string_view& bytes) {
    if (bytes.size() < checksum_bytes)
        return false;
    const std::string_view tail = bytes.substr(bytes.size() - checksum_bytes);
    bytes.remove_suffix(checksum_bytes);
    std::uint32_t sum = 0;
    for (unsigned i = 0; i < checksum_bytes; ++i)
        sum |= std::uint32_t{static_cast<unsigned char>(tail[i])} << (8 * i);
    return sum == crypto::crc32c(bytes);
}

/// Reads numbers as long as there are any; then `good` is false and every further one 0.
struct Numbers {
    std::string_view rest;
    bool good = true;

    std::uint64_t next() noexcept {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64 && !rest.empty(); shift += 7) {
            const auto byte = static_cast<unsigned char>(rest.front());
            rest.remove_prefix(1);
            value |= std::uint64_t{byte & 0x7FU} << shift;
            if ((byte & 0x80) == 0)
                return value;
        }
        good = false;
        return 0;
    }
    std::uint64_t after(std::uint64_t before) noexcept {
        const std::uint64_t coded = next();
        return before + ((coded >> 1) ^ (~(coded & 1) + 1));
    }
    std::string_view text() noexcept {
        const std::uint64_t size = next();
        if (size > rest.size())
            good = false;
        const auto taken = rest.substr(0, good ? static_cast<std::size_t>(size) : 0);
        rest.remove_prefix(taken.size());
        return taken;
    }
};

bool read_rows(Numbers& in, UidRange covers, std::vector<ItemRow>& out) {
    const std::uint64_t count = in.next();
    std::vector<std::string_view> sets(1);
    for (std::uint64_t left = in.next(); left != 0 && in.good; --left)
        sets.push_back(in.text());
    if (!in.good || count > in.rest.size() / least_row)
        return false;
    out.reserve(out.size() + static_cast<std::size_t>(count));
    std::uint64_t uid = 0, modseq = 0, date = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t step = in.next();
        const std::uint64_t flags = in.next();
        modseq = in.after(modseq);
        date = in.after(date);
        const std::uint64_t size = in.next();
        const std::uint64_t set = flags >> 8;
        if (!in.good || step == 0 || step > ~Uid{0} || size > UINT32_MAX || set >= sets.size())
            return false;
        uid += step;
        if (uid < covers.first || uid > covers.last)
            return false;
        ItemRow& row = out.emplace_back();
        row.uid = static_cast<Uid>(uid);
        row.flags = static_cast<std::uint8_t>(flags);
        row.keywords = sets[static_cast<std::size_t>(set)];
        row.modseq = modseq;
        row.internal_date = from_micros(static_cast<std::int64_t>(date));
        row.size = static_cast<std::uint32_t>(size);
    }
    return in.rest.empty();
}

} // namespace

std::string pack_rows(std::span<const ItemRow> rows) {
    std::unordered_map<std::string_view, std::uint64_t> numbers{{std::string_view(), 0}};
    std::string sets;
    for (const ItemRow& row : rows)
        if (numbers.try_emplace(row.keywords, numbers.size()).second) {
            put(sets, row.keywords.size());
            sets += row.keywords;
        }
    std::string out(1, version);
    put(out, rows.size());
    put(out, numbers.size() - 1);
    out += sets;
    std::uint64_t uid = 0, modseq = 0, date = 0;
    for (const ItemRow& row : rows) {
        put(out, row.uid - uid);
        put(out, row.flags | numbers.at(row.keywords) << 8);
        put_difference(out, row.modseq, modseq);
        const auto micros = static_cast<std::uint64_t>(to_micros(row.internal_date));
        put_difference(out, micros, date);
        put(out, row.size);
        uid = row.uid;
        modseq = row.modseq;
        date = micros;
    }
    put_checksum(out);
    return out;
}

bool unpack_rows(std::string_view bytes, UidRange covers, std::vector<ItemRow>& out) {
    const std::size_t before = out.size();
    if (!checksum_holds(bytes) || bytes.empty() || bytes.front() != version)
        return false;
    Numbers in{bytes.substr(1)};
    if (read_rows(in, covers, out))
        return true;
    out.resize(before);
    return false;
}

} // namespace mail::store::sqlite
