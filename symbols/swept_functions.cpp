#include "symbols/swept_functions.h"

#include <elf.h>

#include <algorithm>

#include "symbols/initializers.h"
#include "symbols/tail_jumps.h"
#include "unwind/x86_decoder.h"

namespace fgread {
namespace {

// Bytes of code for each byte of call-frame information, at the most, in a binary that was built
// with it: compilers write one for 6 to 12. What has none in such a binary (bash's stubs) is not
// worth decoding it; in one built without, only crt1.o's few functions have some.
constexpr std::uint64_t code_per_frame_byte = 32;

// Where code is not decoded: those of crtbegin.o and crti.o have less than 64 bytes.
constexpr std::uint64_t longest_unswept = 1024;

// What crt1.o's _start does before it calls __libc_start_main: 27 bytes of glibc's, and musl's
// two parts, with padding, less than 64.
constexpr std::uint64_t start_up_code = 64;

bool has_frames(const ElfImage& image, std::uint64_t code_size) {
    const Section* frames = image.find_section(".eh_frame");
    return frames != nullptr && frames->size > code_size / code_per_frame_byte;
}

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

bool SweptFunctions::is_code(std::uint64_t address) const {
    return std::any_of(code_.begin(), code_.end(), [address](const Code& code) {
        return address >= code.start && address < code.end;
    });
}

void SweptFunctions::note(std::uint64_t start) {
    if (start != 0 && is_code(start)) starts_.push_back(start);
}

SweptFunctions SweptFunctions::read(const ElfImage& image) {
    SweptFunctions found;
    if (image.machine() != EM_X86_64 || !image.is_64bit()) return found;
    std::uint64_t size = 0;
    for (const Segment& segment : image.segments()) {
        if (segment.type != PT_LOAD || !segment.executable) continue;
        if (segment.file_size > ~segment.address.value) continue;
        found.code_.push_back({segment.address.value, segment.address.value + segment.file_size});
        size += std::min(segment.file_size, max_code + 1);
    }
    for (const std::uint64_t function : read_initializers(image)) found.note(function);
    const bool is_swept = size <= max_code && !has_frames(image, size);
    found.longest_ = is_swept ? max_code : longest_unswept;
    if (is_swept) {
        found.sweep(image);
    } else {
        found.note_main(image);
    }
    sort_unique(found.starts_);
    return found;
}

// rustc's main() has no call-frame information with -C panic=abort, where all of std has.
void SweptFunctions::note_main(const ElfImage& image) {
    const std::uint64_t entry = image.entry().value;
    if (!is_code(entry)) return;
    const auto decoder = x86_64::X86Decoder::open();
    if (!decoder) return;
    const bool fixed = has_fixed_addresses(image);
    const OwnedBytes bytes = image.read_address(Svma{entry}, start_up_code);
    for (std::size_t at = 0; at < bytes.view().size();) {
        const auto decoded = decoder->decode(bytes.view().subspan(at), entry + at);
        if (!decoded) return;
        note(decoded->address_taken);
        if (fixed) note(decoded->constant);
        // musl's goes on behind a call of its second part; the next call is the last.
        const bool is_call = decoded->kind == x86_64::Instruction::call;
        if (is_call && decoded->destination - entry >= start_up_code) return;
        at += decoded->length;
    }
}

void SweptFunctions::sweep(const ElfImage& image) {
    const auto decoder = x86_64::X86Decoder::open();
    if (!decoder) return;
    note(image.entry().value);
    const bool fixed = has_fixed_addresses(image);
    std::vector<SweptCode> pieces;
    for (const Code& code : code_) {
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
    sort_unique(starts_);
    std::vector<std::uint64_t> jumped_to;
    for (const SweptCode& piece : pieces) {
        const auto more = piece.jumps.targets(*decoder, piece.bytes.view(), piece.start, starts_);
        jumped_to.insert(jumped_to.end(), more.begin(), more.end());
    }
    starts_.insert(starts_.end(), jumped_to.begin(), jumped_to.end());
}

std::optional<FunctionRange> SweptFunctions::find(Svma address) const {
    const auto code = std::find_if(code_.begin(), code_.end(), [&](const Code& each) {
        return address.value >= each.start && address.value < each.end;
    });
    const auto next = std::upper_bound(starts_.begin(), starts_.end(), address.value);
    if (code == code_.end() || next == starts_.begin() || *(next - 1) < code->start) {
        return std::nullopt;
    }
    const std::uint64_t start = *(next - 1);
    if (address.value - start >= longest_) return std::nullopt;
    std::uint64_t end = start + std::min(longest_, code->end - start);
    if (next != starts_.end()) end = std::min(end, *next);
    return FunctionRange{{start}, {end}, false};
}

}  // namespace fgread
