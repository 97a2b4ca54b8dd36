// Any bytes as a jitdump: what it says is asked for everything that it has.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "symbols/jitdump.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace fgread;
    for (const bool timed : {true, false}) {
        OwnedBytes content(size);
        for (std::size_t i = 0; i < size; ++i) content.writable()[i] = std::byte(data[i]);
        const Result<JitDump> dump = JitDump::read(std::move(content), timed);
        if (!dump) return 0;
        for (std::uint32_t i = 0; i < dump->function_count(); ++i) {
            const UnwindTable* table = dump->unwind_table(i);
            const JitDump::Placed& placed = dump->placed({i + 1});
            for (const std::uint64_t offset : {std::uint64_t{0}, placed.size - 1}) {
                const Svma address{placed.svma + offset};
                if (!dump->function_at(address)) std::abort();
                (void)dump->line_at(address);
                (void)dump->read_word(address);
                if (table != nullptr) (void)table->find(address);
            }
            (void)dump->find(placed.start, {std::uint64_t{1} << 60, 0});
        }
    }
    return 0;
}
