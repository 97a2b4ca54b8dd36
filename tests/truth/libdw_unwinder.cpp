#include "libdw_unwinder.h"

#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <gelf.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <optional>
#include <set>

#include "unwind/stack_memory.h"

namespace truth {
namespace {

constexpr std::size_t frame_limit = 4096;
constexpr unsigned perf_sp = 7;
// Number in enum perf_event_x86_regs of each DWARF register 0 to 16 (rax, rdx, rcx, rbx, rsi, rdi,
// rbp, rsp, r8 to r15, the return address).
constexpr std::array<unsigned, 17> perf_number = {0,  3,  2,  1,  4,  5,  6,  7, 16,
                                                  17, 18, 19, 20, 21, 22, 23, 8};

// Value of a perf register; the recorder always asks for all of these.
std::uint64_t perf_register(const fgread::RegsView& regs, unsigned number) {
    const std::uint64_t below = regs.mask & ((std::uint64_t{1} << number) - 1);
    return regs.values[static_cast<std::size_t>(__builtin_popcountll(below))];
}

// The vdso of this process, which is that of every process of this kernel, as a file.
int vdso_file() {
    const auto* image = reinterpret_cast<const char*>(getauxval(AT_SYSINFO_EHDR));
    if (!image) return -1;
    Elf64_Ehdr header;
    std::memcpy(&header, image, sizeof header);
    const std::size_t size = header.e_shoff + std::size_t{header.e_shnum} * header.e_shentsize;
    const int fd = memfd_create("vdso", MFD_CLOEXEC);
    if (fd >= 0 && write(fd, image, size) != static_cast<ssize_t>(size)) {
        close(fd);
        return -1;
    }
    return fd;
}

// Load bias of a file one of whose executable segments is mapped as `mapping` says.
std::optional<std::uint64_t> bias_of(int fd, const fgread::Mapping& mapping) {
    Elf* elf = elf_begin(fd, ELF_C_READ, nullptr);
    std::size_t count = 0;
    std::optional<std::uint64_t> bias;
    if (elf_getphdrnum(elf, &count) == 0) {
        for (std::size_t i = 0; i < count && !bias; ++i) {
            GElf_Phdr header;
            if (!gelf_getphdr(elf, static_cast<int>(i), &header)) continue;
            const std::uint64_t page_start = header.p_offset & ~std::uint64_t{0xfff};
            if (header.p_type != PT_LOAD || !(header.p_flags & PF_X)) continue;
            if (mapping.file_offset < page_start) continue;
            if (mapping.file_offset >= header.p_offset + header.p_filesz) continue;
            bias = mapping.start.value - mapping.file_offset + header.p_offset - header.p_vaddr;
        }
    }
    elf_end(elf);
    return bias;
}

int no_debuginfo(Dwfl_Module*, void**, const char*, Dwarf_Addr, const char*, const char*, GElf_Word,
                 char**) {
    return -1;  // what is judged is the CFI in the binaries themselves
}

int no_elf(Dwfl_Module*, void**, const char*, Dwarf_Addr, char**, Elf**) { return -1; }

}  // namespace

struct LibdwUnwinder::State {
    Dwfl* dwfl = nullptr;
    const Sample* sample = nullptr;
    fgread::StackMemory stack;
    std::vector<std::uint64_t> pcs;

    static pid_t next_thread(Dwfl*, void*, void** thread) {
        if (*thread) return 0;
        *thread = thread;
        return 1;
    }
    static bool get_thread(Dwfl*, pid_t, void* state, void** thread) {
        *thread = state;
        return true;
    }
    static bool read_memory(Dwfl*, Dwarf_Addr address, Dwarf_Word* word, void* state) {
        const auto value = static_cast<State*>(state)->stack.read_u64(address);
        if (value) *word = *value;
        return value.has_value();
    }
    static bool set_registers(Dwfl_Thread* thread, void* state) {
        const fgread::RegsView& regs = static_cast<State*>(state)->sample->view.user_regs;
        std::array<Dwarf_Word, perf_number.size()> values{};
        for (std::size_t i = 0; i < values.size(); ++i) {
            values[i] = perf_register(regs, perf_number[i]);
        }
        return dwfl_thread_state_registers(thread, 0, values.size(), values.data());
    }
    static int add_frame(Dwfl_Frame* frame, void* state) {
        Dwarf_Addr pc = 0;
        if (!dwfl_frame_pc(frame, &pc, nullptr)) return DWARF_CB_ABORT;
        auto& pcs = static_cast<State*>(state)->pcs;
        pcs.push_back(pc);
        return pcs.size() < frame_limit ? DWARF_CB_OK : DWARF_CB_ABORT;
    }

    void report(const std::string& path, const fgread::Mapping& mapping);
};

void LibdwUnwinder::State::report(const std::string& path, const fgread::Mapping& mapping) {
    const int fd = path == "[vdso]" ? vdso_file() : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    const auto bias = bias_of(fd, mapping);
    // On success libdwfl owns the descriptor.
    if (!bias || !dwfl_report_elf(dwfl, path.c_str(), path.c_str(), fd, *bias, true)) close(fd);
}

LibdwUnwinder::LibdwUnwinder(const Recording& recording) : state_(std::make_unique<State>()) {
    static const Dwfl_Callbacks callbacks = {no_elf, no_debuginfo, nullptr, nullptr};
    static const Dwfl_Thread_Callbacks thread_callbacks = {
        State::next_thread,   State::get_thread, State::read_memory,
        State::set_registers, nullptr,           nullptr};
    elf_version(EV_CURRENT);
    state_->dwfl = dwfl_begin(&callbacks);
    std::set<std::string> seen;
    const fgread::MappingTable& table = recording.mappings();
    for (std::uint32_t id = 1; id <= table.mapping_count(); ++id) {
        const fgread::Mapping& mapping = table.mapping({id});
        const std::string& path = table.image(mapping.image).path;
        if (seen.insert(path).second) state_->report(path, mapping);
    }
    dwfl_report_end(state_->dwfl, nullptr, nullptr);
    if (!dwfl_attach_state(state_->dwfl, nullptr, 1, &thread_callbacks, state_.get())) {
        problem_ = dwfl_errmsg(-1);
    }
}

LibdwUnwinder::~LibdwUnwinder() { dwfl_end(state_->dwfl); }

const std::vector<std::uint64_t>& LibdwUnwinder::pcs(const Sample& sample) {
    state_->sample = &sample;
    state_->stack = fgread::StackMemory({perf_register(sample.view.user_regs, perf_sp)},
                                        sample.view.user_stack);
    state_->pcs.clear();
    const int result = dwfl_getthread_frames(state_->dwfl, 1, State::add_frame, state_.get());
    const char* message = result == 0 ? nullptr : dwfl_errmsg(-1);
    end_ = message ? message : "";
    return state_->pcs;
}

}  // namespace truth
