// CodeWords: a ModuleProvider that remembers which words of code it was asked for.
//
// Where frames are believed for the call before their return address, each such frame of each
// sample asks for the same few words, and the provider answers under locks. A recording of node
// asked 1.6 million times for some thousand words; two threads that took these locks in turn were
// as fast as one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "unwind/module_provider.h"

namespace fgread {

// Not thread-safe: part of one walker. 32 KiB, from the first read_word() on.
class CodeWords final : public ModuleProvider {
public:
    // `provider` must outlive the object; what it says of a word must always be the same.
    explicit CodeWords(ModuleProvider& provider) : provider_(provider) {}

    CodeMapping resolve(MappingId mapping) override { return provider_.resolve(mapping); }
    std::optional<CodeSpan> find_code(const AddressSpace& space, const AddressSpace::Found& found,
                                      Avma address, EventTime when) override {
        return provider_.find_code(space, found, address, when);
    }
    std::optional<FunctionRange> function_at(ModuleId module, Svma pc) override {
        return provider_.function_at(module, pc);
    }

    std::optional<std::uint64_t> read_word(ModuleId module, Svma svma) override {
        if (known_.empty()) known_.resize(std::size_t{1} << known_bits);
        const std::uint64_t key = (svma.value + module.value) * 0x9e3779b97f4a7c15u;
        Known& known = known_[key >> (64 - known_bits)];
        if (!known.is_asked || known.svma != svma || known.module != module) {
            known = {svma, module, true, provider_.read_word(module, svma)};
        }
        return known.word;
    }

private:
    static constexpr unsigned known_bits = 10;
    struct Known {
        Svma svma;
        ModuleId module;
        bool is_asked = false;
        std::optional<std::uint64_t> word;
    };

    ModuleProvider& provider_;
    std::vector<Known> known_;
};

}  // namespace fgread
