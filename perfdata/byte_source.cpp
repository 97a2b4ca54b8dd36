#include "perfdata/byte_source.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace fgread {
namespace {

class FileRange final : public ByteSource {
public:
    FileRange(const InputFile& file, std::uint64_t begin, std::uint64_t end)
        : file_(file), position_(begin), end_(end) {}

    Result<std::size_t> read(std::span<std::byte> buffer) override {
        const std::uint64_t rest = end_ - std::min(position_, end_);
        const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(rest, buffer.size()));
        if (size == 0) return std::size_t{0};
        auto got = file_.read_at(position_, buffer.first(size));
        if (got) position_ += *got;
        return got;
    }

private:
    const InputFile& file_;
    std::uint64_t position_;
    std::uint64_t end_;
};

class PipeSource final : public ByteSource {
public:
    PipeSource(int descriptor, std::string name)
        : descriptor_(descriptor),
          wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
          name_(std::move(name)) {}
    PipeSource(const PipeSource&) = delete;
    PipeSource& operator=(const PipeSource&) = delete;
    ~PipeSource() override {
        if (descriptor_ != STDIN_FILENO) ::close(descriptor_);
        if (wake_ >= 0) ::close(wake_);
    }

    Result<std::size_t> read(std::span<std::byte> buffer) override {
        while (true) {
            // Without the wake descriptor (no more descriptors) cancel() waits for the next bytes.
            pollfd waited[] = {{descriptor_, POLLIN, 0}, {wake_, POLLIN, 0}};
            if (::poll(waited, wake_ >= 0 ? 2 : 1, -1) < 0 && errno != EINTR) return failure();
            if (waited[1].revents != 0) return std::size_t{0};
            if (waited[0].revents == 0) continue;
            const ssize_t count = ::read(descriptor_, buffer.data(), buffer.size());
            if (count >= 0) return static_cast<std::size_t>(count);
            if (errno != EINTR && errno != EAGAIN) return failure();
        }
    }

    void cancel() override {
        const std::uint64_t one = 1;
        // It can only fail when it is signalled already.
        if (wake_ >= 0) static_cast<void>(::write(wake_, &one, sizeof one) > 0);
    }

private:
    [[nodiscard]] Error failure() const {
        return {ErrorKind::io,
                fmt::format("{}: cannot read: {}", name_, std::system_category().message(errno))};
    }

    int descriptor_;
    int wake_;
    std::string name_;
};

class PutBack final : public ByteSource {
public:
    PutBack(std::vector<std::byte> bytes, std::unique_ptr<ByteSource> rest)
        : bytes_(std::move(bytes)), rest_(std::move(rest)) {}

    Result<std::size_t> read(std::span<std::byte> buffer) override {
        if (position_ == bytes_.size()) return rest_->read(buffer);
        const std::size_t size = std::min(buffer.size(), bytes_.size() - position_);
        std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(position_), size, buffer.begin());
        position_ += size;
        return size;
    }
    void cancel() override { rest_->cancel(); }

private:
    std::vector<std::byte> bytes_;
    std::size_t position_ = 0;
    std::unique_ptr<ByteSource> rest_;
};

class Limited final : public ByteSource {
public:
    Limited(std::unique_ptr<ByteSource> source, std::uint64_t size)
        : source_(std::move(source)), rest_(size) {}

    Result<std::size_t> read(std::span<std::byte> buffer) override {
        const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(rest_, buffer.size()));
        if (size == 0) return std::size_t{0};
        auto got = source_->read(buffer.first(size));
        if (got) rest_ -= *got;
        return got;
    }
    void cancel() override { source_->cancel(); }

private:
    std::unique_ptr<ByteSource> source_;
    std::uint64_t rest_;
};

}  // namespace

Result<std::size_t> read_fully(ByteSource& source, std::span<std::byte> buffer) {
    std::size_t done = 0;
    while (done < buffer.size()) {
        const auto got = source.read(buffer.subspan(done));
        if (!got) return got.error();
        if (*got == 0) break;
        done += *got;
    }
    return done;
}

Result<std::uint64_t> skip_bytes(ByteSource& source, std::uint64_t count) {
    std::vector<std::byte> buffer(std::size_t{64} << 10);
    std::uint64_t done = 0;
    while (done < count) {
        const std::uint64_t wanted = std::min<std::uint64_t>(buffer.size(), count - done);
        const auto got = source.read(std::span(buffer).first(static_cast<std::size_t>(wanted)));
        if (!got) return got.error();
        if (*got == 0) break;
        done += *got;
    }
    return done;
}

std::unique_ptr<ByteSource> file_range(const InputFile& file, std::uint64_t begin,
                                       std::uint64_t end) {
    return std::make_unique<FileRange>(file, begin, end);
}

std::unique_ptr<ByteSource> pipe_source(int descriptor, std::string name) {
    return std::make_unique<PipeSource>(descriptor, std::move(name));
}

std::unique_ptr<ByteSource> limited(std::unique_ptr<ByteSource> source, std::uint64_t size) {
    return std::make_unique<Limited>(std::move(source), size);
}

std::unique_ptr<ByteSource> put_back(std::vector<std::byte> bytes,
                                     std::unique_ptr<ByteSource> rest) {
    return std::make_unique<PutBack>(std::move(bytes), std::move(rest));
}

}  // namespace fgread
