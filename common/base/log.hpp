// Structured logging: one line per event, in logfmt. Events are declared once in events.def.
// Thread-safe; never blocks the caller on a full pipe (lines are then dropped and counted).
// Never pass secrets or message bodies; values are escaped here, so raw client bytes are safe to pass.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mail {

enum class Event : std::uint16_t {
#define MAIL_EVENT(id, level, sentence, action) id,
#include "common/base/events.def"
#undef MAIL_EVENT
};

enum class LogLevel : std::uint8_t { debug, info, warn, error };

struct EventInfo {
    std::string_view id;
    LogLevel level;
    std::string_view sentence;
    std::string_view action;
};
[[nodiscard]] const EventInfo& info_of(Event event) noexcept;
[[nodiscard]] std::span<const EventInfo> all_events() noexcept;

/// A field's value: text, or a whole number written out.
struct LogValue {
    LogValue(std::string_view s) : text(s) {}
    LogValue(const std::string& s) : text(s) {}
    LogValue(const char* s) : text(s) {}
    template <class T>
        requires std::is_integral_v<T>
    LogValue(T n) : text(std::to_string(n)) {}
    std::string text;
};
struct LogField {
    std::string_view key;
    LogValue value;
};

void log(Event event, std::initializer_list<LogField> fields);
/// Lines below `level` are not written (default info). Thread-safe.
void set_log_level(LogLevel level) noexcept;
/// Waits until all lines are written; called before exit.
void flush_log() noexcept;
/// How often `event` was logged since the start; feeds /metrics.
[[nodiscard]] std::uint64_t event_count(Event event) noexcept;

/// One written event, kept in a bounded in-memory ring for `mailctl log`.
struct LogRecord {
    std::uint64_t sequence = 0; ///< counts from 1 without gaps
    std::int64_t at = 0;        ///< UTC microseconds
    Event event{};
    std::vector<std::pair<std::string, std::string>> fields;
};
/// Records after `sequence`, oldest first, at most `max`; the ring holds the last 10,000.
[[nodiscard]] std::vector<LogRecord> recent_log(std::uint64_t after, std::size_t max);

} // namespace mail
