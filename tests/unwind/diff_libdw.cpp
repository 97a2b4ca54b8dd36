// Compares our rule with libdw's at random pcs of installed binaries, register by register.
//   diff_libdw [--pcs N] [--seed N] [FILE...]     N pcs in each file; without FILE: what is
//   installed
// Exits 1 at a difference, 77 (skipped) if there is no file to look at.
#include <elfutils/libdw.h>
#include <glob.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "elf_sections.h"
#include "libdw_rule.h"
#include "unwind/unwind_table.h"

namespace {

using namespace fgread;
using namespace fgread::test;

// C and C++, assembly, Rust, Go-free; linked by ld, gold and lld; from some KiB to 140 MiB.
constexpr const char* default_files[] = {
    "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
    "/lib/x86_64-linux-gnu/libc.so.6",
    "/lib/x86_64-linux-gnu/libm.so.6",
    "/lib/x86_64-linux-gnu/libgcc_s.so.1",
    "/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
    "/usr/lib/x86_64-linux-gnu/libcrypto.so.3",
    "/usr/lib/x86_64-linux-gnu/libssl.so.3",
    "/usr/lib/x86_64-linux-gnu/libz.so.1",
    "/usr/lib/x86_64-linux-gnu/libzstd.so.1",
    "/usr/lib/x86_64-linux-gnu/libsqlite3.so.0",
    "/usr/lib/x86_64-linux-gnu/libgmp.so.10",
    "/usr/lib/x86_64-linux-gnu/libgnutls.so.30",
    "/usr/lib/x86_64-linux-gnu/libglib-2.0.so.0",
    "/usr/lib/x86_64-linux-gnu/libcapstone.so.4",
    "/usr/lib/x86_64-linux-gnu/libdw.so.1",
    "/usr/lib/x86_64-linux-gnu/libcurl.so.4",
    "/usr/lib/x86_64-linux-gnu/libperl.so.*",
    "/usr/lib/x86_64-linux-gnu/libpython3*.so.1.0",
    "/usr/lib/x86_64-linux-gnu/libLLVM-*.so.1",
    "/usr/lib/x86_64-linux-gnu/libclang-cpp.so.*",
    "/usr/lib/x86_64-linux-gnu/librustc_driver-*.so",
    "/root/.rustup/toolchains/*/lib/librustc_driver-*.so",
    "/home/*/.rustup/toolchains/*/lib/librustc_driver-*.so",
    "/usr/lib/gcc/x86_64-linux-gnu/*/cc1plus",
    "/usr/lib/gcc/x86_64-linux-gnu/*/lto1",
    "/usr/bin/bash",
    "/usr/bin/gdb",
    "/usr/bin/git",
    "/usr/bin/node",
    "/usr/bin/openssl",
    "/usr/bin/perf",
    "/usr/bin/perl",
    "/usr/bin/python3",
    "/usr/bin/cmake",
    "/usr/bin/x86_64-linux-gnu-ld.bfd",
    "/usr/bin/x86_64-linux-gnu-ld.gold",
    "/usr/lib/llvm-*/bin/clang",
    "/usr/lib/llvm-*/bin/lld",
    "/usr/lib/debug/.build-id/*/*.debug",
};
constexpr std::size_t max_matches = 3;  // of one pattern

std::vector<std::string> installed_files() {
    std::vector<std::string> files;
    std::set<std::filesystem::path> seen;
    for (const char* pattern : default_files) {
        glob_t found{};
        if (glob(pattern, 0, nullptr, &found) == 0) {
            for (std::size_t i = 0; i < std::min(found.gl_pathc, max_matches); ++i) {
                std::error_code error;
                const auto real = std::filesystem::canonical(found.gl_pathv[i], error);
                if (!error && seen.insert(real).second) files.push_back(real);
            }
        }
        globfree(&found);
    }
    return files;
}

struct Counts {
    std::uint64_t pcs = 0;
    std::uint64_t with_rule = 0;
    std::uint64_t only_ours = 0;  // libdw does not look beyond a .eh_frame_hdr that is incomplete
    std::uint64_t different = 0;

