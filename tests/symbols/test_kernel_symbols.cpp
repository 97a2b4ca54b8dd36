#include <doctest/doctest.h>

#include "symbols/kernel_symbols.h"
#include "tests/symbols/temporary_directory.h"

using namespace fgread;

namespace {

KernelSymbols parse(const std::string& text) {
    OwnedBytes bytes(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) bytes.writable()[i] = std::byte(text[i]);
    return KernelSymbols(std::move(bytes));
}

std::string at(const KernelSymbols& symbols, std::uint64_t address) {
    const auto found = symbols.find({address});
    if (!found) return "-";
    return std::string(found->name) +
           (found->module.empty() ? "" : " [" + std::string(found->module) + "]");
}

const char* const listing =
    "ffffffff81000000 T srso_alias_untrain_ret\n"
    "ffffffff81000000 T _stext\n"
    "ffffffff81000000 T _text\n"
    "ffffffff81000100 t do_one_initcall\n"
    "ffffffff81000200 W weak_alias\n"
    "ffffffff81000200 T do_work\n"
    "ffffffff81000300 T last_one\n"
    "0000000000000000 A fixed_percpu_data\n"
    "ffffffffc0001000 t ext4_find\t[ext4]\n"
    "ffffffffc0001100 t ext4_read\t[ext4]\n"
    "ffffffffc0009000 t bpf_prog_6deef7357e7b4530_x\t[bpf]\n";

}  // namespace

TEST_CASE("kernel addresses have the name of the symbol before them") {
    const KernelSymbols symbols = parse(listing);
    CHECK_FALSE(symbols.restricted());
    CHECK(symbols.malformed_lines() == 0);
    CHECK(at(symbols, 0xffffffff81000100) == "do_one_initcall");
    CHECK(at(symbols, 0xffffffff810001ff) == "do_one_initcall");
    CHECK(at(symbols, 0xffffffff80ffffff) == "-");
    CHECK(at(symbols, 0) == "-");
}

TEST_CASE("of several symbols at one kernel address the last one is named, as in perf") {
    const KernelSymbols symbols = parse(listing);
    CHECK(at(symbols, 0xffffffff81000000) == "_text");
    CHECK(at(symbols, 0xffffffff81000200) == "do_work");
}

TEST_CASE("symbols of modules know their module") {
    const KernelSymbols symbols = parse(listing);
    CHECK(at(symbols, 0xffffffffc0001004) == "ext4_find [ext4]");
    CHECK(at(symbols, 0xffffffffc0009004) == "bpf_prog_6deef7357e7b4530_x [bpf]");
}

TEST_CASE("the kernel's last symbol does not reach into the modules' area") {
    const KernelSymbols symbols = parse(listing);
    CHECK(at(symbols, 0xffffffff81000300) == "last_one");
    CHECK(at(symbols, 0xffffffff81001fff) == "last_one");
    CHECK(at(symbols, 0xffffffff81002000) == "-");
    CHECK(at(symbols, 0xffffffffc0000fff) == "-");
}

TEST_CASE("up to where a kernel symbol says it goes there is no other answer") {
    const KernelSymbols symbols = parse(listing);
    const std::uint64_t places[] = {0xffffffff81000000, 0xffffffff81000100, 0xffffffff81000200,
                                    0xffffffff810002ff, 0xffffffff81000300, 0xffffffff81001fff,
                                    0xffffffffc0001004, 0xffffffffc0005000, 0xffffffffc0009000,
                                    0xffffffffc0009fff};
    for (const std::uint64_t place : places) {
        const auto found = symbols.find({place});
        REQUIRE(found);
        CHECK(found->until.value > place);
        for (const std::uint64_t other : places) {
            if (other < place || other >= found->until.value) continue;
            CHECK(at(symbols, other) == at(symbols, place));
        }
        CHECK(at(symbols, found->until.value - 1) == at(symbols, place));
    }
    CHECK(symbols.find({0xffffffff81000100})->until.value == 0xffffffff81000200);
    CHECK(symbols.find({0xffffffff81000300})->until.value == 0xffffffff81002000);
    CHECK(symbols.find({0xffffffffc0005000})->until.value == 0xffffffffc0009000);
}

TEST_CASE("the anchors that MMAP records refer to are known") {
    const KernelSymbols symbols = parse(listing);
    CHECK(symbols.address_of("_text")->value == 0xffffffff81000000);
    CHECK(symbols.address_of("_stext")->value == 0xffffffff81000000);
    CHECK_FALSE(symbols.address_of("do_work"));
}

