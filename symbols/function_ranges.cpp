#include "symbols/function_ranges.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>

#include "symbols/function_symbols.h"
#include "symbols/go_functions.h"
#include "symbols/mini_debug_info.h"
#include "symbols/radix_sort.h"

namespace fgread {
namespace {

// Functions nest (assembly with several entries), but not deeply.
constexpr std::size_t max_nested = 32;

// Of Go's runtime/asm_amd64.s and sys_linux_amd64.s. goexit stands at the bottom of every
// goroutine; clone and rt0_go make the threads. The others call on the scheduler's stack of the
// thread, and what they leave there looks like a frame of their caller.
constexpr std::array<std::pair<std::string_view, StopReason>, 7> go_bottoms{{
    {"runtime.goexit", StopReason::complete},
    {"runtime.clone", StopReason::complete},
    {"runtime.rt0_go", StopReason::complete},
    {"runtime.systemstack", StopReason::switched_stack},
    {"runtime.morestack", StopReason::switched_stack},
    {"runtime.mcall", StopReason::switched_stack},
    {"runtime.asmcgocall", StopReason::switched_stack},
}};

std::string_view name_at(ByteView names, std::uint64_t offset) {
    ByteReader reader(names, Endian::little);
    reader.seek(offset);
    return reader.c_string();
}

}  // namespace

void FunctionRanges::add_symbols_of(const ElfImage& image) {
    for (const FunctionTable& table : function_tables(image)) {
        if (table.symbols == nullptr) continue;
        const OwnedBytes symbols = image.contents(*table.symbols);
        const OwnedBytes names = image.contents(*table.strings);
        const auto all = [](std::uint64_t, std::uint64_t) { return true; };
        each_function(image, symbols.view(), all, [&](const FunctionSymbol& symbol) {
            add({symbol.start, symbol.end, 0, true, symbol.is_end_known},
                name_at(names.view(), symbol.name));
        });
    }
}

void FunctionRanges::add(Function function, std::string_view name) {
    function.is_start = !is_split_off(name);
    functions_.push_back(function);
    if (!name.starts_with("runtime.")) return;
    constexpr std::string_view assembly = ".abi0";
    if (name.ends_with(assembly)) name.remove_suffix(assembly.size());
    for (const auto& [known, reason] : go_bottoms) {
        if (name == known) bottoms_.push_back({{function.start}, {function.end}, reason});
    }
}

// Of several that begin at one address one is kept: of those whose end is known the longest, and
// rather a part split off than what has its bounds.
void FunctionRanges::sort() {
    sort_by_number(std::span(functions_), [](const Function& each) { return each.start; });
    const auto is_better = [](const Function& a, const Function& b) {
        return std::tuple(!a.is_end_known, b.end, a.is_start) <
               std::tuple(!b.is_end_known, a.end, b.is_start);
    };
    std::size_t kept = 0;
    for (const Function& each : functions_) {
        if (kept == 0 || functions_[kept - 1].start != each.start) {
            functions_[kept++] = each;
        } else if (is_better(each, functions_[kept - 1])) {
            functions_[kept - 1] = each;
        }
    }
    functions_.resize(kept);
    functions_.shrink_to_fit();
    std::uint64_t highest = 0;
    for (std::size_t i = 0; i < functions_.size(); ++i) {
        Function& function = functions_[i];
        if (!function.is_end_known && i + 1 < functions_.size()) {
            function.end = std::min(function.end, functions_[i + 1].start);
        }
        highest = std::max(highest, function.end);
        function.highest_end = highest;
    }
}

FunctionRanges FunctionRanges::read(const ElfImage& binary, const ElfImage* debug_file) {
    FunctionRanges ranges;
    if (binary.machine() != EM_X86_64 || !binary.is_64bit()) return ranges;
    ranges.add_symbols_of(binary);
    if (debug_file != nullptr) ranges.add_symbols_of(*debug_file);
    if (const auto inner = read_mini_debug_info(binary)) ranges.add_symbols_of(*inner);
    if (const Section* section = find_go_table(binary)) {
        const OwnedBytes table = binary.contents(*section);
        each_go_function(binary, table.view(), [&](const GoFunction& function) {
            ranges.add({function.start.value, function.end.value},
                       name_at(table.view(), function.name));
        });
    }
    ranges.sort();
    return ranges;
}

std::optional<FunctionRange> FunctionRanges::find(Svma address) const {
    auto at = std::upper_bound(
        functions_.begin(), functions_.end(), address.value,
        [](std::uint64_t wanted, const Function& each) { return wanted < each.start; });
    for (std::size_t tries = 0; at != functions_.begin() && tries < max_nested; ++tries) {
        --at;
        if (at->highest_end <= address.value) return std::nullopt;
        if (address.value >= at->end) continue;
        if (!at->is_start) return std::nullopt;
        return FunctionRange{{at->start}, {at->end}, at->is_end_known};
    }
    return std::nullopt;
}

}  // namespace fgread
