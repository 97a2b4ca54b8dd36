#include <doctest/doctest.h>

#include <cstdint>
#include <optional>

#include "unwind/code_words.h"

using namespace fgread;

namespace {

// Of each module the words are its id times their address; there is none at odd addresses.
class CountedWords final : public ModuleProvider {
public:
    CodeMapping resolve(MappingId /*mapping*/) override { return {}; }
    std::optional<std::uint64_t> read_word(ModuleId module, Svma svma) override {
        ++asked;
        if (svma.value % 2 != 0) return std::nullopt;
        return module.value * svma.value;
    }
    int asked = 0;
};

}  // namespace

TEST_CASE("code words: the provider is asked for a word once, also for one that is not there") {
    CountedWords provider;
    CodeWords words(provider);
    for (int again = 0; again < 3; ++again) {
        CHECK(words.read_word({3}, Svma{0x1000}) == 0x3000);
        CHECK(words.read_word({3}, Svma{0x1001}) == std::nullopt);
    }
    CHECK(provider.asked == 2);
}

TEST_CASE("code words: places that many words share give each its own") {
    CountedWords provider;
    CodeWords words(provider);
    for (int again = 0; again < 2; ++again) {
        for (std::uint64_t svma = 0; svma < 20000; svma += 2) {
            for (const std::uint32_t module : {1u, 2u}) {
                REQUIRE(words.read_word({module}, Svma{svma}) == module * svma);
            }
        }
    }
}
