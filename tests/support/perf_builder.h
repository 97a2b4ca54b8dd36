// PerfBuilder: perf.data files made byte by byte, for tests that need a recording with exactly
// one difficulty in it.
//
//      PerfBuilder perf;
//      perf.add_event(cpu_clock_event());
//      perf.comm({.pid = 7, .time = 1}, "spin", exec);
//      perf.mmap2({.pid = 7, .time = 2}, {.start = 0x1000, .length = 0x1000, .path = "/bin/spin"});
//      perf.sample({.ip = 0x1234, .pid = 7, .tid = 7, .time = 3});
//      const std::vector<std::byte> file = perf.build();
//
// Written from the layouts in include/uapi/linux/perf_event.h, not with the reader's code.
// Little-endian, unless `Bytes::order` says otherwise while everything is made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "perfdata/header.h"
#include "perfdata/sample.h"

namespace fgread::test {

// Bytes under construction.
class Bytes {
public:
    static inline Endian order = Endian::little;

    Bytes& u8(std::uint64_t value) { return put(value, 1); }
    Bytes& u16(std::uint64_t value) { return put(value, 2); }
    Bytes& u32(std::uint64_t value) { return put(value, 4); }
    Bytes& u64(std::uint64_t value) { return put(value, 8); }
    Bytes& i32(std::int32_t value) { return put(static_cast<std::uint32_t>(value), 4); }
    Bytes& words(const std::vector<std::uint64_t>& values);
    Bytes& zeros(std::size_t count);
    Bytes& raw(ByteView bytes);
    Bytes& text(std::string_view text);          // without an end
    Bytes& padded_text(std::string_view text);   // NUL-terminated, and on to a multiple of 8
    Bytes& string_field(std::string_view text);  // as in features: u32 length, text, padding to 64

    void patch_u64(std::size_t position, std::uint64_t value);

    [[nodiscard]] const std::vector<std::byte>& data() const { return data_; }
    [[nodiscard]] std::size_t size() const { return data_.size(); }

private:
    Bytes& put(std::uint64_t value, unsigned size);
    std::vector<std::byte> data_;
};

// What a SAMPLE says; only the fields its event's sample_type asks for are written.
struct SampleFields {
    std::uint64_t ip = 0;
    std::int32_t pid = 0;
    std::int32_t tid = 0;
    std::uint64_t time = 0;
    std::uint64_t addr = 0;
    std::optional<std::uint64_t> id = {};  // default: the event's first
    std::uint64_t stream_id = 0;
    std::uint32_t cpu = 0;
    std::uint64_t period = 1;
    std::vector<std::uint64_t> read = {};  // the words, as read_format wants them
    std::vector<std::uint64_t> callchain = {};
    std::vector<std::byte> raw = {};
    std::vector<std::uint64_t> branches = {};  // three words each
    std::uint64_t newest_branch = 0;           // hw_idx
    std::uint64_t user_abi = 2;                // 0: no registers follow
    std::vector<std::uint64_t> user_regs = {};
    std::vector<std::byte> user_stack = {};
    std::uint64_t stack_area = 0;  // size of the dump; 0: that of user_stack
    std::uint64_t weight = 0, data_src = 0, transaction = 0;
    std::uint64_t intr_abi = 2;
    std::vector<std::uint64_t> intr_regs = {};
    std::uint64_t phys_addr = 0, cgroup = 0, data_page_size = 0, code_page_size = 0;
    std::vector<std::byte> aux = {};
    CpuMode mode = CpuMode::user;
};

// Who and when, for the records that are not samples. tid is pid if it is 0.
struct By {
    std::int32_t pid = 0;
    std::int32_t tid = 0;
    std::uint64_t time = 0;
};

struct MapFields {
    std::uint64_t start = 0;
    std::uint64_t length = 0x1000;
    std::uint64_t file_offset = 0;
    std::string path = "/bin/program";
    bool data = false;  // not executable
    CpuMode mode = CpuMode::user;
    std::vector<std::uint8_t> build_id = {};  // MMAP2: instead of the inode
    std::uint64_t inode = 0;
};

inline constexpr bool exec = true;

// ip, tid, time, period, identifier; sample_id_all; one id: 100.
EventAttr cpu_clock_event();
// As above, with call chain, user registers (mask 0xff0fff, as on x86-64) and `stack` bytes.
EventAttr dwarf_event(std::uint32_t stack = 64);

// The body of a SAMPLE of `attr`.
Bytes sample_body(const EventAttr& attr, const SampleFields& fields);

class PerfBuilder {
public:
    // Attrs and ids are written before the records. Returns the event's number.
    std::size_t add_event(EventAttr attr);

    // --- records, in file order ---
    void record(std::uint32_t type, std::uint16_t misc, const Bytes& body);
    // A record of the kernel: `body` with the sample_id trailer of event 0 behind it.
    void kernel_record(std::uint32_t type, std::uint16_t misc, Bytes body, const By& by);
    void sample(const SampleFields& fields, std::size_t event = 0);
    void mmap(const By& by, const MapFields& map);
    void mmap2(const By& by, const MapFields& map);
    void comm(const By& by, std::string_view name, bool from_exec = false);
    // A process if parent_pid differs from by.pid, else a thread.
    void fork(const By& by, std::int32_t parent_pid, std::int32_t parent_tid,
              bool synthesised = false);
    void exit(const By& by);
    void lost(std::uint64_t count, std::uint64_t time);
    void finished_round();
    void raw_bytes(const Bytes& bytes);  // whatever, in the place of records
    // Where the next record will stand in the file, in the usual order.
    [[nodiscard]] std::uint64_t next_offset() const;

    // --- features ---
    void feature(unsigned bit, Bytes body);
    void hostname(std::string_view name);
    void build_id(std::string_view path, const std::vector<std::uint8_t>& id,
                  CpuMode mode = CpuMode::user);
    // Adds EVENT_DESC with the names of the events' attrs.
    void event_names();

    // --- what may be wrong or unusual about the file ---
    std::uint32_t attr_size = 136;  // of each attr; its section of ids follows
    bool closed = true;             // false: data.size 0, no features, as after a kill
    // Of the file behind its header. The table of features follows the records wherever they are.
    enum class Section : std::uint8_t { ids, attrs, records, features };
    std::vector<Section> order = {Section::ids, Section::attrs, Section::records,
                                  Section::features};
    std::size_t gap = 0;  // bytes of nothing before each of them

    [[nodiscard]] std::vector<std::byte> build() const;
    // The same in pipe format, as perf record -o - writes it.
    [[nodiscard]] std::vector<std::byte> build_pipe() const;
    // Packs the records so far into compressed ones (COMPRESSED or COMPRESSED2) of `piece` bytes
    // each before compression, so that records straddle them.
    void compress(std::size_t piece, std::uint32_t type);

private:
    [[nodiscard]] Bytes trailer(const By& by) const;

    std::vector<EventAttr> events_;
    Bytes records_;
    std::vector<std::pair<unsigned, Bytes>> features_;
    Bytes build_ids_;
};

// While it lives, all bytes are made as on a big-endian machine.
class BigEndian {
public:
    BigEndian() { Bytes::order = Endian::big; }
    ~BigEndian() { Bytes::order = Endian::little; }
    BigEndian(const BigEndian&) = delete;
    BigEndian& operator=(const BigEndian&) = delete;
};

}  // namespace fgread::test
