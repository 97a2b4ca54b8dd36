#include "tools/dump_head.h"

#include <array>
#include <string>
#include <utility>

#include "perfdata/format.h"

namespace fgread::tools {

namespace {

struct NamedBit {
    std::uint64_t bit;
    const char* name;
};

constexpr std::array<NamedBit, 25> sample_type_bits{{
    {format::sample_ip, "IP"},
    {format::sample_tid, "TID"},
    {format::sample_time, "TIME"},
    {format::sample_addr, "ADDR"},
    {format::sample_read, "READ"},
    {format::sample_callchain, "CALLCHAIN"},
    {format::sample_id, "ID"},
    {format::sample_cpu, "CPU"},
    {format::sample_period, "PERIOD"},
    {format::sample_stream_id, "STREAM_ID"},
    {format::sample_raw, "RAW"},
    {format::sample_branch_stack, "BRANCH_STACK"},
    {format::sample_regs_user, "REGS_USER"},
    {format::sample_stack_user, "STACK_USER"},
    {format::sample_weight, "WEIGHT"},
    {format::sample_data_src, "DATA_SRC"},
    {format::sample_identifier, "IDENTIFIER"},
    {format::sample_transaction, "TRANSACTION"},
    {format::sample_regs_intr, "REGS_INTR"},
    {format::sample_phys_addr, "PHYS_ADDR"},
    {format::sample_aux, "AUX"},
    {format::sample_cgroup, "CGROUP"},
    {format::sample_data_page_size, "DATA_PAGE_SIZE"},
    {format::sample_code_page_size, "CODE_PAGE_SIZE"},
    {format::sample_weight_struct, "WEIGHT_STRUCT"},
}};

// The attr flags that decide what records and chains a recording has.
constexpr std::array<NamedBit, 14> attr_flag_bits{{
    {format::attr_disabled, "disabled"},
    {format::attr_inherit, "inherit"},
    {format::attr_exclude_user, "exclude_user"},
    {format::attr_exclude_kernel, "exclude_kernel"},
    {format::attr_exclude_hv, "exclude_hv"},
    {format::attr_mmap, "mmap"},
    {format::attr_comm, "comm"},
    {format::attr_freq, "freq"},
    {format::attr_task, "task"},
    {format::attr_mmap_data, "mmap_data"},
    {format::attr_sample_id_all, "sample_id_all"},
    {format::attr_exclude_callchain_kernel, "exclude_callchain_kernel"},
    {format::attr_exclude_callchain_user, "exclude_callchain_user"},
    {format::attr_use_clockid, "use_clockid"},
}};

std::string sample_type_text(std::uint64_t sample_type) {
    std::string text;
    for (const NamedBit& bit : sample_type_bits) {
        if ((sample_type & bit.bit) == 0) continue;
        text += text.empty() ? "" : "|";
        text += bit.name;
    }
    const std::uint64_t unknown = sample_type & ~format::sample_known_bits;
    if (unknown != 0) text += fmt::format("|{:#x}", unknown);
    return text;
}

std::string flags_text(const EventAttr& attr) {
    std::string text;
    for (const NamedBit& flag : attr_flag_bits) {
        if (!attr.has_flag(static_cast<unsigned>(flag.bit))) continue;
        text += text.empty() ? "" : " ";
        text += flag.name;
    }
    return text;
}

template <class Numbers>
std::string joined(const Numbers& numbers) {
    std::string text;
    for (const auto& number : numbers) text += fmt::format("{}{}", text.empty() ? "" : " ", number);
    return text;
}

void add_text_feature(const char* name, const std::string& value, DumpOutput& out) {
    if (!value.empty()) out.add("{:<16}{}\n", name, printable(value));
}

void add_features(const Features& features, DumpOutput& out) {
    add_text_feature("hostname", features.hostname, out);
    add_text_feature("os release", features.os_release, out);
    add_text_feature("perf version", features.perf_version, out);
    add_text_feature("arch", features.arch, out);
    add_text_feature("cpu", features.cpu_description, out);
    add_text_feature("cpu id", features.cpu_id, out);
    add_text_feature("command line", joined(features.command_line), out);
    if (features.cpus_available != 0) {
        out.add("{:<16}{} online of {}\n", "cpus", features.cpus_online, features.cpus_available);
    }
    if (features.total_memory_kb != 0) {
        out.add("{:<16}{} kB\n", "memory", features.total_memory_kb);
    }
    if (features.branch_registers != 0) {
        out.add("{:<16}{} registers\n", "branch stack", features.branch_registers);
    }
    if (features.sample_time) {
        out.add("{:<16}{} .. {} ns\n", "sample time", features.sample_time->first,
                features.sample_time->second);
    }
}

}  // namespace

void dump_header(const PerfFile& file, DumpOutput& out) {
    const FileHeader& header = file.header();
    out.add("{:<16}{}\n", "file", printable(file.path()));
    out.add("{:<16}{} bytes, {}-endian, header of {} bytes\n", "size", file.file_size(),
            header.endian == Endian::little ? "little" : "big", header.size);
    if (header.size == format::pipe_header_size) {
        out.add("{:<16}pipe\n", "format");
        add_features(file.features(), out);
        return;
    }
    out.add("{:<16}{:#x}, {} bytes, {} each\n", "attrs at", header.attrs.offset, header.attrs.size,
            header.attr_size);
    out.add("{:<16}{:#x}, {} bytes{}\n", "data at", header.data.offset, header.data.size,
            header.data.size == 0 ? " (the recorder did not finish)" : "");
    std::vector<unsigned> bits;
    for (unsigned bit = 0; bit < format::feature_limit; ++bit) {
        if (header.has_feature(bit)) bits.push_back(bit);
    }
    out.add("{:<16}{}\n", "features", joined(bits));
    add_features(file.features(), out);
}

void dump_events(const PerfFile& file, DumpOutput& out) {
    for (std::size_t i = 0; i < file.attrs().size(); ++i) {
        const EventAttr& attr = file.attrs()[i];
        out.add("event {:<10}{}\n", i, printable(attr.name));
        out.add("  type {} config {:#x}, {} {}, clock {}\n", attr.type, attr.config,
                attr.has_flag(format::attr_freq) ? "frequency" : "period",
                attr.sample_period_or_freq,
                attr.has_flag(format::attr_use_clockid) ? fmt::format("{}", attr.clockid) : "-");
        out.add("  sample_type {:#x} {}\n", attr.sample_type, sample_type_text(attr.sample_type));
        out.add("  read_format {:#x}, branch_sample_type {:#x}, max stack {}\n", attr.read_format,
                attr.branch_sample_type, attr.sample_max_stack);
        out.add("  user registers {:#x}, user stack {} bytes, interrupt registers {:#x}\n",
                attr.sample_regs_user, attr.sample_stack_user, attr.sample_regs_intr);
        out.add("  flags {:#x} {}\n", attr.flags, flags_text(attr));
        out.add("  ids {}\n", joined(attr.ids));
    }
}

void dump_build_ids(const PerfFile& file, DumpOutput& out) {
    for (const BuildIdEntry& entry : file.features().build_ids) {
        out.add("build-id {:<41}{} {}\n", entry.build_id.hex(),
                entry.mode == CpuMode::kernel ? "kernel" : "user  ", printable(entry.path));
    }
}

}  // namespace fgread::tools
