// inline_chains FILE [--supplementary FILE] [--package FILE] [--no-lines] < addresses
//
// Prints the inlined functions at each hexadecimal address as llvm-symbolizer does; what the walks
// cost goes to stderr. For compare_llvm.py.
#include <charconv>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "dwarf_files.h"

namespace {

using namespace fgread;

struct Options {
    std::string file, supplementary, package;
    bool lines = true;
};

Options parse(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        const bool has_value = i + 1 < argc;
        if (word == "--supplementary" && has_value) {
            options.supplementary = argv[++i];
        } else if (word == "--package" && has_value) {
            options.package = argv[++i];
        } else if (word == "--no-lines") {
            options.lines = false;
        } else {
            options.file = word;
        }
    }
    return options;
}

void print(const std::vector<InlineFrame>& frames) {
    if (frames.empty()) std::cout << "??\n??:0:0\n";
    for (const InlineFrame& frame : frames) {
        std::cout << (frame.name.empty() ? "??" : frame.name) << '\n'
                  << (frame.file.empty() ? "??" : frame.file) << ':' << frame.line << ':'
                  << frame.column << '\n';
    }
    std::cout << '\n';
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = parse(argc, argv);
    const auto start = std::chrono::steady_clock::now();
    const auto index =
        fgread::test::open_files(options.file, options.supplementary, options.package);
    if (!index) {
        std::cerr << options.file << ": no debug information\n";
        return 1;
    }
    const auto opened = std::chrono::steady_clock::now();
    std::vector<InlineFrame> frames;
    for (std::string line; std::getline(std::cin, line);) {
        std::uint64_t pc = 0;
        const std::size_t prefix = line.starts_with("0x") ? 2 : 0;
        std::from_chars(line.data() + prefix, line.data() + line.size(), pc, 16);
        index->chain(Svma{pc}, options.lines, frames);
        print(frames);
    }
    const DwarfStats stats = index->stats();
    const double per_die = stats.dies_walked == 0 ? 0.0
                                                  : static_cast<double>(stats.walk_ns) /
                                                        static_cast<double>(stats.dies_walked);
    std::cerr << "open "
              << std::chrono::duration_cast<std::chrono::microseconds>(opened - start).count()
              << " us, " << stats.units << " units, " << stats.units_walked << " walked, "
              << stats.dies_walked << " DIEs, " << per_die << " ns each\n";
    return 0;
}
