// Packs bytes as an .xz file for tests.
#pragma once

#include <lzma.h>

#include "tests/symbols/elf_builder.h"

namespace fgread::test {

inline Bytes xz_of(const Bytes& bytes) {
    const auto as_u8 = [](auto* data) {
        return static_cast<const std::uint8_t*>(static_cast<const void*>(data));
    };
    Bytes packed(lzma_stream_buffer_bound(bytes.size()));
    std::size_t size = 0;
    const lzma_ret status = lzma_easy_buffer_encode(
        0, LZMA_CHECK_CRC32, nullptr, as_u8(bytes.data()), bytes.size(),
        static_cast<std::uint8_t*>(static_cast<void*>(packed.data())), &size, packed.size());
    packed.resize(status == LZMA_OK ? size : 0);
    return packed;
}

}  // namespace fgread::test
