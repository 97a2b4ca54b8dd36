// Numbers of the perf.data format: record types, misc bits, sample_type bits, attr flag bits and
// header features, by the names the kernel gives them.
//
// Sources: include/uapi/linux/perf_event.h (records below 64, sample_type, attr flags),
// tools/lib/perf/include/perf/event.h (records from 64), tools/perf/util/header.h (features).
// Plain integers, because files hold values this list does not know.
#pragma once

#include <cstdint>
#include <string_view>

namespace fgread::format {

// --- record types (perf_event_header.type) ---
inline constexpr std::uint32_t record_mmap = 1;
inline constexpr std::uint32_t record_lost = 2;
inline constexpr std::uint32_t record_comm = 3;
inline constexpr std::uint32_t record_exit = 4;
inline constexpr std::uint32_t record_throttle = 5;
inline constexpr std::uint32_t record_unthrottle = 6;
inline constexpr std::uint32_t record_fork = 7;
inline constexpr std::uint32_t record_read = 8;
inline constexpr std::uint32_t record_sample = 9;
inline constexpr std::uint32_t record_mmap2 = 10;
inline constexpr std::uint32_t record_aux = 11;
inline constexpr std::uint32_t record_itrace_start = 12;
inline constexpr std::uint32_t record_lost_samples = 13;
inline constexpr std::uint32_t record_switch = 14;
inline constexpr std::uint32_t record_switch_cpu_wide = 15;
inline constexpr std::uint32_t record_namespaces = 16;
inline constexpr std::uint32_t record_ksymbol = 17;
inline constexpr std::uint32_t record_bpf_event = 18;
inline constexpr std::uint32_t record_cgroup = 19;
inline constexpr std::uint32_t record_text_poke = 20;
inline constexpr std::uint32_t record_aux_output_hw_id = 21;
inline constexpr std::uint32_t record_callchain_deferred = 22;
// From here on perf itself writes them; they carry no sample_id trailer.
inline constexpr std::uint32_t record_first_of_tool = 64;
inline constexpr std::uint32_t record_header_attr = 64;
inline constexpr std::uint32_t record_header_event_type = 65;
inline constexpr std::uint32_t record_header_tracing_data = 66;
inline constexpr std::uint32_t record_header_build_id = 67;
inline constexpr std::uint32_t record_finished_round = 68;
inline constexpr std::uint32_t record_id_index = 69;
inline constexpr std::uint32_t record_auxtrace_info = 70;
inline constexpr std::uint32_t record_auxtrace = 71;
inline constexpr std::uint32_t record_auxtrace_error = 72;
inline constexpr std::uint32_t record_thread_map = 73;
inline constexpr std::uint32_t record_cpu_map = 74;
inline constexpr std::uint32_t record_stat_config = 75;
inline constexpr std::uint32_t record_stat = 76;
inline constexpr std::uint32_t record_stat_round = 77;
inline constexpr std::uint32_t record_event_update = 78;
inline constexpr std::uint32_t record_time_conv = 79;
inline constexpr std::uint32_t record_header_feature = 80;
inline constexpr std::uint32_t record_compressed = 81;
inline constexpr std::uint32_t record_finished_init = 82;
inline constexpr std::uint32_t record_compressed2 = 83;
inline constexpr std::uint32_t record_bpf_metadata = 84;
inline constexpr std::uint32_t record_schedstat_cpu = 85;
inline constexpr std::uint32_t record_schedstat_domain = 86;
// One more than the highest type with a name; larger ones are counted as unknown.
inline constexpr std::uint32_t known_type_limit = 87;

inline constexpr std::uint64_t record_header_size = 8;  // u32 type, u16 misc, u16 size

// --- perf_event_header.misc ---
inline constexpr std::uint16_t misc_cpu_mode_mask = 7;
// One bit, four meanings by record type:
inline constexpr std::uint16_t misc_mmap_data = 1U << 13;   // MMAP*: not executable
inline constexpr std::uint16_t misc_comm_exec = 1U << 13;   // COMM: this name came from exec
inline constexpr std::uint16_t misc_fork_exec = 1U << 13;   // FORK: made up by perf, see TaskView
inline constexpr std::uint16_t misc_switch_out = 1U << 13;  // SWITCH*: it leaves
inline constexpr std::uint16_t misc_switch_out_preempt = 1U << 14;   // SWITCH*: and could go on
inline constexpr std::uint16_t misc_mmap_build_id = 1U << 14;        // MMAP2: build-id, not inode
inline constexpr std::uint16_t misc_build_id_size_valid = 1U << 15;  // build-id table entries
inline constexpr std::uint16_t misc_lost_samples_bpf = 1U << 15;     // LOST_SAMPLES: filtered

// --- KSYMBOL.flags ---
inline constexpr std::uint16_t ksymbol_unregister = 1U << 0;

// --- perf_event_attr.sample_type ---
inline constexpr std::uint64_t sample_ip = 1ULL << 0;
inline constexpr std::uint64_t sample_tid = 1ULL << 1;
inline constexpr std::uint64_t sample_time = 1ULL << 2;
inline constexpr std::uint64_t sample_addr = 1ULL << 3;
inline constexpr std::uint64_t sample_read = 1ULL << 4;
inline constexpr std::uint64_t sample_callchain = 1ULL << 5;
inline constexpr std::uint64_t sample_id = 1ULL << 6;
inline constexpr std::uint64_t sample_cpu = 1ULL << 7;
inline constexpr std::uint64_t sample_period = 1ULL << 8;
inline constexpr std::uint64_t sample_stream_id = 1ULL << 9;
inline constexpr std::uint64_t sample_raw = 1ULL << 10;
inline constexpr std::uint64_t sample_branch_stack = 1ULL << 11;
inline constexpr std::uint64_t sample_regs_user = 1ULL << 12;
inline constexpr std::uint64_t sample_stack_user = 1ULL << 13;
inline constexpr std::uint64_t sample_weight = 1ULL << 14;
inline constexpr std::uint64_t sample_data_src = 1ULL << 15;
inline constexpr std::uint64_t sample_identifier = 1ULL << 16;
inline constexpr std::uint64_t sample_transaction = 1ULL << 17;
inline constexpr std::uint64_t sample_regs_intr = 1ULL << 18;
inline constexpr std::uint64_t sample_phys_addr = 1ULL << 19;
inline constexpr std::uint64_t sample_aux = 1ULL << 20;
inline constexpr std::uint64_t sample_cgroup = 1ULL << 21;
inline constexpr std::uint64_t sample_data_page_size = 1ULL << 22;
inline constexpr std::uint64_t sample_code_page_size = 1ULL << 23;
inline constexpr std::uint64_t sample_weight_struct = 1ULL << 24;
inline constexpr std::uint64_t sample_known_bits = (1ULL << 25) - 1;

// --- perf_event_attr.read_format ---
inline constexpr std::uint64_t read_total_time_enabled = 1ULL << 0;
inline constexpr std::uint64_t read_total_time_running = 1ULL << 1;
inline constexpr std::uint64_t read_id = 1ULL << 2;
inline constexpr std::uint64_t read_group = 1ULL << 3;
inline constexpr std::uint64_t read_lost = 1ULL << 4;

// --- perf_event_attr.branch_sample_type ---
inline constexpr std::uint64_t branch_call_stack = 1ULL << 11;
// The two bits that change the sample's layout:
inline constexpr std::uint64_t branch_hw_index = 1ULL << 17;
inline constexpr std::uint64_t branch_counters = 1ULL << 19;

// --- perf_event_attr's bit-field: bit numbers for EventAttr::has_flag ---
inline constexpr unsigned attr_disabled = 0;
inline constexpr unsigned attr_inherit = 1;
inline constexpr unsigned attr_exclude_user = 4;
inline constexpr unsigned attr_exclude_kernel = 5;
inline constexpr unsigned attr_exclude_hv = 6;
inline constexpr unsigned attr_mmap = 8;
inline constexpr unsigned attr_comm = 9;
inline constexpr unsigned attr_freq = 10;
inline constexpr unsigned attr_task = 13;
inline constexpr unsigned attr_mmap_data = 17;
inline constexpr unsigned attr_sample_id_all = 18;
inline constexpr unsigned attr_exclude_callchain_kernel = 21;
inline constexpr unsigned attr_exclude_callchain_user = 22;
inline constexpr unsigned attr_mmap2 = 23;
inline constexpr unsigned attr_comm_exec = 24;
inline constexpr unsigned attr_use_clockid = 25;

// --- perf_event_attr.type ---
inline constexpr std::uint32_t type_hardware = 0;
inline constexpr std::uint32_t type_software = 1;
inline constexpr std::uint32_t type_tracepoint = 2;
inline constexpr std::uint32_t type_hw_cache = 3;
inline constexpr std::uint32_t type_raw = 4;
inline constexpr std::uint32_t type_breakpoint = 5;

// --- perf_event_attr.config of type_software ---
inline constexpr std::uint64_t software_bpf_output = 10;

// --- perf record --off-cpu (tools/perf/util/off_cpu.h, bpf_off_cpu.c) ---
inline constexpr std::string_view off_cpu_event_name = "offcpu-time";
// What perf sums up and writes at its end has no time: times from here on only sort it last.
inline constexpr std::uint64_t off_cpu_first_time = ~std::uint64_t{0} << 32;

// --- header features: bit numbers for FileHeader::has_feature ---
inline constexpr unsigned feature_tracing_data = 1;
inline constexpr unsigned feature_build_id = 2;
inline constexpr unsigned feature_hostname = 3;
inline constexpr unsigned feature_os_release = 4;
inline constexpr unsigned feature_version = 5;
inline constexpr unsigned feature_arch = 6;
inline constexpr unsigned feature_nr_cpus = 7;
inline constexpr unsigned feature_cpu_desc = 8;
inline constexpr unsigned feature_cpu_id = 9;
inline constexpr unsigned feature_total_mem = 10;
inline constexpr unsigned feature_cmdline = 11;
inline constexpr unsigned feature_event_desc = 12;
inline constexpr unsigned feature_pmu_mappings = 16;
inline constexpr unsigned feature_sample_time = 21;
inline constexpr unsigned feature_compressed = 27;
inline constexpr unsigned feature_cpu_pmu_caps = 28;
inline constexpr unsigned feature_pmu_caps = 31;
inline constexpr unsigned feature_e_machine = 33;
inline constexpr unsigned feature_limit = 256;  // bits in the header's bitmap

// --- the file header ---
inline constexpr std::uint64_t file_header_size = 104;
inline constexpr std::uint64_t old_file_header_size = 72;  // without the feature bitmap
inline constexpr std::uint64_t pipe_header_size = 16;
inline constexpr std::uint64_t first_attr_size = 64;        // PERF_ATTR_SIZE_VER0, 2.6.31
inline constexpr std::uint64_t attr_ids_section_size = 16;  // u64 offset, u64 size

// --- call chains: entries that are not addresses (enum perf_callchain_context) ---
inline constexpr std::uint64_t context_first_marker = static_cast<std::uint64_t>(-4095);
inline constexpr std::uint64_t context_hypervisor = static_cast<std::uint64_t>(-32);
inline constexpr std::uint64_t context_kernel = static_cast<std::uint64_t>(-128);
inline constexpr std::uint64_t context_user = static_cast<std::uint64_t>(-512);
inline constexpr std::uint64_t context_user_deferred = static_cast<std::uint64_t>(-640);
inline constexpr std::uint64_t context_guest = static_cast<std::uint64_t>(-2048);
inline constexpr std::uint64_t context_guest_kernel = static_cast<std::uint64_t>(-2176);
inline constexpr std::uint64_t context_guest_user = static_cast<std::uint64_t>(-2560);

}  // namespace fgread::format
