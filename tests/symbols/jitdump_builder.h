// Makes jitdump bytes, so that a test knows what each of them means.
// Layout: tools/perf/Documentation/jitdump-specification.txt.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "symbols/regular_file.h"

namespace fgread::test {

class JitDumpBuilder {
public:
    struct Header {
        std::uint32_t magic = 0x4a695444;
        std::uint32_t version = 1;
        std::uint32_t size = 40;
        std::uint32_t machine = 62;  // EM_X86_64
        std::uint32_t padding = 0;
        std::uint64_t flags = 0;
    };
    explicit JitDumpBuilder(const Header& header, bool big_endian = false) : big_(big_endian) {
        u32(header.magic), u32(header.version), u32(header.size), u32(header.machine);
        u32(header.padding), u32(4711);  // pid
        u64(1), u64(header.flags);
    }
    JitDumpBuilder() : JitDumpBuilder(Header{}) {}

    // Returns the file offset of the code.
    std::uint64_t load(std::uint64_t time, std::uint64_t address, std::uint64_t size,
                       const std::string& name, std::uint64_t index) {
        prefix(0, 40 + name.size() + 1 + size, time);
        u32(4711), u32(4711), u64(address), u64(address), u64(size), u64(index);
        text(name);
        const std::uint64_t offset = bytes.size();
        for (std::uint64_t i = 0; i < size; ++i) bytes.push_back(std::byte(i & 0x7f));
        return offset;
    }
    void move(std::uint64_t time, std::uint64_t from, std::uint64_t to, std::uint64_t size,
              std::uint64_t index) {
        prefix(1, 48, time);
        u32(4711), u32(4711), u64(to), u64(from), u64(to), u64(size), u64(index);
    }
    struct Line {
        std::uint64_t address = 0;
        std::uint32_t line = 0;
        std::string file;
    };
    void debug_info(std::uint64_t time, std::uint64_t address, const std::vector<Line>& lines) {
        std::uint64_t size = 16;
        for (const Line& each : lines) size += 16 + each.file.size() + 1;
        prefix(2, size, time);
        u64(address), u64(lines.size());
        for (const Line& each : lines) u64(each.address), u32(each.line), u32(0), text(each.file);
    }
    void close(std::uint64_t time) { prefix(3, 0, time); }
    void unwinding_info(std::uint64_t time, const std::vector<std::byte>& eh_frame,
                        const std::vector<std::byte>& header) {
        prefix(4, 24 + eh_frame.size() + header.size(), time);
        u64(eh_frame.size() + header.size()), u64(header.size());
        u64(eh_frame.size() + header.size());
        bytes.insert(bytes.end(), eh_frame.begin(), eh_frame.end());
        bytes.insert(bytes.end(), header.begin(), header.end());
    }
    // Any record: `size` is what it says of its body.
    void prefix(std::uint32_t id, std::uint64_t size, std::uint64_t time) {
        u32(id), u32(static_cast<std::uint32_t>(size + 16)), u64(time);
    }

    [[nodiscard]] OwnedBytes content() const {
        OwnedBytes owned(bytes.size());
        std::copy(bytes.begin(), bytes.end(), owned.writable().begin());
        return owned;
    }

    std::vector<std::byte> bytes;

    void u32(std::uint64_t value) { number(value, 4); }
    void u64(std::uint64_t value) { number(value, 8); }

private:
    void number(std::uint64_t value, unsigned size) {
        for (unsigned i = 0; i < size; ++i) {
            const unsigned shift = 8 * (big_ ? size - 1 - i : i);
            bytes.push_back(static_cast<std::byte>((value >> shift) & 0xff));
        }
    }
    void text(const std::string& value) {
        for (const char c : value) bytes.push_back(static_cast<std::byte>(c));
        bytes.push_back(std::byte{0});
    }

    bool big_;
};

}  // namespace fgread::test
