#include <doctest/doctest.h>

#include "symbols/binary_archive.h"
#include "tests/symbols/elf_builder.h"
#include "tests/symbols/temporary_directory.h"

using namespace fgread;
using namespace fgread::test;

namespace {

const std::string digits_a(40, 'a');
const BuildId id_a{std::vector<std::uint8_t>(20, 0xaa)};
const BuildId id_b{std::vector<std::uint8_t>(20, 0xbb)};

// A member of a tar file (POSIX ustar). `type`: '0' a file, '2' a symbolic link.
Bytes member(const std::string& name, const std::string& content, char type = '0') {
    Bytes header = bytes_of(name);
    header.resize(100);
    const auto octal = [&](std::uint64_t value, int width) {
        std::string text;
        for (int i = 0; i < width - 1; ++i, value /= 8) {
            text.insert(text.begin(), static_cast<char>('0' + value % 8));
        }
        put_text(header, text);
        header.push_back(std::byte{0});
    };
    for (const unsigned field : {0644u, 0u, 0u}) octal(field, 8);
    octal(type == '0' ? content.size() : 0, 12);
    octal(0, 12);
    const std::size_t sum_at = header.size();
    put_text(header, "        ");
    header.push_back(std::byte(type));
    if (type != '0') put_text(header, content);
    header.resize(257);
    put_text(header, "ustar");
    header.resize(263);
    put_text(header, "00");
    header.resize(512);
    unsigned sum = 0;
    for (const std::byte byte : header) sum += std::to_integer<unsigned>(byte);
    for (int i = 5; i >= 0; --i, sum /= 8)
        header[sum_at + static_cast<unsigned>(i)] = std::byte('0' + sum % 8);
    header[sum_at + 6] = std::byte{0};
    if (type == '0') put_text(header, content);
    header.resize((header.size() + 511) / 512 * 512);
    return header;
}

Bytes operator+(Bytes left, const Bytes& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

const Bytes end_of_tar(1024);

struct Read {
    explicit Read(const Bytes& bytes)
        : archive(BinaryArchive::read(bytes, "x.tar", {id_a}, diagnostics)) {}
    std::string content(const std::string& file) const {
        if (!archive) return "error";
        const BinaryArchive::Member* found = archive->find(id_a, file);
        if (found == nullptr) return "none";
        std::string text;
        for (const std::byte byte : found->content) text.push_back(std::to_integer<char>(byte));
        return text;
    }
    std::uint64_t count(Problem problem) const { return diagnostics[problem].count; }

    Diagnostics diagnostics;
    Result<BinaryArchive> archive;
};

}  // namespace

TEST_CASE("names of perf's build-id cache say which binary a member is") {
    for (const std::string& name :
         {"usr/bin/x/" + digits_a + "/elf", "./.debug/usr/bin/x/" + digits_a + "/elf",
          "usr/bin/x/" + digits_a, ".build-id/aa/" + digits_a.substr(2) + "/elf", digits_a}) {
        CAPTURE(name);
        CHECK(parse_archive_name(name).build_id == id_a);
        CHECK(parse_archive_name(name).file == "elf");
    }
    CHECK(parse_archive_name(".build-id/aa/" + digits_a.substr(2) + ".debug").build_id == id_a);
    CHECK(parse_archive_name(".build-id/aa/" + digits_a.substr(2) + ".debug").file == "debug");
    CHECK(parse_archive_name("[vdso]/" + digits_a + "/vdso").file == "vdso");
    for (const std::string& name :
         {std::string(), std::string("/"), std::string("elf"), std::string("usr/bin/x/elf"),
          "x/" + digits_a + "/probes", "x/" + digits_a + "0/elf", std::string(200, 'a') + "/elf",
          std::string("abab/elf"), std::string(40, 'g') + "/elf"}) {
        CAPTURE(name);
        CHECK(parse_archive_name(name).build_id.empty());
    }
}

TEST_CASE("members for wanted build-ids are kept, others and links are not") {
    const Read read(member(".build-id/aa/" + digits_a.substr(2), "../../x/" + digits_a, '2') +
                    member("y/" + std::string(40, 'b') + "/elf", "of another") +
                    member("x/" + digits_a + "/elf", "first") +
                    member("x/" + digits_a + "/debug", "debug") +
                    member("../../" + digits_a + "/elf", "second") + end_of_tar);
    REQUIRE(read.archive);
    CHECK(read.content("elf") == "first");
    CHECK(read.content("debug") == "debug");
    CHECK(read.content("vdso") == "none");
    CHECK(read.archive->find(id_b, "elf") == nullptr);
    CHECK(read.archive->member_count() == 2);
    CHECK(read.count(Problem::archive_damaged) == 0);
    CHECK(read.count(Problem::archive_unused) == 0);
}

TEST_CASE("an archive with nothing of the recording is told") {
    const Read read(member("y/" + std::string(40, 'b') + "/elf", "of another") + end_of_tar);
    CHECK(read.content("elf") == "none");
    CHECK(read.count(Problem::archive_unused) == 1);
}

TEST_CASE("an archive that is cut is read up to there") {
    const Bytes whole = member("x/" + digits_a + "/elf", "first") +
                        member("x/" + digits_a + "/debug", std::string(2000, 'd')) + end_of_tar;
    for (const std::size_t size : {std::size_t{1024 + 100}, std::size_t{1024 + 512 + 600}}) {
        const Read read(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
        CHECK(read.content("elf") == "first");
        CHECK(read.content("debug") == "none");
        CHECK(read.count(Problem::archive_damaged) == 1);
    }
}

TEST_CASE("a size that is a lie allocates nothing") {
    Bytes lying = member("x/" + digits_a + "/elf", "short");
    for (int i = 0; i < 11; ++i) lying[124 + static_cast<unsigned>(i)] = std::byte('7');
    CHECK(Read(lying).content("elf") != "short");
}

TEST_CASE("what is no archive is an error") {
    CHECK(Read(Bytes{}).content("elf") == "error");
    CHECK(Read(bytes_of("no archive")).content("elf") == "error");
    CHECK(Read(Bytes(4096)).content("elf") == "error");
    Diagnostics diagnostics;
    const TemporaryDirectory directory;
    CHECK_FALSE(BinaryArchive::read(directory.path("missing"), {}, diagnostics));
    CHECK_FALSE(BinaryArchive::read(directory.path(), {}, diagnostics));
}
