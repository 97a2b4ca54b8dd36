#include "tools/dump_symbols.h"

#include <optional>
#include <string_view>

#include "symbols/module_cache.h"
#include "symbols/segments.h"
#include "tools/dump_module.h"

namespace fgread::tools {

namespace {

// The file as if a process had mapped all of its code.
MappingId map_module(const std::string& path, const ElfImage& image, MappingTable& table) {
    Mapping mapping;
    mapping.image = table.intern(Image{.path = path, .build_id = image.build_id()});
    for (const Segment& segment : loaded_segments(image)) {
        if (!segment.executable) continue;
        mapping.start = Avma{segment.address.value};
        mapping.end = Avma{segment.address.value + segment.memory_size};
        mapping.file_offset = segment.offset;
        break;
    }
    return table.intern(mapping);
}

void dump_functions(const InlineChain& chain, DumpOutput& out) {
    if (chain.functions.empty()) out.add_text("??\n??:0:0\n");
    for (const SourceFrame& function : chain.functions) {
        out.add("{}\n{}:{}:{}\n", printable(function.name),
                function.file.empty() ? "??" : printable(function.file), function.line,
                function.column);
    }
    out.add_text("\n");
}

}  // namespace

Result<void> dump_symbols(const std::string& module, const SymbolizerOptions& options,
                          std::FILE* input, DumpOutput& out) {
    const Result<ElfImage> image = open_module(module);
    if (!image) return image.error();
    const Result<std::string> path = absolute_path(module);
    if (!path) return path.error();
    MappingTable table;
    const MappingId mapping = map_module(*path, *image, table);
    ModuleCache modules(table, {});
    const ModuleId id = modules.resolve(mapping).module;
    Symbolizer symbolizer(modules,
                          {.names = options.names, .inlines = options.inlines, .lines = true});

    LineReader lines(input);
    while (const std::optional<std::string_view> line = lines.next()) {
        const std::optional<std::uint64_t> address = parse_address(*line);
        if (address)
            dump_functions(symbolizer.symbolize({id, FrameKind::exact, *address}), out);
        else
            out.add("{}\n", *line);
        // Somebody may be waiting for each answer.
        out.flush();
        if (!out.wanted()) break;
    }
    return {};
}

}  // namespace fgread::tools
