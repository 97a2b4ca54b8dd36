// Unwinds its own stack, up to main's caller in libc, from registers, stack bytes and ELF sections.
#include <cstdio>
#include <filesystem>

#include "symbols/segments.h"
#include "symbols/unwind_sections.h"
#include "unwind/static_modules.h"
#include "unwind/walker.h"
#include "unwind/x86_64.h"
using namespace fgread;

extern const char __ehdr_start;  // the linker's: where the first byte of the file was mapped

[[gnu::noinline]] void unwind(std::uint64_t stack_end) {
    OpenFailure failure{};
    auto file = RegularFile::open(std::filesystem::canonical("/proc/self/exe"), "", failure);
    const auto image = file ? ElfImage::read(std::move(*file)) : std::nullopt;
    if (!image) return std::perror("cannot read my own file");
    const UnwindBytes bytes = read_unwind_sections(*image, nullptr);
    StaticModules modules;
    AddressSpace space;
    const auto parts = loaded_segments(*image);
    const auto start = reinterpret_cast<std::uint64_t>(&__ehdr_start);
    const auto bias = start - parts.front().address.value;
    const Avma stop{bias + parts.back().address.value + parts.back().memory_size};
    modules.map(space, {}, modules.add(bytes.sections), Avma{start}, stop, bias);
    std::uint64_t pc, sp, fp;
    asm volatile("mov %%rbp, %0; mov %%rsp, %1; lea 0(%%rip), %2" : "=r"(fp), "=r"(sp), "=r"(pc));
    RegisterFile registers;  // what is not set counts as unknown
    registers.set(x86_64::return_address, pc);
    registers.set(x86_64::rsp, sp);
    registers.set(x86_64::rbp, fp);
    const ByteView stack(reinterpret_cast<const std::byte*>(sp), stack_end - sp);
    std::vector<WalkedFrame> frames;
    const auto end = StackWalker(modules).walk(space, {}, registers, {Avma{sp}, stack}, frames);
    for (const auto& f : frames) std::printf("pc %#lx sp %#lx\n", f.pc.value, f.sp.value);
    std::printf("%s\n", stop_reason_text(end.reason).data());
}

int main(int, char** argv) { unwind(reinterpret_cast<std::uint64_t>(argv)); }
