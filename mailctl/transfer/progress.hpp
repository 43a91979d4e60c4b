// A progress bar for long work: on stderr, and only when that is a terminal and nobody asked for quiet. Drawn at most ten times
// a second; finish() wipes it away, so that what is printed next stands alone.
#pragma once

#include "mailctl/session.hpp"

#include <cstdint>

namespace mail::mailctl {

class Progress {
  public:
    explicit Progress(Session& session);
    ~Progress() { finish(); }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    /// `done` of `total` in whatever unit; total 0: unknown. `messages` and `what` are shown.
    void show(std::uint64_t done, std::uint64_t total, std::uint64_t messages, const std::string& what);
    void finish();

  private:
    Session& session_;
    bool on_ = false;
    bool drawn_ = false;
    SteadyTime begun_;
    SteadyTime last_{};
};

/// "[#####-----]  50 %  1,234 messages  5,123/s  INBOX" within `width` columns. Pure.
[[nodiscard]] std::string progress_line(std::uint64_t done, std::uint64_t total, std::uint64_t messages, double seconds,
                                        const std::string& what, std::size_t width);

} // namespace mail::mailctl