TEST_CASE("addresses are hexadecimal numbers of any length and case, up to what is no digit") {
    const KernelSymbols symbols = parse(
        "c0100000 T _text\n"
        "C0100ABC T upper\n"
        "ffffffff9abcdef0 T lower\n"
        "FFFFFFFF9ABCDEF8 T upper_64\n"
        "fffffffg9abcdef9 T not_a_digit\n"
        "ffffffff9abcde:a T nor_this\n"
        "ffffffff9abcd`fb T nor_that\n"
        "ffffffff9abcde\xb9\xe1 T nor_these\n"
        "ffffffff9abcdeff0 T too_long\n"
        "ffffffff9abcdefc\n");
    CHECK(symbols.malformed_lines() == 6);
    CHECK(at(symbols, 0xc0100000) == "_text");
    CHECK(at(symbols, 0xc0100abc) == "upper");
    CHECK(at(symbols, 0xffffffff9abcdef0) == "lower");
    CHECK(at(symbols, 0xffffffff9abcdeff) == "upper_64");
}

TEST_CASE("a listing with only zeros is recognised") {
    const KernelSymbols symbols =
        parse("0000000000000000 T _text\n0000000000000000 t f\n0000000000000000 t g\t[ext4]\n");
    CHECK(symbols.restricted());
    CHECK(symbols.empty());
    CHECK(at(symbols, 0) == "-");
}

TEST_CASE("lines that make no sense are skipped and counted") {
    const KernelSymbols symbols = parse(
        "hello\n\nffffffff81000000\nffffffff81000000 T\nffffffff81000000 T \n"
        "ffffffff81000000Tf\nffffffff810000001 T too_long\n ffffffff81000000 T f\n"
        "ffffffff81000010 T good\nffffffff81000020 T no_newline");
    CHECK(symbols.malformed_lines() == 8);
    CHECK(at(symbols, 0xffffffff81000010) == "good");
    CHECK(at(symbols, 0xffffffff81000020) == "no_newline");
}

TEST_CASE("an empty listing has no names and is not restricted") {
    const KernelSymbols symbols = parse("");
    CHECK(symbols.empty());
    CHECK_FALSE(symbols.restricted());
}

TEST_CASE("a file given by the user is taken at its word") {
    const test::TemporaryDirectory directory;
    const std::string file = directory.write("kallsyms", std::string(listing));
    KernelSymbols symbols;
    const KernelListing given = load_kernel_symbols(file, {}, {}, {}, symbols);
    CHECK(given.names == KernelNames::loaded);
    CHECK(given.source == KernelSource::given);
    CHECK(at(symbols, 0xffffffff81000200) == "do_work");
    const KernelListing absent = load_kernel_symbols(directory.path("absent"), {}, {}, {}, symbols);
    CHECK(absent.names == KernelNames::unavailable);
    CHECK(absent.source == KernelSource::none);
}

TEST_CASE("another kernel's samples get names only from perf's copy of its listing") {
    const test::TemporaryDirectory cache;
    const BuildId other{std::vector<std::uint8_t>(20, 0xab)};
    KernelSymbols symbols;
    CHECK(load_kernel_symbols({}, other, {}, cache.path(), symbols).names == KernelNames::mismatch);
    CHECK(symbols.empty());
    cache.write(".build-id/ab/" + other.hex().substr(2) + "/kallsyms", std::string(listing));
    const KernelListing cached = load_kernel_symbols({}, other, {}, cache.path(), symbols);
    CHECK(cached.names == KernelNames::loaded);
    CHECK(cached.source == KernelSource::cache);
    CHECK(at(symbols, 0xffffffff81000200) == "do_work");
}

TEST_CASE("perf's copy names the kernel's image where it has the anchor as recorded") {
    const test::TemporaryDirectory cache;
    const BuildId id{std::vector<std::uint8_t>(20, 0xab)};
    const KernelAnchor anchor{"_text", Avma{0xffffffff81000000}};
    CHECK_FALSE(load_cached_kernel_image(id, anchor, cache.path()));
    cache.write(".build-id/ab/" + id.hex().substr(2) + "/kallsyms", std::string(listing));
    const auto symbols = load_cached_kernel_image(id, anchor, cache.path());
    REQUIRE(symbols);
    CHECK(at(*symbols, 0xffffffff81000200) == "do_work");
    // Of another boot.
    CHECK_FALSE(load_cached_kernel_image(id, {"_text", Avma{0xffffffff82000000}}, cache.path()));
    CHECK_FALSE(load_cached_kernel_image(id, {"_text", Avma{0}}, cache.path()));
    CHECK_FALSE(load_cached_kernel_image({}, anchor, cache.path()));
}

TEST_CASE("without a recorded build-id nobody knows whether the running kernel was recorded") {
    KernelSymbols symbols;
    const KernelListing found = load_kernel_symbols({}, {}, {}, {}, symbols);
    CHECK(found.names == KernelNames::unknown);
    CHECK(found.source == KernelSource::none);
    CHECK(symbols.empty());
}

TEST_CASE("a recording of this boot without a build-id: only where the kernel's text stands") {
    KernelSymbols symbols;
    // No kernel has its text there.
    const KernelListing found =
        load_kernel_symbols({}, {}, KernelAnchor{"_text", Avma{0x1234}}, {}, symbols);
    CHECK(found.names != KernelNames::loaded);
    CHECK(found.names != KernelNames::unknown);
    CHECK(found.source == KernelSource::none);
}
