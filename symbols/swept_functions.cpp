#include "symbols/swept_functions.h"

#include <elf.h>

#include <algorithm>

#include "symbols/tail_jumps.h"
#include "unwind/x86_decoder.h"

namespace fgread {
namespace {

// Bytes of code for each byte of call-frame information, at the most, in a binary that was built
// with it: compilers write one for 6 to 12. What has none in such a binary (bash's stubs) is not
// worth decoding it; in one built without, only crt1.o's few functions have some.
constexpr std::uint64_t code_per_frame_byte = 32;

bool has_frames(const ElfImage& image, std::uint64_t code_size) {
    const Section* frames = image.find_section(".eh_frame");
    return frames != nullptr && frames->size > code_size / code_per_frame_byte;
}

}  // namespace

namespace {

// Below, the kernel maps nothing (vm.mmap_min_addr): files whose addresses begin there are placed
// anywhere, and take the addresses of their functions relative to rip only.
constexpr std::uint64_t first_address = 0x10000;

bool has_fixed_addresses(const ElfImage& image) {
    return std::none_of(image.segments().begin(), image.segments().end(), [](const auto& segment) {
        return segment.type == PT_LOAD && segment.address.value < first_address;
    });
}

// One executable segment.
struct SweptCode {
    std::uint64_t start = 0;
    OwnedBytes bytes;
    TailJumps jumps;
};

void sort_unique(std::vector<std::uint64_t>& addresses) {
    std::sort(addresses.begin(), addresses.end());
    addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
}

}  // namespace

SweptFunctions SweptFunctions::read(const ElfImage& image) {
    SweptFunctions swept;
    if (image.machine() != EM_X86_64 || !image.is_64bit()) return swept;
    std::uint64_t size = 0;
    for (const Segment& segment : image.segments()) {
        if (segment.type != PT_LOAD || !segment.executable) continue;
        if (segment.file_size > max_code - size) return {};
        size += segment.file_size;
        swept.code_.push_back({segment.address.value, segment.address.value + segment.file_size});
    }
    if (has_frames(image, size)) return {};
    const auto decoder = x86_64::X86Decoder::open();
    if (!decoder) return {};
    const auto note = [&swept](std::uint64_t target) {
        const bool is_code = std::any_of(
            swept.code_.begin(), swept.code_.end(),
            [&](const Code& code) { return target >= code.start && target < code.end; });
        if (target != 0 && is_code) swept.starts_.push_back(target);
    };
    note(image.entry().value);
    const bool fixed = has_fixed_addresses(image);
    std::vector<SweptCode> pieces;
    for (const Code& code : swept.code_) {
        SweptCode& piece = pieces.emplace_back();
        piece.start = code.start;
        piece.bytes = image.read_address(Svma{code.start}, code.end - code.start);
        const ByteView bytes = piece.bytes.view();
        for (std::size_t at = 0; at < bytes.size();) {
            const std::uint64_t address = code.start + at;
            const auto decoded = decoder->decode(bytes.subspan(at), address);
            at += decoded ? decoded->length : 1;
            if (!decoded) continue;
            piece.jumps.add(*decoded, address);
            if (decoded->kind == x86_64::Instruction::call) note(decoded->destination);
            note(decoded->address_taken);
            // musl's start-up code gives main's address so.
            if (fixed) note(decoded->constant);
        }
    }
    sort_unique(swept.starts_);
    std::vector<std::uint64_t> jumped_to;
    for (const SweptCode& piece : pieces) {
        const auto more =
            piece.jumps.targets(*decoder, piece.bytes.view(), piece.start, swept.starts_);
        jumped_to.insert(jumped_to.end(), more.begin(), more.end());
    }
    swept.starts_.insert(swept.starts_.end(), jumped_to.begin(), jumped_to.end());
    sort_unique(swept.starts_);
    return swept;
}

std::optional<FunctionRange> SweptFunctions::find(Svma address) const {
    const auto code = std::find_if(code_.begin(), code_.end(), [&](const Code& each) {
        return address.value >= each.start && address.value < each.end;
    });
    const auto next = std::upper_bound(starts_.begin(), starts_.end(), address.value);
    if (code == code_.end() || next == starts_.begin() || *(next - 1) < code->start) {
        return std::nullopt;
    }
    const std::uint64_t end = next == starts_.end() ? code->end : std::min(*next, code->end);
    return FunctionRange{{*(next - 1)}, {end}, false};
}

}  // namespace fgread
