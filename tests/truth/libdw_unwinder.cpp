#include "libdw_unwinder.h"

#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <gelf.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
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

// What libdw may ask for while it unwinds.
struct LibdwUnwinder::Asked {
    const Sample* sample = nullptr;
    fgread::StackMemory stack;
    std::vector<std::uint64_t> pcs;

    static pid_t next_thread(Dwfl*, void*, void** thread) {
        if (*thread) return 0;
        *thread = thread;
        return 1;
    }
    static bool get_thread(Dwfl*, pid_t, void* asked, void** thread) {
        *thread = asked;
        return true;
    }
    static bool read_memory(Dwfl*, Dwarf_Addr address, Dwarf_Word* word, void* asked) {
        const auto value = static_cast<Asked*>(asked)->stack.read_u64(address);
        if (value) *word = *value;
        return value.has_value();
    }
    static bool set_registers(Dwfl_Thread* thread, void* asked) {
        const fgread::RegsView& regs = static_cast<Asked*>(asked)->sample->view.user_regs;
        std::array<Dwarf_Word, perf_number.size()> values{};
        for (std::size_t i = 0; i < values.size(); ++i) {
            values[i] = perf_register(regs, perf_number[i]);
        }
        return dwfl_thread_state_registers(thread, 0, values.size(), values.data());
    }
    static int add_frame(Dwfl_Frame* frame, void* asked) {
        Dwarf_Addr pc = 0;
        if (!dwfl_frame_pc(frame, &pc, nullptr)) return DWARF_CB_ABORT;
        auto& pcs = static_cast<Asked*>(asked)->pcs;
        pcs.push_back(pc);
        return pcs.size() < frame_limit ? DWARF_CB_OK : DWARF_CB_ABORT;
    }
};

namespace {

void report(Dwfl* dwfl, const std::string& path, const fgread::Mapping& mapping) {
    const int fd = path == "[vdso]" ? vdso_file() : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    const auto bias = bias_of(fd, mapping);
    // On success libdwfl owns the descriptor.
    if (!bias || !dwfl_report_elf(dwfl, path.c_str(), path.c_str(), fd, *bias, true)) close(fd);
}

// All that is mapped executable in the sample's process at its time, by address.
std::vector<fgread::MappingId> mapped(const Sample& sample) {
    std::vector<fgread::MappingId> found;
    fgread::Avma address{0};
    while (true) {
        const auto piece = sample.space.find_span(address, sample.when);
        if (piece.id && (found.empty() || found.back() != piece.id)) found.push_back(piece.id);
        if (piece.end.value <= address.value || piece.end.value == UINT64_MAX) return found;
        address = piece.end;
    }
}

}  // namespace

LibdwUnwinder::LibdwUnwinder(const Recording& recording)
    : table_(recording.mappings()), asked_(std::make_unique<Asked>()) {
    elf_version(EV_CURRENT);
}

LibdwUnwinder::~LibdwUnwinder() = default;

void LibdwUnwinder::End::operator()(Dwfl* dwfl) const { dwfl_end(dwfl); }

// One for each set of mappings that there was: processes have the same files at other addresses.
Dwfl* LibdwUnwinder::session_of(const Sample& sample) {
    static const Dwfl_Callbacks callbacks = {no_elf, no_debuginfo, nullptr, nullptr};
    static const Dwfl_Thread_Callbacks thread_callbacks = {
        Asked::next_thread,   Asked::get_thread, Asked::read_memory,
        Asked::set_registers, nullptr,           nullptr};
    std::vector<fgread::MappingId> mappings = mapped(sample);
    const auto known = sessions_.find(mappings);
    if (known != sessions_.end()) return known->second.get();
    if (sessions_.size() == max_sessions) sessions_.clear();
    std::unique_ptr<Dwfl, End> dwfl(dwfl_begin(&callbacks));
    std::set<std::string> seen;
    for (const fgread::MappingId id : mappings) {
        const fgread::Mapping& mapping = table_.mapping(id);
        const std::string& path = table_.image(mapping.image).path;
        if (seen.insert(path).second) report(dwfl.get(), path, mapping);
    }
    dwfl_report_end(dwfl.get(), nullptr, nullptr);
    if (!dwfl_attach_state(dwfl.get(), nullptr, 1, &thread_callbacks, asked_.get())) return nullptr;
    return sessions_.emplace(std::move(mappings), std::move(dwfl)).first->second.get();
}

const std::vector<std::uint64_t>& LibdwUnwinder::pcs(const Sample& sample) {
    asked_->sample = &sample;
    asked_->stack = fgread::StackMemory({perf_register(sample.view.user_regs, perf_sp)},
                                        sample.view.user_stack);
    asked_->pcs.clear();
    Dwfl* dwfl = last_ = session_of(sample);
    const int result = dwfl ? dwfl_getthread_frames(dwfl, 1, Asked::add_frame, asked_.get()) : -1;
    const char* message = result == 0 ? nullptr : dwfl_errmsg(-1);
    end_ = message ? message : "";
    return asked_->pcs;
}

bool LibdwUnwinder::has_rule(std::uint64_t pc, bool leaf) const {
    const std::uint64_t lookup = leaf ? pc : pc - 1;
    Dwfl_Module* module = last_ ? dwfl_addrmodule(last_, lookup) : nullptr;
    if (!module) return false;
    for (const auto cfi_of : {dwfl_module_eh_cfi, dwfl_module_dwarf_cfi}) {
        Dwarf_Addr bias = 0;
        Dwarf_CFI* cfi = cfi_of(module, &bias);
        Dwarf_Frame* frame = nullptr;
        const bool found = cfi && dwarf_cfi_addrframe(cfi, lookup - bias, &frame) == 0;
        std::free(frame);
        if (found) return true;
    }
    return false;
}

}  // namespace truth
