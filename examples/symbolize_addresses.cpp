// Prints the functions at addresses of an ELF file:  symbolize_addresses /bin/program 0x1234...
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "symbols/symbolizer.h"
using namespace fgread;

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fprintf(stderr, "usage: symbolize_addresses ELF-FILE HEX-ADDRESS...\n");
        return 2;
    }
    // A recording would say where the file was mapped; addresses as the file states them need
    // one mapping, so that the file becomes a module.
    MappingTable table;
    Image image;
    image.path = std::filesystem::absolute(argv[1]).lexically_normal();
    const MappingId mapping = table.intern({Avma{0}, Avma{1}, 0, table.intern(image)});
    ModuleCache modules(table, {});
    const ModuleId module = modules.resolve(mapping).module;
    const ModuleInfo info = modules.info(module);
    if (info.state != ModuleState::loaded) {
        std::fprintf(stderr, "%s: %s\n", argv[1], module_state_key(info.state).data());
        return 1;
    }
    Symbolizer symbolizer(modules, {});
    for (int i = 2; i < argc; ++i) {
        const std::uint64_t address = std::strtoull(argv[i], nullptr, 16);
        const InlineChain chain = symbolizer.symbolize({module, FrameKind::exact, address});
        std::cout << argv[i] << "\n";
        if (chain.functions.empty()) std::cout << "    " << chain.module_label << "\n";
        for (const SourceFrame& function : chain.functions) {  // innermost first
            std::cout << "    " << function.name << (function.inlined ? " (inlined)\n" : "\n");
        }
    }
}
