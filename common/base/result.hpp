// Result<T>: a value or an Error, with the interface of std::expected, so that C++23 is a one-line alias.
// Default-constructible (an internal error), because Asio default-constructs a coroutine's result.
// Use MAIL_TRY / MAIL_CO_TRY to pass errors up; see common/base/error.hpp for what an Error says.
#pragma once

#include "common/base/error.hpp"

#include <type_traits>
#include <utility>
#include <variant>

namespace mail {

/// Wraps an error so that `return fail(...)` converts to any Result.
struct Failure {
    Error error;
};

[[nodiscard]] inline Failure fail(Error error) { return Failure{std::move(error)}; }
[[nodiscard]] inline Failure fail(ErrorCode code, std::string message, std::string hint = {}) {
    return Failure{Error{code, std::move(message), std::move(hint)}};
}

template <class T> class [[nodiscard]] Result {
  public:
    using value_type = T;
    Result() : state_(std::in_place_index<1>, Error{ErrorCode::internal, "no result"}) {}
    Result(Failure failure) : state_(std::in_place_index<1>, std::move(failure.error)) {}
    template <class U = T>
        requires(std::is_constructible_v<T, U &&> && !std::is_same_v<std::remove_cvref_t<U>, Failure> &&
                 !std::is_same_v<std::remove_cvref_t<U>, Result>)
    Result(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value)) {}

    [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }
    [[nodiscard]] T& value() & { return std::get<0>(state_); }
    [[nodiscard]] const T& value() const& { return std::get<0>(state_); }
    [[nodiscard]] T&& value() && { return std::get<0>(std::move(state_)); }
    T& operator*() & { return std::get<0>(state_); }
    const T& operator*() const& { return std::get<0>(state_); }
    T&& operator*() && { return std::get<0>(std::move(state_)); }
    T* operator->() { return &std::get<0>(state_); }
    const T* operator->() const { return &std::get<0>(state_); }
    [[nodiscard]] Error& error() & { return std::get<1>(state_); }
    [[nodiscard]] const Error& error() const& { return std::get<1>(state_); }
    [[nodiscard]] Error&& error() && { return std::get<1>(std::move(state_)); }
    template <class U> [[nodiscard]] T value_or(U&& other) const& {
        return has_value() ? value() : static_cast<T>(std::forward<U>(other));
    }

  private:
    std::variant<T, Error> state_;
};

template <> class [[nodiscard]] Result<void> {
  public:
    using value_type = void;
    Result() = default;
    Result(Failure failure) : error_(std::move(failure.error)), ok_(false) {}
    [[nodiscard]] bool has_value() const noexcept { return ok_; }
    explicit operator bool() const noexcept { return ok_; }
    void value() const {}
    [[nodiscard]] Error& error() & { return error_; }
    [[nodiscard]] const Error& error() const& { return error_; }
    [[nodiscard]] Error&& error() && { return std::move(error_); }

  private:
    Error error_;
    bool ok_ = true;
};

} // namespace mail

#define MAIL_JOIN_(a, b) a##b
#define MAIL_JOIN(a, b) MAIL_JOIN_(a, b)
#define MAIL_TRY_(tmp, return_, decl, ...)                                                                   \
    auto tmp = __VA_ARGS__;                                                                                  \
    if (!tmp)                                                                                                \
        return_ ::mail::fail(std::move(tmp).error());                                                        \
    decl = std::move(tmp).value()
/// MAIL_TRY(auto x, f()); declares x or returns the error.
#define MAIL_TRY(decl, ...) MAIL_TRY_(MAIL_JOIN(mail_try_, __LINE__), return, decl, __VA_ARGS__)
/// MAIL_CO_TRY(auto x, co_await f()); the same in a coroutine.
#define MAIL_CO_TRY(decl, ...) MAIL_TRY_(MAIL_JOIN(mail_try_, __LINE__), co_return, decl, __VA_ARGS__)
#define MAIL_CHECKED_(tmp, return_, ...)                                                                     \
    auto tmp = __VA_ARGS__;                                                                                  \
    if (!tmp)                                                                                                \
    return_ ::mail::fail(std::move(tmp).error())
/// MAIL_DO(f()); for Result<void> or an unused value.
#define MAIL_DO(...) MAIL_CHECKED_(MAIL_JOIN(mail_do_, __LINE__), return, __VA_ARGS__)
#define MAIL_CO_DO(...) MAIL_CHECKED_(MAIL_JOIN(mail_do_, __LINE__), co_return, __VA_ARGS__)
