// Secret: text that is zeroed when it goes and never printed. Move-friendly; copies are explicit by value().
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace mail {

/// Overwrites memory in a way the compiler may not remove.
void wipe(void* data, std::size_t size) noexcept;

class Secret {
  public:
    Secret() = default;
    explicit Secret(std::string value) : value_(std::move(value)) {}
    Secret(const Secret&) = default;
    Secret& operator=(const Secret& other) {
        if (this != &other) {
            clear();
            value_ = other.value_;
        }
        return *this;
    }
    Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { other.clear(); }
    Secret& operator=(Secret&& other) noexcept {
        clear();
        value_ = std::move(other.value_);
        other.clear();
        return *this;
    }
    ~Secret() { clear(); }

    [[nodiscard]] std::string_view reveal() const noexcept { return value_; }
    [[nodiscard]] bool empty() const noexcept { return value_.empty(); }
    [[nodiscard]] bool operator==(const Secret&) const = default;
    void clear() noexcept {
        wipe(value_.data(), value_.size());
        value_.clear();
    }

  private:
    std::string value_;
};

} // namespace mail
