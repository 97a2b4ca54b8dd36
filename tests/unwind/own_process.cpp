#include "own_process.h"

#include <link.h>
#include <pthread.h>
#include <ucontext.h>

#include <algorithm>
#include <bit>

#include "unwind/dwarf_constants.h"
#include "unwind/pointer_encoding.h"
#include "unwind/x86_64.h"

namespace fgread::test {
namespace {

const std::byte* at(std::uint64_t address) { return std::bit_cast<const std::byte*>(address); }

struct Adder {
    StaticModules& modules;
    AddressSpace& space;
};

// The segment that holds `address`, from there to its end.
ByteView rest_of_segment(const dl_phdr_info& info, std::uint64_t address) {
    for (int i = 0; i < info.dlpi_phnum; ++i) {
        const ElfW(Phdr)& segment = info.dlpi_phdr[i];
        const std::uint64_t start = info.dlpi_addr + segment.p_vaddr;
        if (segment.p_type == PT_LOAD && address - start < segment.p_memsz) {
            return {at(address), segment.p_memsz - (address - start)};
        }
    }
    return {};
}

int add_module(dl_phdr_info* info, std::size_t, void* context) {
    Adder& adder = *static_cast<Adder*>(context);
    const std::uint64_t bias = info->dlpi_addr;
    UnwindSections sections;
    for (int i = 0; i < info->dlpi_phnum; ++i) {
        const ElfW(Phdr)& segment = info->dlpi_phdr[i];
        if (segment.p_type != PT_GNU_EH_FRAME) continue;
        sections.eh_frame_hdr = {at(bias + segment.p_vaddr), segment.p_memsz};
        sections.eh_frame_hdr_address = {segment.p_vaddr};
        ByteReader reader(sections.eh_frame_hdr);
        reader.skip(1);
        const std::uint8_t encoding = reader.u8();
        reader.skip(2);
        const auto address = read_encoded(reader, encoding, {segment.p_vaddr, 0, 0, 8});
        if (!address) continue;
        sections.eh_frame = rest_of_segment(*info, bias + *address);
        sections.eh_frame_address = {*address};
    }
    const ModuleId module = adder.modules.add(sections);
    for (int i = 0; i < info->dlpi_phnum; ++i) {
        const ElfW(Phdr)& segment = info->dlpi_phdr[i];
        if (segment.p_type != PT_LOAD || !(segment.p_flags & PF_X)) continue;
        const std::uint64_t start = bias + segment.p_vaddr;
        adder.modules.map(adder.space, {}, module, Avma{start}, Avma{start + segment.p_memsz},
                          bias);
    }
    return 0;
}

std::uint64_t stack_end() {
    pthread_attr_t attributes;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) return 0;
    void* lowest = nullptr;
    std::size_t size = 0;
    pthread_attr_getstack(&attributes, &lowest, &size);
    pthread_attr_destroy(&attributes);
    return std::bit_cast<std::uint64_t>(lowest) + size;
}

// Word by word and volatile, because AddressSanitizer's memcpy forbids what lies between variables.
[[gnu::no_sanitize_address, gnu::no_sanitize_thread]] void copy_stack(std::uint64_t from,
                                                                      std::byte* to,
                                                                      std::size_t size) {
    const auto* source = std::bit_cast<const volatile std::byte*>(from);
    for (std::size_t i = 0; i < size; ++i) to[i] = source[i];
}

}  // namespace

void add_own_modules(StaticModules& modules, AddressSpace& space) {
    Adder adder{modules, space};
    dl_iterate_phdr(add_module, &adder);
}

OwnStack::OwnStack(std::size_t dump_size) : stack_end_(stack_end()) { bytes_.reserve(dump_size); }

void OwnStack::capture() {
    ucontext_t context;
    getcontext(&context);
    const auto& from = context.uc_mcontext.gregs;
    const auto take = [&](unsigned reg, int number) {
        registers_.set(reg, static_cast<std::uint64_t>(from[number]));
    };
    take(x86_64::rbx, REG_RBX);
    take(x86_64::rbp, REG_RBP);
    take(x86_64::rsp, REG_RSP);
    take(x86_64::r12, REG_R12);
    take(x86_64::r12 + 1, REG_R13);
    take(x86_64::r12 + 2, REG_R14);
    take(x86_64::r15, REG_R15);
    take(x86_64::return_address, REG_RIP);
    base_ = registers_[x86_64::rsp];
    const std::uint64_t size = std::min<std::uint64_t>(bytes_.capacity(), stack_end_ - base_);
    bytes_.resize(size);
    copy_stack(base_, bytes_.data(), size);
}

}  // namespace fgread::test