    Counts& operator+=(const Counts& other) {
        pcs += other.pcs;
        with_rule += other.with_rule;
        only_ours += other.only_ours;
        different += other.different;
        return *this;
    }
};

class File {
public:
    explicit File(const std::string& path) : path_(path), elf_(ElfSections::open(path)) {
        if (!elf_) return;
        const UnwindSections& sections = elf_->sections();
        table_ = std::make_unique<UnwindTable>(sections);
        target_ = {elf_->machine(), sections.numbers, sections.endian, sections.address_size};
        eh_frame_ = dwarf_getcfi_elf(elf_->elf());
        dwarf_ = dwarf_begin_elf(elf_->elf(), DWARF_C_READ, nullptr);
        if (dwarf_) debug_frame_ = dwarf_getcfi(dwarf_);
    }
    ~File() {
        if (eh_frame_) dwarf_cfi_end(eh_frame_);
        if (dwarf_) dwarf_end(dwarf_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    [[nodiscard]] bool usable() const {
        return elf_ &&
               (!elf_->sections().eh_frame.empty() || !elf_->sections().debug_frame.empty());
    }

    Counts compare(std::uint64_t count, std::mt19937_64& random) {
        Counts counts;
        while (counts.pcs < count) {
            const std::uint64_t pc = random_pc(random);
            compare_at(pc, counts);
            // Boundaries are where rows are mistaken for their neighbours.
            if (const auto range = table_->fde_range({pc})) {
                for (const std::uint64_t edge : {range->start.value - 1, range->start.value,
                                                 range->end.value - 1, range->end.value}) {
                    compare_at(edge, counts);
                }
            }
        }
        return counts;
    }

private:
    std::uint64_t random_pc(std::mt19937_64& random) {
        std::uint64_t total = 0;
        for (const auto& range : elf_->code()) total += range.end - range.start;
        std::uint64_t at = random() % total;
        for (const auto& range : elf_->code()) {
            if (at < range.end - range.start) return range.start + at;
            at -= range.end - range.start;
        }
        return 0;
    }

    void compare_at(std::uint64_t pc, Counts& counts) {
        ++counts.pcs;
        const UnwindRule* rule = table_->find({pc});
        auto theirs = libdw_rule(eh_frame_, pc, target_, rule);
        if (!theirs) theirs = libdw_rule(debug_frame_, pc, target_, rule);
        if (!rule && !theirs) return;
        ++counts.with_rule;
        if (rule && !theirs) {
            ++counts.only_ours;
            return;
        }
        const std::string ours = rule ? our_rule(*rule, target_) : "no rule";
        if (ours == *theirs) return;
        if (++counts.different > 10) return;
        std::printf("%s %#llx\n  libdw  %s\n  fgread %s\n", path_.c_str(),
                    static_cast<unsigned long long>(pc), theirs->c_str(), ours.c_str());
    }

    std::string path_;
    Target target_;
    std::unique_ptr<ElfSections> elf_;
    std::unique_ptr<UnwindTable> table_;
    Dwarf_CFI* eh_frame_ = nullptr;
    Dwarf* dwarf_ = nullptr;
    Dwarf_CFI* debug_frame_ = nullptr;
};

void print(const char* name, const Counts& counts) {
    std::printf("%10llu pcs %10llu with a rule %6llu only ours %6llu different  %s\n",
                static_cast<unsigned long long>(counts.pcs),
                static_cast<unsigned long long>(counts.with_rule),
                static_cast<unsigned long long>(counts.only_ours),
                static_cast<unsigned long long>(counts.different), name);
}

}  // namespace

int main(int argc, char** argv) {
    std::uint64_t pcs = 1000, seed = 1;
    std::vector<std::string> files;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument == "--pcs" && i + 1 < argc) {
            pcs = std::strtoull(argv[++i], nullptr, 10);
        } else if (argument == "--seed" && i + 1 < argc) {
            seed = std::strtoull(argv[++i], nullptr, 10);
        } else {
            files.emplace_back(argument);
        }
    }
    if (files.empty()) files = installed_files();

    Counts total;
    std::size_t compared = 0;
    for (const std::string& path : files) {
        File file(path);
        if (!file.usable()) continue;
        std::mt19937_64 random(seed);
        const Counts counts = file.compare(pcs, random);
        print(path.c_str(), counts);
        total += counts;
        ++compared;
    }
    if (compared == 0) return 77;
    print((std::to_string(compared) + " files").c_str(), total);
    return total.different == 0 ? 0 : 1;
}
