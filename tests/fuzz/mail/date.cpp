// Dates: what is accepted is written back to the same moment.
#include "common/mail/date.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    if (const auto date = mail::parse_date_time(input)) {
        if (date->offset_minutes < -1439 || date->offset_minutes > 1439)
            std::abort();
        const auto again = mail::parse_date_time(mail::format_date(date->time, date->offset_minutes));
        const auto internal =
            mail::parse_internal_date(mail::format_internal_date(date->time, date->offset_minutes));
        // At the edges of the calendar times are clamped.
        const auto year =
            std::chrono::year_month_day{std::chrono::floor<std::chrono::days>(date->time)}.year();
        const bool edge = year < std::chrono::year{1901} || year > std::chrono::year{9998};
        if (!again || !internal || (!edge && (again->time != date->time || internal->time != date->time)))
            std::abort();
    }
    if (const auto date = mail::parse_internal_date(input))
        static_cast<void>(mail::format_internal_date(date->time, date->offset_minutes));
    if (const auto day = mail::parse_imap_date(input))
        if (std::chrono::floor<std::chrono::days>(*day) != *day)
            std::abort();
    return 0;
}
