// Result<T>: a value, or the one sentence that says why there is none.
//
// For failures after which the caller cannot go on (not a perf.data file, no permission). A bad
// record or module is not such a failure: it is counted in Diagnostics. A stack that ends early
// is data (StopReason). std::expected would serve, but clang 14 with gcc 12's library lacks it.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace fgread {

enum class ErrorKind {
    io,  // the system refused: no such file, no permission, not a regular file, read error
    not_perf_data,  // readable, but not what it should be
    unsupported,    // understood, but this build cannot read it
    damaged,        // nothing could be salvaged
    limit,          // it would take more than the caller allows
};

// What went wrong, in a sentence for the user: what, where (file, offset), why, what to do next.
struct Error {
    ErrorKind kind = ErrorKind::io;
    std::string message;
};

template <class T>
class [[nodiscard]] Result {
public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    [[nodiscard]] bool has_value() const { return state_.index() == 0; }
    explicit operator bool() const { return has_value(); }

    // Only after has_value(); std::get's own check otherwise ends in std::bad_variant_access.
    T& value() & { return std::get<0>(state_); }
    const T& value() const& { return std::get<0>(state_); }
    T&& value() && { return std::get<0>(std::move(state_)); }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    // Only after !has_value().
    const Error& error() const { return std::get<1>(state_); }

private:
    std::variant<T, Error> state_;
};

// Result of an action that yields nothing.
template <>
class [[nodiscard]] Result<void> {
public:
    Result() = default;
    Result(Error error) : error_(std::move(error)) {}

    [[nodiscard]] bool has_value() const { return !error_; }
    explicit operator bool() const { return has_value(); }
    const Error& error() const { return *error_; }

private:
    std::optional<Error> error_;
};

}  // namespace fgread
